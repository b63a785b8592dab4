#include "onnx/translator.h"

#include <functional>
#include <numeric>

namespace gradproof {

Index product(std::span<const Index> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), Index{1}, std::multiplies<>());
}

const OnnxTensor& Translator::any_input(size_t i) const {
  if (!has_input(i)) not_covered("{} without input {}", test_.op, i);
  return *test_.inputs[i];
}

const OnnxTensor& Translator::input(size_t i) const {
  const OnnxTensor& tensor = any_input(i);
  if (!tensor.is(OnnxType::kFloat)) not_covered("input {} is no float32 (type {})", i, tensor.type);
  return tensor;
}

double Translator::scalar_input(size_t i) const {
  const OnnxTensor& tensor = any_input(i);
  if (tensor.values.size() != 1) not_covered("input {} is no single number", i);
  return tensor.values.front();
}

const OnnxTensor* Translator::output(size_t i) const {
  return i < test_.outputs.size() && test_.outputs[i] ? &*test_.outputs[i] : nullptr;
}

Index Translator::integer(std::string_view name, Index otherwise) const {
  const auto attribute = test_.attributes.find(name);
  return attribute == test_.attributes.end() ? otherwise : attribute->second.integer.value_or(otherwise);
}

double Translator::real(std::string_view name, double otherwise) const {
  const auto attribute = test_.attributes.find(name);
  if (attribute == test_.attributes.end() || !attribute->second.real) return otherwise;
  return std::stod(fmt::format("{}", *attribute->second.real));
}

std::string Translator::text(std::string_view name, const std::string& otherwise) const {
  const auto attribute = test_.attributes.find(name);
  return attribute == test_.attributes.end() ? otherwise : attribute->second.text.value_or(otherwise);
}

std::vector<Index> Translator::integers(std::string_view name, size_t count, Index otherwise) const {
  const auto attribute = test_.attributes.find(name);
  if (attribute == test_.attributes.end()) return std::vector<Index>(count, otherwise);
  if (attribute->second.integers.size() != count) not_covered("{} has not {} entries", name, count);
  return attribute->second.integers;
}

Index Translator::axis_of(Index axis, const OnnxTensor& tensor) {
  const auto rank = static_cast<Index>(tensor.sizes.size());
  const Index counted = axis < 0 ? axis + rank : axis;
  if (counted < 0 || counted > rank) not_covered("axis {} of {} axes", axis, rank);
  return counted;
}

void Translator::set_maps(const OnnxTensor& tensor, const char* channels) {
  constexpr const char* kAxes[] = {"id", "ih", "iw"};
  const size_t rank = tensor.sizes.size();
  if (rank < 2 || rank > 5) not_covered("a tensor of {} axes where there are 2 to 5", rank);
  set("mb", tensor.sizes[0]);
  set(channels, tensor.sizes[1]);
  for (size_t axis = 2; axis < rank; ++axis) set(kAxes[axis + 3 - rank], tensor.sizes[axis]);
}

void Translator::set_block(const OnnxTensor& tensor, Index first, Index last) {
  const std::span<const Index> sizes(tensor.sizes);
  const auto begin = static_cast<size_t>(first), end = static_cast<size_t>(last);
  set("mb", product(sizes.first(begin)));
  set("c", product(sizes.subspan(begin, end - begin)));
  set("iw", product(sizes.subspan(end)));
}

void Translator::expect(const std::string& slot, size_t i) {
  if (output(i) != nullptr) mapped_.expected.emplace(slot, *output(i));
}

void Translator::leave_out(size_t i, const std::string& why) {
  if (output(i) != nullptr) mapped_.notes.push_back(fmt::format("output {} is not compared: {}", i, why));
}

void Translator::allow(const std::string& slot, std::vector<double> slack, const std::string& why) {
  mapped_.slack.insert_or_assign(slot, std::move(slack));
  mapped_.notes.push_back(fmt::format("{} is allowed more: {}", slot, why));
}

Mapped Translator::done() {
  mapped_.case_text = op_ + ":" + keys_;
  return std::move(mapped_);
}

}  // namespace gradproof
