// A test of ONNX: the model, the tensor that goes in as often as it is asked for, and the one that should come out. The
// first two bytes say how long the model is, the next two how long the input. What is read is put as a case, or is not
// covered.
#include "fuzzers/fuzzer.h"
#include "onnx/mapping.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

std::string_view take(std::string_view& input, size_t size) {
  const std::string_view taken = input.substr(0, size);
  input.remove_prefix(taken.size());
  return taken;
}

size_t take_size(std::string_view& input) {
  size_t size = 0;
  for (char byte : take(input, 2)) size = size * 256 + static_cast<unsigned char>(byte);
  return size;
}

}  // namespace

void fuzz(std::string_view input) {
  static const Registry registry = register_operations();
  const size_t model_size = take_size(input), source_size = take_size(input);
  const std::string model(take(input, model_size)), source(take(input, source_size)), result(input);
  const auto files = [&](const std::filesystem::path& path) -> std::optional<std::string> {
    const std::string name = path.filename().string();
    return name == "model.onnx" ? model : name.starts_with("input") ? source : result;
  };
  try {
    OnnxTest test;
    if (!takes<UsageError>([&] { test = parse_onnx_test(kFuzzedFile, files); })) return;
    const Mapped mapped = map_onnx_test(test);
    takes<UsageError>([&] { registry.parse_case(mapped.case_text); }, "");
  } catch (const NotCovered&) {
  }
}

}  // namespace gradproof
