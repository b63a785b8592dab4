#include "ops/net/network.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "ops/net/layers.h"
#include "ops/net/network_kernel.h"

namespace gradproof {
namespace {

// How often the error of a computed input enters the result as a factor: more than once where a norm multiplies a
// deviation by what it makes of squares of deviations, (x - mean) * rstd with rstd of depth 2 d, and three such factors
// in its gradient. Operations that are affine in an input, or choose between inputs, let it through once. Throws
// std::logic_error for others: how often must be said here before a network can hold one.
double factors(const Node& node, bool gradient) {
  const Spec& spec = node.operation->spec;
  if (spec.family == "norm") return gradient ? 8 : 3;
  const bool through_once = spec.name == "relu" || spec.name == "max_pool" ||
                            std::none_of(spec.slots.begin(), spec.slots.end(), [](const Slot& slot) {
                              return slot.role == Role::kInput && slot.dependence != Dependence::kAffine;
                            });
  if (!through_once) throw std::logic_error("network: how often does " + spec.name + " multiply by what it reads?");
  return 1;
}

using Depths = std::map<std::string, double, std::less<>>;

// Of the tensors that a node reads; 0 for inputs of the network.
double depth_at(const Depths& depths, const std::string& tensor) {
  const auto found = depths.find(tensor);
  return found == depths.end() ? 0 : found->second;
}

// Two computed operands are only added, and a sum is as deep as the deeper one.
double deepest_input(const Node& node, const Depths& depths) {
  double deepest = 0;
  for (const Slot& slot : node.operation->spec.slots)
    if (slot.role == Role::kInput)
      if (const std::string* tensor = node.tensor(slot.name)) deepest = std::max(deepest, depth_at(depths, *tensor));
  return deepest;
}

Depths forward_depths(const Graph& graph, const NodeDepth& depth_of) {
  Depths depths;
  for (const Node& node : graph.nodes())
    depths[node.result()] = factors(node, false) * deepest_input(node, depths) + depth_of(node, Pass::forward(), "dst");
  return depths;
}

// Gradients multiply what came back by what the forward pass computed.
Depths gradient_depths(const Graph& graph, const Depths& forward, const NodeDepth& depth_of) {
  Depths depths;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    const double through = factors(*node, true) * deepest_input(*node, forward) + depth_at(depths, node->result());
    for (const Slot& slot : node->operation->spec.slots) {
      const std::string* tensor = slot.role == Role::kInput && slot.differentiable ? node->tensor(slot.name) : nullptr;
      if (tensor == nullptr) continue;
      const double depth = through + depth_of(*node, Pass::vjp(slot.name), "diff_" + slot.name);
      const auto [found, is_first] = depths.emplace(*tensor, depth);
      if (!is_first) found->second = std::max(found->second, depth) + 1;  // what several send is added
    }
  }
  return depths;
}

Cost network_cost(const Graph& graph, const Pass& pass) {
  Cost cost;
  for (const Node& node : graph.nodes()) {
    cost.flops += node.operation->spec.cost(node.c.attributes, Pass::forward()).flops;
    if (pass.is_forward()) continue;
    for (const Pass& back : passes_towards(graph, node, pass)) {
      cost.flops += node.operation->spec.cost(node.c.attributes, back).flops;
    }
  }
  // What enters and leaves; all between could stay in a cache.
  const auto bytes = [&](const std::string& tensor) {
    return 4 * static_cast<double>(element_count(graph.shape_of(tensor)));
  };
  for (const std::string& input : graph.inputs()) {
    const bool written = !pass.is_forward() && (pass.slot.empty() || pass.slot == input);
    cost.bytes += bytes(input) * (written ? 2 : 1);
  }
  cost.bytes += bytes(graph.result());
  return cost;
}

double node_spec_depth(const Node& node, const Pass& pass, std::string_view tensor) {
  return node.operation->spec.depth(node.c.attributes, pass, tensor);
}

// Inputs with the network's decisions behind them (a relu, a maximum) have kinks wherever a value in between has one.
std::vector<Slot> network_slots(const Graph& example, const GraphOf& graph) {
  std::vector<Slot> slots;
  const auto shape_of = [graph](const std::string& tensor) {
    return [graph, tensor](const Attributes& a) -> std::optional<Shape> {
      const auto network = graph(a);
      if (!network->has(tensor)) return {};
      return network->shape_of(tensor);
    };
  };
  for (const std::string& input : example.inputs())
    slots.push_back({.name = input,
                     .role = Role::kInput,
                     .shape = shape_of(input),
                     .dependence = Dependence::kKinked,
                     .kinks_add_up = true});
  slots.push_back({.name = "dst", .role = Role::kOutput, .shape = shape_of(example.result())});
  return slots;
}

}  // namespace

double network_depth(const Graph& graph, const Pass& pass, std::string_view tensor, const NodeDepth& depth_of) {
  const Depths forward = forward_depths(graph, depth_of);
  if (pass.is_forward()) return forward.at(graph.result());
  return gradient_depths(graph, forward, depth_of).at(std::string(tensor.substr(std::string_view("diff_").size())));
}

Operation network_operation(const Network& network, const std::shared_ptr<const Layers>& layers) {
  const GraphOf graph = remembered([layers, build = network.graph](const Attributes& a) { return build(*layers, a); });
  Operation op;
  op.spec.name = network.name;
  op.spec.family = "network";
  op.spec.summary = network.summary;
  op.spec.attributes = network.attributes;
  op.spec.graph = graph;
  op.spec.slots =
      network_slots(*graph(Attributes::parse(network.name, network.attributes, network.smoke_cases.front())), graph);
  op.spec.whole_vjp = true;
  op.spec.validate = [graph](const Attributes& a) { graph(a); };
  op.spec.cost = [graph](const Attributes& a, const Pass& pass) { return network_cost(*graph(a), pass); };
  op.spec.depth = [graph](const Attributes& a, const Pass& pass, std::string_view tensor) {
    return network_depth(*graph(a), pass, tensor, node_spec_depth);
  };
  op.spec.decision_depth = [graph](const Attributes& a) {
    double deepest = 0;
    for (const auto& [tensor, depth] : forward_depths(*graph(a), node_spec_depth)) deepest = std::max(deepest, depth);
    return deepest;
  };
  op.spec.contains_nan = [](const Pass&, std::string_view) { return false; };
  op.spec.smoke_cases = network.smoke_cases;
  op.spec.full_cases = network.full_cases;
  op.spec.invalid_cases = network.invalid_cases;
  op.implementations = network_simd_implementations(graph, layers);
  return op;
}

}  // namespace gradproof
