#include "onnx/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "onnx/protobuf.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

constexpr Index kMostValues = Index{1} << 26;

[[noreturn]] void refuse_unread(const std::filesystem::path& path) {
  refuse("cannot read '{}'; name a file that is there", path.string());
}

std::optional<std::string> read_text(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return {};
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  if (!stream || std::filesystem::is_directory(path)) refuse_unread(path);
  text << stream.rdbuf();
  return text.str();
}

// Numbers that are written one by one or packed.
void append_integers(const WireField& field, const std::string& name, std::vector<Index>& values) {
  if (!field.has_bytes) return values.push_back(field.integer());
  for (Index value : WireReader(field.bytes, name).varints()) values.push_back(value);
}

// A remainder makes one value more than there may be.
template <class T>
void append_raw(std::string_view bytes, std::vector<double>& values) {
  for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
    T value{};
    std::memcpy(&value, bytes.data() + i, std::min(sizeof(T), bytes.size() - i));
    values.push_back(static_cast<double>(value));
  }
}

void append_raw(const OnnxTensor& tensor, std::string_view bytes, std::vector<double>& values) {
  if (tensor.is(OnnxType::kFloat)) return append_raw<float>(bytes, values);
  if (tensor.is(OnnxType::kInt64)) return append_raw<std::int64_t>(bytes, values);
  if (tensor.is(OnnxType::kInt32)) return append_raw<std::int32_t>(bytes, values);
  if (tensor.is(OnnxType::kUint8) || tensor.is(OnnxType::kBool)) append_raw<std::uint8_t>(bytes, values);
}

bool has_values(int type) {
  constexpr OnnxType kKnown[] = {OnnxType::kFloat, OnnxType::kUint8, OnnxType::kInt32, OnnxType::kInt64,
                                 OnnxType::kBool};
  return std::any_of(std::begin(kKnown), std::end(kKnown),
                     [&](OnnxType known) { return type == static_cast<int>(known); });
}

struct ModelGraph {
  struct Node {
    std::vector<std::string> inputs, outputs;
    std::string op, domain;
    std::map<std::string, OnnxAttribute, std::less<>> attributes;
  };
  std::vector<Node> nodes;
  std::vector<std::string> inputs, outputs;
  std::vector<OnnxTensor> initializers;
  Index version = 0;
  bool tensors_only = true;  // no sequences, no optional values
};

std::pair<std::string, OnnxAttribute> parse_attribute(std::string_view text, const std::string& name) {
  std::pair<std::string, OnnxAttribute> result;
  WireReader reader(text, name);
  for (WireField field; reader.next(field);) {
    if (field.number == 1) result.first = field.bytes;
    if (field.number == 2) result.second.real = field.single();
    if (field.number == 3) result.second.integer = field.integer();
    if (field.number == 4) result.second.text = std::string(field.bytes);
    if (field.number == 8) append_integers(field, name, result.second.integers);
  }
  return result;
}

ModelGraph::Node parse_node(std::string_view text, const std::string& name) {
  ModelGraph::Node node;
  WireReader reader(text, name);
  for (WireField field; reader.next(field);) {
    if (field.number == 1) node.inputs.emplace_back(field.bytes);
    if (field.number == 2) node.outputs.emplace_back(field.bytes);
    if (field.number == 4) node.op = field.bytes;
    if (field.number == 5) node.attributes.insert(parse_attribute(field.bytes, name));
    if (field.number == 7) node.domain = field.bytes;
  }
  return node;
}

// The text of the first field with this number: the name of a ValueInfo, the version of an operator set.
WireField first_field(std::string_view text, int number, const std::string& name) {
  WireReader reader(text, name);
  for (WireField field; reader.next(field);)
    if (field.number == number) return field;
  return {};
}

// The name of a value that goes in or out. Its type is a message of its own, in which 1 is a tensor.
std::string parse_value(std::string_view text, const std::string& name, ModelGraph& graph) {
  const WireField type = first_field(text, 2, name);
  if (!first_field(type.bytes, 1, name).has_bytes) graph.tensors_only = false;
  return std::string(first_field(text, 1, name).bytes);
}

void parse_graph(std::string_view text, const std::string& name, ModelGraph& graph) {
  WireReader reader(text, name);
  for (WireField field; reader.next(field);) {
    if (field.number == 1) graph.nodes.push_back(parse_node(field.bytes, name));
    if (field.number == 5) graph.initializers.push_back(parse_onnx_tensor(field.bytes, name));
    if (field.number == 11) graph.inputs.push_back(parse_value(field.bytes, name, graph));
    if (field.number == 12) graph.outputs.push_back(parse_value(field.bytes, name, graph));
  }
}

