// A .npy file: what is written for the array that is read holds the same array.
#include "cli/npy.h"

#include "fuzzers/fuzzer.h"
#include "ops/core/error.h"

namespace gradproof {

void fuzz(std::string_view input) {
  NpyArray array;
  if (!takes<UsageError>([&] { array = parse_npy(input, kFuzzedFile); })) return;
  const Index count = element_count(array.shape);
  require(static_cast<Index>(array.data.size()) == count * item_size(array.type), "data are as long as the shape says");
  require(static_cast<Index>(array.as_doubles().size()) == count, "every element has a value");
  const NpyArray again = parse_npy(npy_text(array), kFuzzedFile);
  require(again.type == array.type && again.shape == array.shape && again.data == array.data, "a file holds its array");
}

}  // namespace gradproof
