// ONNX models of one operator, with stored inputs and outputs: the standard's own backend tests.
// Field numbers: github.com/onnx/onnx/blob/main/onnx/onnx.proto
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/shape.h"

namespace gradproof {

enum class OnnxType { kFloat = 1, kUint8 = 2, kInt32 = 6, kInt64 = 7, kBool = 9 };

struct OnnxTensor {
  std::string name;
  int type = 0;              // as ONNX numbers them; those in OnnxType have values
  std::vector<Index> sizes;  // any number of axes
  std::vector<double> values;

  bool is(OnnxType wanted) const { return type == static_cast<int>(wanted); }
  Index count() const;  // -1 where there are too many, or would be but for a size of 0
};

struct OnnxAttribute {
  std::optional<float> real;
  std::optional<Index> integer;
  std::optional<std::string> text;
  std::vector<Index> integers;
};

// A node with what goes in and what should come out; nothing for what is left out.
struct OnnxTest {
  std::string name;  // its directory
  std::string op;
  Index version = 0;  // of the standard operators
  std::map<std::string, OnnxAttribute, std::less<>> attributes;
  std::vector<std::optional<OnnxTensor>> inputs, outputs;
};

// A test that is not run, for the reason given.
struct NotCovered : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads model.onnx and test_data_set_0 of a directory. Throws NotCovered for a model that is not one standard operator
// on tensors, UsageError for files that cannot be read or are malformed.
OnnxTest read_onnx_test(const std::filesystem::path& directory);

// The same for files at hand: their texts by path, nothing where there is none.
using OnnxFiles = std::function<std::optional<std::string>(const std::filesystem::path& path)>;
OnnxTest parse_onnx_test(const std::filesystem::path& directory, const OnnxFiles& files);

// Throws UsageError naming `name`.
OnnxTensor parse_onnx_tensor(std::string_view text, const std::string& name);

}  // namespace gradproof
