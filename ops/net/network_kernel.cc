#include "ops/net/network_kernel.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "ops/core/buffer.h"
#include "ops/net/network.h"

namespace gradproof {
namespace {

// Tensors whose gradients lead to those that `pass` wants.
std::set<std::string> on_the_way(const Graph& graph, const Pass& pass) {
  std::set<std::string> tensors;
  for (const std::string& input : graph.inputs())
    if (pass.slot.empty() || pass.slot == input) tensors.insert(input);
  for (const Node& node : graph.nodes())
    for (const auto& [slot, tensor] : node.tensors)
      if (tensors.contains(tensor)) tensors.insert(node.result());
  return tensors;
}

// The kernels of the nodes in their order, then for a gradient those of their VJPs in the opposite one. Every tensor
// has a place: memory of the network's own, or the caller's.
class NetworkKernel final : public Kernel {
 public:
  NetworkKernel(const Graph& graph, const Operation& add, const Case& c, const Pass& pass, std::string implementation,
                const PrepareOptions& options)
      : graph_(graph), add_(add), implementation_(std::move(implementation)), options_(options) {
    for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
      add_place(pass.is_forward() && argument.written ? graph_.result()
                : argument.name == "diff_dst"         ? diff(graph_.result())
                                                      : argument.name,
                {.shape = argument.shape, .strides = dense_strides(argument.shape)});
    callers_ = places_.size();
    for (size_t k = 0; k < graph_.nodes().size(); ++k) plan_forward(k);
    if (pass.is_forward()) return;
    count_senders(pass);
    for (size_t k = graph_.nodes().size(); k-- > 0;)
      for (const Pass& back : passes_towards(graph_, graph_.nodes()[k], pass)) plan_gradient(k, back);
  }

  void run(std::span<const TensorRef> arguments) override {
    for (size_t k = 0; k < callers_; ++k) places_[k].data = arguments[k].data;
    for (Step& step : steps_) {
      for (size_t k = 0; k < step.places.size(); ++k) step.part.arguments[k].data = places_[step.places[k]].data;
      step.kernel->run(step.part.arguments);
    }
  }

  std::vector<KernelPart> parts() const override {
    std::vector<KernelPart> parts;
    for (const Step& step : steps_) parts.push_back(step.part);
    return parts;
  }

  std::string isa() const override { return steps_.front().kernel->isa(); }

 private:
  struct Step {
    std::unique_ptr<Kernel> kernel;
    KernelPart part;
    std::vector<size_t> places;  // of its arguments
  };

  // The nodes that send a gradient to a tensor, and where what has come so far is.
  struct Senders {
    int all = 0, heard = 0;
    std::string sum{};
  };

  static constexpr std::string_view kDiff = "diff_";
  static std::string diff(const std::string& tensor) { return std::string(kDiff) + tensor; }

  size_t add_place(const std::string& name, TensorRef ref) {
    places_.push_back(std::move(ref));
    return place_of_[name] = places_.size() - 1;
  }

  // The place of that name; memory for it where there is none yet.
  size_t place(const std::string& name, const Argument& argument) {
    const auto found = place_of_.find(name);
    if (found != place_of_.end()) return found->second;
    memory_.emplace_back(argument.shape, argument.type);
    return add_place(name, memory_.back().ref());
  }

  void count_senders(const Pass& pass) {
    for (const Node& node : graph_.nodes())
      for (const Pass& back : passes_towards(graph_, node, pass)) ++senders_[diff(*node.tensor(back.slot))].all;
  }

  // A step of `c`, the places of whose arguments are called name_of(argument).
  void append(const Operation& operation, const Case& c, const Pass& pass,
              const std::function<std::string(const std::string&)>& name_of) {
    const Implementation& implementation = operation.implementation(implementation_);
    Step step{implementation.prepare(c, pass, options_), {c, pass, &implementation, {}}, {}};
    for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass)) {
      step.places.push_back(place(name_of(argument.name), argument));
      step.part.arguments.push_back({nullptr, argument.type, argument.shape, dense_strides(argument.shape)});
    }
    steps_.push_back(std::move(step));
  }

  void plan_forward(size_t number) {
    const Node& node = graph_.nodes()[number];
    append(*node.operation, node.c, Pass::forward(),
           [&](const std::string& argument) { return tensor_of(number, argument); });
  }

