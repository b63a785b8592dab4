#include "ops/core/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "ops/core/error.h"

namespace gradproof {

bool same_but_for_trailing_ones(const Shape& a, const Shape& b) {
  for (int axis = 0; axis < std::max(a.rank(), b.rank()); ++axis)
    if ((axis < a.rank() ? a[axis] : 1) != (axis < b.rank() ? b[axis] : 1)) return false;
  return true;
}

const std::string* Node::tensor(std::string_view slot) const {
  const auto found = tensors.find(slot);
  return found == tensors.end() ? nullptr : &found->second;
}

void Graph::add(const Operation& operation, const std::string& attributes,
                std::map<std::string, std::string, std::less<>> tensors) {
  Node node{&operation, {}, std::move(tensors)};
  try {
    node.c = make_case(operation.spec, attributes);
  } catch (const UsageError& error) {
    refuse("{}: the layer that makes '{}' does not fit: {}", network_, node.result(), error.what());
  }
  for (const Argument& argument : arguments_of(operation.spec, node.c.attributes, Pass::forward())) {
    const std::string* tensor = node.tensor(argument.name);
    if (!argument.written && tensor == nullptr)
      throw std::logic_error(fmt::format("{}: input {} of {} is missing", network_, argument.name, node.c.to_text()));
    if (tensor != nullptr) argument.written ? write(*tensor, argument.shape) : read(*tensor, argument.shape);
  }
  nodes_.push_back(std::move(node));
}

bool Graph::is_input(const std::string& tensor) const {
  return std::find(inputs_.begin(), inputs_.end(), tensor) != inputs_.end();
}

void Graph::read(const std::string& tensor, const Shape& shape) {
  const auto [found, is_new] = shapes_.emplace(tensor, shape);
  if (is_new) inputs_.push_back(tensor);
  if (!same_but_for_trailing_ones(found->second, shape))
    throw std::logic_error(fmt::format("{}: tensor {} is read as two shapes", network_, tensor));
}

void Graph::write(const std::string& tensor, const Shape& shape) {
  if (!shapes_.emplace(tensor, shape).second)
    throw std::logic_error(fmt::format("{}: tensor {} is written, but exists already", network_, tensor));
}

GraphOf remembered(std::function<Graph(const Attributes&)> build) {
  struct Memory {
    std::mutex mutex;
    std::map<Attributes, std::shared_ptr<const Graph>> graphs;
  };
  return [build = std::move(build), memory = std::make_shared<Memory>()](const Attributes& attributes) {
    const std::lock_guard<std::mutex> lock(memory->mutex);
    const auto found = memory->graphs.find(attributes);
    if (found != memory->graphs.end()) return found->second;
    return memory->graphs.emplace(attributes, std::make_shared<const Graph>(build(attributes))).first->second;
  };
}

}  // namespace gradproof
