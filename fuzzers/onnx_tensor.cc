// A tensor as ONNX stores it: as many values as its sizes say.
#include "fuzzers/fuzzer.h"
#include "onnx/model.h"
#include "ops/core/error.h"

namespace gradproof {

void fuzz(std::string_view input) {
  OnnxTensor tensor;
  if (!takes<UsageError>([&] { tensor = parse_onnx_tensor(input, kFuzzedFile); })) return;
  if (tensor.values.empty()) return;  // of a type that has none
  require(tensor.count() == static_cast<Index>(tensor.values.size()), "there are as many values as the sizes say");
}

}  // namespace gradproof