ModelGraph parse_model(std::string_view text, const std::string& name) {
  ModelGraph graph;
  WireReader reader(text, name);
  for (WireField field; reader.next(field);) {
    if (field.number == 7) parse_graph(field.bytes, name, graph);
    if (field.number == 8 && first_field(field.bytes, 1, name).bytes.empty())
      graph.version = first_field(field.bytes, 2, name).integer();
  }
  return graph;
}

using Named = std::map<std::string, OnnxTensor, std::less<>>;

// input_0.pb, input_1.pb, ... under the names that the graph gives them.
void read_data(const std::filesystem::path& stem, const OnnxFiles& files, const std::vector<std::string>& names,
               Named& tensors) {
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string path = fmt::format("{}_{}.pb", stem.string(), i);
    const std::optional<std::string> text = files(path);
    if (!text) return;
    tensors.insert_or_assign(names[i], parse_onnx_tensor(*text, path));
  }
}

std::vector<std::optional<OnnxTensor>> tensors_of(const std::vector<std::string>& names, const Named& tensors) {
  std::vector<std::optional<OnnxTensor>> result;
  for (const std::string& name : names) {
    const auto tensor = tensors.find(name);
    result.push_back(tensor == tensors.end() ? std::nullopt : std::optional(tensor->second));
  }
  return result;
}

}  // namespace

Index OnnxTensor::count() const {
  Index count = 1;
  bool empty = false;
  for (Index size : sizes) {
    if (size < 0 || (size > 0 && count > kMostValues / size)) return -1;
    if (size > 0) count *= size;
    empty |= size == 0;
  }
  return empty ? 0 : count;
}

OnnxTensor parse_onnx_tensor(std::string_view text, const std::string& name) {
  OnnxTensor tensor;
  std::string_view raw;
  WireReader reader(text, name);
  for (WireField field; reader.next(field);) {
    if (field.number == 1) append_integers(field, name, tensor.sizes);
    if (field.number == 2) tensor.type = static_cast<int>(field.word);
    if (field.number == 4 && field.has_bytes)
      for (float value : WireReader(field.bytes, name).singles()) tensor.values.push_back(static_cast<double>(value));
    if (field.number == 4 && !field.has_bytes) tensor.values.push_back(static_cast<double>(field.single()));
    if (field.number == 5 || field.number == 7) {
      std::vector<Index> integers;
      append_integers(field, name, integers);
      tensor.values.insert(tensor.values.end(), integers.begin(), integers.end());
    }
    if (field.number == 8) tensor.name = field.bytes;
    if (field.number == 9) raw = field.bytes;
  }
  if (tensor.count() < 0)
    refuse("'{}' has sizes below 0 or more than {} elements; copy or write it again", name, kMostValues);
  if (!has_values(tensor.type)) {
    tensor.values.clear();
    return tensor;
  }
  append_raw(tensor, raw, tensor.values);
  if (tensor.count() != static_cast<Index>(tensor.values.size()))
    refuse("'{}' holds {} values, which are not as many as its sizes say; copy or write it again", name,
           tensor.values.size());
  return tensor;
}

OnnxTest read_onnx_test(const std::filesystem::path& directory) { return parse_onnx_test(directory, read_text); }

OnnxTest parse_onnx_test(const std::filesystem::path& directory, const OnnxFiles& files) {
  const std::filesystem::path path = directory / "model.onnx", data = directory / "test_data_set_0";
  const std::optional<std::string> text = files(path);
  if (!text) refuse_unread(path);
  const ModelGraph graph = parse_model(*text, path.string());
  if (graph.nodes.size() != 1)
    throw NotCovered(graph.nodes.empty() ? "a model without operators" : "a model of several operators");
  const ModelGraph::Node& node = graph.nodes.front();
  if (!node.domain.empty() && node.domain != "ai.onnx")
    throw NotCovered(fmt::format("{} is of the operators '{}', not of the standard ones", node.op, node.domain));
  if (!graph.tensors_only) throw NotCovered(fmt::format("{} of what is no tensor", node.op));
  Named tensors;
  for (const OnnxTensor& tensor : graph.initializers) tensors.emplace(tensor.name, tensor);
  std::vector<std::string> free;
  for (const std::string& name : graph.inputs)
    if (!tensors.contains(name)) free.push_back(name);
  read_data(data / "input", files, free, tensors);
  Named expected;
  read_data(data / "output", files, graph.outputs, expected);
  for (const std::string& name : node.inputs)
    if (!name.empty() && !tensors.contains(name)) throw NotCovered(fmt::format("no stored tensor '{}'", name));
  return {directory.filename().string(),     node.op, graph.version, node.attributes, tensors_of(node.inputs, tensors),
          tensors_of(node.outputs, expected)};
}

}  // namespace gradproof
