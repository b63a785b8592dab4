// Graph: a network as operations that read and write named tensors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

// Whether tensors of these shapes are the same numbers at the same positions: (mb, c) and (mb, c, 1, 1).
bool same_but_for_trailing_ones(const Shape& a, const Shape& b);

// An operation at work in a network.
struct Node {
  const Operation* operation = nullptr;
  Case c;
  std::map<std::string, std::string, std::less<>> tensors;  // slot -> tensor; outputs that nobody reads are left out

  // The tensor at a slot, or nothing.
  const std::string* tensor(std::string_view slot) const;
  // "dst" of every operation that networks are made of.
  const std::string& result() const { return *tensor("dst"); }
};

// Tensors that no node writes are the network's inputs and parameters. One that several nodes read is shared: its
// gradient is the sum of what they send. The last node's result is the network's. Features (mb, c) may be read as a map
// of one pixel (mb, c, 1, 1), and the other way round.
class Graph {
 public:
  explicit Graph(std::string network) : network_(std::move(network)) {}

  // Appends a node. `tensors` must name every input that the case has, and dst. Throws UsageError, which names the
  // network and the layer, for attributes that do not fit; std::logic_error for a tensor that two nodes write, or that
  // has not the shape that the slot asks for.
  void add(const Operation& operation, const std::string& attributes,
           std::map<std::string, std::string, std::less<>> tensors);

  const std::vector<Node>& nodes() const { return nodes_; }
  // The tensors that no node writes, in the order in which they are first read.
  const std::vector<std::string>& inputs() const { return inputs_; }
  const std::string& result() const { return nodes_.back().result(); }
  // Throws std::out_of_range for a tensor that is not there.
  const Shape& shape_of(const std::string& tensor) const { return shapes_.at(tensor); }
  bool has(const std::string& tensor) const { return shapes_.contains(tensor); }
  bool is_input(const std::string& tensor) const;

 private:
  void read(const std::string& tensor, const Shape& shape);
  void write(const std::string& tensor, const Shape& shape);

  std::string network_;
  std::vector<Node> nodes_;
  std::vector<std::string> inputs_;
  std::map<std::string, Shape, std::less<>> shapes_;
};

// The graph of a network for its attributes.
using GraphOf = std::function<std::shared_ptr<const Graph>(const Attributes&)>;

// Builds each graph once: checks ask for the same one at every step of a difference, and to parse its layers'
// attributes takes longer than to evaluate them. Keeps them all, a few hundred in a run.
GraphOf remembered(std::function<Graph(const Attributes&)> build);

}  // namespace gradproof
