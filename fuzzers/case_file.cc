// A file of cases that failed: the lines that are written for what is read mean the same.
#include "cli/case_file.h"

#include "fuzzers/fuzzer.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {

void fuzz(std::string_view input) {
  static const Registry registry = register_operations();
  std::vector<KeptCase> cases;
  if (!takes<UsageError>([&] { cases = parse_cases(registry, std::string(input), kFuzzedFile); })) return;
  std::string lines;
  for (const KeptCase& kept : cases) lines += case_line(kept, input);
  require(parse_cases(registry, lines, kFuzzedFile) == cases, "written lines mean the cases", lines);
}

}  // namespace gradproof
