// Wrong networks: another graph than the one that is declared, and gradients that do not add up.
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "checks/self/mutant.h"
#include "ops/core/graph.h"
#include "ops/core/memory.h"
#include "ops/net/network_kernel.h"
#include "ops/net/networks.h"
#include "ops/pool/global_pool.h"

namespace gradproof {
namespace {

using Rewire = std::function<void(const Node&, Graph&)>;  // appends what stands for a node

// Operations must outlive the graphs that point to them.
const Operation& network_called(const std::string& name) {
  static const std::vector<Operation> networks = network_operations();
  for (const Operation& network : networks)
    if (network.spec.name == name) return network;
  throw std::logic_error("no network is called " + name);
}

std::string attributes_text(const Case& c) { return c.attributes.to_text(); }

Implementation rewired(const std::string& network, const Rewire& rewire) {
  const GraphOf graph = remembered([network, rewire](const Attributes& attributes) {
    Graph wrong(network);
    const auto right = network_called(network).spec.graph(attributes);
    for (const Node& node : right->nodes()) rewire(node, wrong);
    return wrong;
  });
  Implementation implementation = network_simd_implementations(graph, std::make_shared<const Layers>()).front();
  implementation.depth = nullptr;  // that of the network as it should be
  return implementation;
}

void keep(const Node& node, Graph& graph) { graph.add(*node.operation, attributes_text(node.c), node.tensors); }

// Leaves out the node that makes `skipped`; what read it reads what that node read.
Rewire without(const std::string& skipped) {
  const auto stand_in = std::make_shared<std::string>();
  return [skipped, stand_in](const Node& node, Graph& graph) {
    if (node.result() == skipped) {
      *stand_in = *node.tensor("src");
      return;
    }
    Node changed = node;
    for (auto& [slot, tensor] : changed.tensors)
      if (tensor == skipped) tensor = *stand_in;
    keep(changed, graph);
  };
}

// Reads `instead` at a slot of the node that makes `result`.
Rewire reading(const std::string& result, const std::string& slot, const std::string& instead) {
  return [=](const Node& node, Graph& graph) {
    Node changed = node;
    if (node.result() == result) changed.tensors[slot] = instead;
    keep(changed, graph);
  };
}

Rewire summing_for_average() {
  return [](const Node& node, Graph& graph) {
    static const Operation sum = global_sum_pool_operation();
    Node changed = node;
    if (node.operation->spec.name == "global_avg_pool") changed.operation = &sum;
    keep(changed, graph);
  };
}

// A residual block whose src gets what the convolutions send back, but nothing from the shortcut.
class LosesShortcut final : public Kernel {
 public:
  LosesShortcut(const Case& c, const Pass& pass, const PrepareOptions& options)
      : healthy_(network_called("residual_block").implementation("simd").prepare(c, pass, options)),
        arguments_(arguments_of(*c.spec, c.attributes, pass)) {
    if (pass.is_forward()) return;
    forward_ = network_called("residual_block").implementation("simd").prepare(c, Pass::forward(), options);
    const Shape shape = *c.spec->find_slot("dst")->shape(c.attributes);
    dst_ = zeroed_floats(element_count(shape));
    dst_ref_ = {dst_.get(), ElementType::kFloat32, shape, dense_strides(shape)};
  }

  void run(std::span<const TensorRef> tensors) override {
    healthy_->run(tensors);
    const int lost = argument_index(arguments_, "diff_src"), given = argument_index(arguments_, "diff_dst");
    if (lost < 0) return;
    std::vector<TensorRef> inputs(tensors.begin(), tensors.begin() + given);
    inputs.push_back(dst_ref_);
    forward_->run(inputs);
    const TensorRef& diff_src = tensors[static_cast<size_t>(lost)];
    for (Index i = 0; i < element_count(diff_src.shape); ++i)
      if (dst_[static_cast<size_t>(i)] > 0) diff_src.floats()[i] -= tensors[static_cast<size_t>(given)].floats()[i];
  }

  std::string isa() const override { return healthy_->isa(); }

 private:
  std::unique_ptr<Kernel> healthy_, forward_;
  std::vector<Argument> arguments_;
  AlignedMemory<float> dst_;
  TensorRef dst_ref_;
};

Implementation loses_shortcut() {
  Implementation implementation = network_called("residual_block").implementation("simd");
  implementation.prepare = [](const Case& c, const Pass& pass,
                              const PrepareOptions& options) -> std::unique_ptr<Kernel> {
    return std::make_unique<LosesShortcut>(c, pass, options);
  };
  return implementation;
}

}  // namespace

std::vector<Mutant> network_mutants() {
  const std::vector<std::string> all{"forward", "vjp", "fd-direct"};
  return {
      {"layer-without-relu", "lenet5", "a relu is left out", all, rewired("lenet5", without("relu3")), {}},
      {"map-without-relu", "gap_net", "a relu is left out", all, rewired("gap_net", without("relu1")), {}},
      {"summed-maps", "gap_net", "maps are summed, not averaged", all, rewired("gap_net", summing_for_average()), {}},
      {"norm-left-out",
       "alexnet_head",
       "local response normalization is left out",
       all,
       rewired("alexnet_head", without("lrn")),
       {}},
      {"shortcut-from-inside",
       "residual_block",
       "the shortcut starts behind the first norm",
       all,
       rewired("residual_block", reading("sum", "other", "norm1")),
       {}},
      {"shortcut-sends-nothing",
       "residual_block",
       "an input that is read twice gets one of its two gradients",
       {"vjp", "fd-direct"},
       loses_shortcut(),
       {}},
      {"norm-not-used", "mobile_block", "the norm is left out", all, rewired("mobile_block", without("norm")), {}},
      {"second-layer-linear",
       "coord_regressor",
       "a relu is left out",
       all,
       rewired("coord_regressor", without("relu2")),
       {}},
  };
}

}  // namespace gradproof
