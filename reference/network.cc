// Networks, and their gradients by the chain rule: what each operation sends back, from the last to the first.

#include <map>
#include <memory>
#include <stdexcept>

#include "ops/core/graph.h"
#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

const References& layers() {
  static const References references = layer_references();
  return references;
}

template <class T>
class ChainRule {
 public:
  // What is given of the results in between is taken as it is.
  ChainRule(const Case& c, const Arrays<T>& inputs) : graph_(c.spec->graph(c.attributes)), values_(inputs) {
    for (const Node& node : graph_->nodes())
      if (node.result() == graph_->result() || !values_.contains(node.result()))
        values_[node.result()] = evaluate(node, "dst", "dst", node.result());
  }

  const Array<T>& result() const { return values_.at(graph_->result()); }

  // The results that have nothing to do with an input.
  Arrays<T> results_without(const std::string& input) const {
    Arrays<T> results;
    for (const Node& node : graph_->nodes())
      if (!leads_to(node.result(), input)) results.emplace(node.result(), values_.at(node.result()));
    return results;
  }

  // diff_x = the sum over the operations that read x of what they send back, given what came back to their own result
  const Array<T>& gradient(const std::string& wanted) {
    gradients_[graph_->result()] = values_.at("diff_dst");
    for (auto node = graph_->nodes().rbegin(); node != graph_->nodes().rend(); ++node)
      for (const Slot& slot : node->operation->spec.slots) {
        const std::string* tensor =
            slot.role == Role::kInput && slot.differentiable ? node->tensor(slot.name) : nullptr;
        if (tensor == nullptr || !leads_to(*tensor, wanted)) continue;
        add(evaluate(*node, "diff_" + slot.name, slot.name, *tensor), gradients_[*tensor]);
      }
    return gradients_.at(wanted);
  }

 private:
  // A tensor as the slot of a node that reads or writes it has it.
  static Array<T> shaped(Array<T> values, const Node& node, std::string_view slot) {
    values.shape = *node.operation->spec.find_slot(slot)->shape(node.c.attributes);
    return values;
  }

  Array<T> evaluate(const Node& node, const std::string& argument, std::string_view slot,
                    const std::string& tensor) const {
    Arrays<T> inputs;
    for (const auto& [name, read] : node.tensors) {
      const auto value = values_.find(read);
      if (name != "dst" && value != values_.end()) inputs.emplace(name, shaped(value->second, node, name));
    }
    const auto gradient = gradients_.find(node.result());
    if (gradient != gradients_.end()) inputs.emplace("diff_dst", shaped(gradient->second, node, "dst"));
    const Shape shape = *node.operation->spec.find_slot(slot)->shape(node.c.attributes);
    Array<T> result = layers().at(node.operation->spec.name).template evaluate<T>(node.c, inputs, argument, shape);
    result.shape = graph_->shape_of(tensor);
    return result;
  }

  // Whether `tensor` is made from `wanted`, so that its gradient takes part in that of `wanted`.
  bool leads_to(const std::string& tensor, const std::string& wanted) const {
    if (tensor == wanted) return true;
    for (const Node& node : graph_->nodes())
      if (node.result() == tensor)
        for (const auto& [slot, read] : node.tensors)
          if (slot != "dst" && leads_to(read, wanted)) return true;
    return false;
  }

  static void add(const Array<T>& part, Array<T>& sum) {
    if (sum.values.empty()) {
      sum = part;
      return;
    }
    for (size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += part.values[i];
  }

  const std::shared_ptr<const Graph> graph_;
  Arrays<T> values_;
  Arrays<T> gradients_;
};

template <class T>
Element<T> network_element(const Case& c, const Arrays<T>& inputs, std::string_view argument) {
  require_arguments(c, argument, shapes_of(inputs));
  ChainRule<T> chain(c, inputs);
  const auto values = std::make_shared<const Array<T>>(
      argument == "dst" ? chain.result()
                        : chain.gradient(std::string(argument.substr(std::string_view("diff_").size()))));
  return [values](const Position& position) { return values->at(position); };
}

template <class T>
Arrays<T> fixed_results(const Case& c, const Arrays<T>& inputs, std::string_view moved) {
  return ChainRule<T>(c, inputs).results_without(std::string(moved));
}

}  // namespace

Reference network_reference() {
  return {{network_element<Real>, network_element<Precise>, network_element<Dual<Real>>, network_element<Mass<Real>>,
           network_element<Depends>, network_element<Margin<Real>>, network_element<float>},
          {fixed_results<Real>, fixed_results<Precise>, fixed_results<Dual<Real>>, fixed_results<Mass<Real>>,
           fixed_results<Depends>, fixed_results<Margin<Real>>, fixed_results<float>},
          &layers()};
}

}  // namespace gradproof
