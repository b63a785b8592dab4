// The reviewed file of errors: what is written for it reads as the same.
#include "gate/exact/exactness.h"

#include "fuzzers/fuzzer.h"
#include "ops/core/error.h"

namespace gradproof {

void fuzz(std::string_view input) {
  const ExactnessScope scope;
  ExactnessFile file;
  if (!takes<UsageError>([&] { file = parse_exactness(input, kFuzzedFile, scope); })) return;
  const std::string text = exactness_text(file);
  require(parse_exactness(text, kFuzzedFile, scope) == file, "a file holds what it was written for", text);
}

}  // namespace gradproof
