// What networks have in common: everything about one follows from its graph.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/core/graph.h"

namespace gradproof {

// The operations that networks are made of.
struct Layers;

struct Network {
  std::string name;
  std::string summary;
  std::vector<AttributeSpec> attributes;
  // Tensors that no node writes become the inputs: "src" and the parameters.
  std::function<Graph(const Layers&, const Attributes&)> graph;
  std::vector<std::string> smoke_cases, full_cases;
  std::vector<InvalidCase> invalid_cases;
};

// Gradients: of src and every parameter, each alone or all in one pass. A VJP runs the network forward first, since the
// gradients of its operations read what lies between them.
Operation network_operation(const Network& network, const std::shared_ptr<const Layers>& layers);

// Roundings on the longest path to the result or to a gradient, given those of each operation.
using NodeDepth = std::function<double(const Node&, const Pass&, std::string_view tensor)>;
double network_depth(const Graph& graph, const Pass& pass, std::string_view tensor, const NodeDepth& depth_of);

}  // namespace gradproof