  // What one of several sends to a tensor is added to what came before.
  void plan_gradient(size_t number, const Pass& pass) {
    const Node& node = graph_.nodes()[number];
    const std::string wanted = diff(*node.tensor(pass.slot));
    Senders& senders = senders_.at(wanted);
    const std::string sent = senders.all == 1 ? wanted : fmt::format("{} from node {}", wanted, number);
    append(*node.operation, node.c, pass, [&](const std::string& argument) {
      return argument == diff(pass.slot) ? sent : tensor_of(number, argument);
    });
    const bool is_first = ++senders.heard == 1, is_last = senders.heard == senders.all;
    const std::string sum = is_first ? sent : is_last ? wanted : fmt::format("{} down to node {}", wanted, number);
    if (!is_first) add_up(senders.sum, sent, sum);
    senders.sum = sum;
  }

  // sum = a + b, whatever the tensors' shape.
  void add_up(const std::string& a, const std::string& b, const std::string& sum) {
    const Index count = element_count(places_[place_of_.at(a)].shape);
    append(add_, make_case(add_.spec, fmt::format("mb=1,c={}", count)), Pass::forward(),
           [&](const std::string& argument) { return argument == "src"     ? a
                                                     : argument == "other" ? b
                                                                           : sum; });
  }

  // What a node's argument is called in the network. What no other node reads is the node's own.
  std::string tensor_of(size_t number, const std::string& argument) const {
    const Node& node = graph_.nodes()[number];
    if (const std::string* tensor = node.tensor(argument)) return *tensor;
    if (argument.starts_with(kDiff))
      if (const std::string* tensor = node.tensor(argument.substr(kDiff.size()))) return diff(*tensor);
    return fmt::format("node {} {}", number, argument);
  }

  const Graph graph_;
  const Operation& add_;
  const std::string implementation_;
  const PrepareOptions options_;
  std::vector<TensorRef> places_;  // the caller's first
  size_t callers_ = 0;
  std::map<std::string, size_t> place_of_;
  std::vector<Buffer> memory_;
  std::map<std::string, Senders> senders_;  // by gradient
  std::vector<Step> steps_;
};

std::optional<std::string> unsupported_node(const Graph& graph, const std::string& implementation, const Pass& pass) {
  for (const Node& node : graph.nodes()) {
    const auto& unsupported = node.operation->implementation(implementation).unsupported;
    std::vector<Pass> passes{Pass::forward()};
    if (!pass.is_forward())
      for (const Pass& back : passes_towards(graph, node, pass)) passes.push_back(back);
    for (const Pass& each : passes)
      if (unsupported)
        if (const auto reason = unsupported(node.c, each)) return node.c.to_text() + ": " + *reason;
  }
  return {};
}

}  // namespace

std::vector<Pass> passes_towards(const Graph& graph, const Node& node, const Pass& pass) {
  const std::set<std::string> tensors = on_the_way(graph, pass);
  std::vector<Pass> passes;
  for (const Slot& slot : node.operation->spec.slots) {
    const std::string* tensor = slot.role == Role::kInput && slot.differentiable ? node.tensor(slot.name) : nullptr;
    if (tensor != nullptr && tensors.contains(*tensor)) passes.push_back(Pass::vjp(slot.name));
  }
  return passes;
}

std::vector<Implementation> network_simd_implementations(const GraphOf& graph,
                                                         const std::shared_ptr<const Layers>& layers) {
  std::vector<Implementation> implementations;
  for (const Implementation& layer : layers->conv.implementations) {
    const std::string name = layer.name;
    const auto node_depth = [name](const Node& node, const Pass& pass, std::string_view tensor) {
      return node.operation->implementation(name).depth_of(node.c, pass, tensor);
    };
    implementations.push_back(
        {.name = name,
         .unsupported = [graph, name](const Case& c,
                                      const Pass& pass) { return unsupported_node(*graph(c.attributes), name, pass); },
         .prepare = [graph, layers, name](const Case& c, const Pass& pass,
                                          const PrepareOptions& options) -> std::unique_ptr<Kernel> {
           return std::make_unique<NetworkKernel>(*graph(c.attributes), layers->add, c, pass, name, options);
         },
         .depth =
             [graph, node_depth](const Case& c, const Pass& pass, std::string_view tensor) {
               return network_depth(*graph(c.attributes), pass, tensor, node_depth);
             }});
  }
  return implementations;
}

}  // namespace gradproof
