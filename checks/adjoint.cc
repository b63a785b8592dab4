// adjoint: is the VJP the transpose of the JVP, <J v, u> = <v, J^T u>?
#include <cmath>
#include <limits>

#include "checks/comparison.h"
#include "checks/fd.h"
#include "checks/inputs.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

constexpr int kDirections = 3;

struct Product {
  Real value = 0;
  double count = 0;  // terms that were summed
};

// <J v, u> by the dual numbers of the forward pass.
Product tangent_side(const Subject& subject, const Arrays<float>& numbers, const Array<float>& direction) {
  Arrays<Dual<Real>> inputs = borrow<Dual<Real>>(numbers);
  Array<Dual<Real>> slot = promote<Dual<Real>>(numbers.at(subject.pass.slot));
  for (Index i = 0; i < element_count(slot.shape); ++i)
    slot[i].tangent = Real(direction.values[static_cast<size_t>(i)]);
  inputs[subject.pass.slot] = std::move(slot);
  Product product;
  for (const Argument& argument : arguments_of(subject.spec(), subject.c.attributes, Pass::forward())) {
    const auto cotangent = numbers.find("diff_" + argument.name);
    if (cotangent == numbers.end()) continue;
    const auto duals = subject.reference->evaluate<Dual<Real>>(
        subject.c, inputs, subject.spec().differentiated(argument.name), argument.shape);
    for (size_t i = 0; i < duals.values.size(); ++i)
      product.value += Real(cotangent->second.values[i]) * duals.values[i].tangent;
    product.count += static_cast<double>(duals.values.size());
  }
  return product;
}

// Both sides are sums of the same terms u_o J_oi v_i in another order, so both err by at most their roundings times
// eps / 2 times the sum of the terms' masses; `depth` counts the roundings within J.
double bound_of(const Subject& subject, const std::string& name, double terms, double mass) {
  double depth = terms + subject.spec().depth(subject.c.attributes, subject.pass, name);
  for (const Argument& argument : arguments_of(subject.spec(), subject.c.attributes, Pass::forward()))
    depth += subject.spec().depth(subject.c.attributes, Pass::forward(), subject.spec().differentiated(argument.name));
  return 2 * depth * static_cast<double>(std::numeric_limits<Real>::epsilon()) * mass;
}

Verdict check_adjoint(const Subject& subject) {
  // The plan's cotangents, which are 0 for outputs at a kink: there the tangent is that of the branch taken, and the
  // gradient what the convention says (relu at 0: 1 and 0).
  const DifferencePlan& plan = difference_plan(subject);
  if (const auto reason = all_withdrawn(plan)) return Verdict::skip(*reason);
  const std::string name = "diff_" + subject.pass.slot;
  const Array<Mass<Real>>& vjp = truth(subject, {"differences", plan.inputs}).at(name);
  Comparison comparison;
  for (int k = 0; k < kDirections; ++k) {
    const Array<float> direction =
        seeded_array({.name = fmt::format("direction{}", k), .shape = vjp.shape}, subject.seed, Regime::kNormal);
    const Product jvp = tangent_side(subject, plan.inputs, direction);
    Real transposed = 0;
    double mass = 0;
    for (size_t i = 0; i < vjp.values.size(); ++i) {
      transposed += Real(direction.values[i]) * vjp.values[i].value;
      mass += std::abs(static_cast<double>(direction.values[i])) * vjp.values[i].mass;
    }
    const double terms = jvp.count + static_cast<double>(vjp.values.size());
    comparison.enter(subject.spec(), fmt::format("<J v, {}>", name), Shape{1}, fmt::format("direction {}", k));
    comparison.add(Position{0}, jvp.value, transposed, bound_of(subject, name, terms, mass));
  }
  Verdict verdict = comparison.verdict();
  if (verdict.passed()) verdict.reason = withdrawn_text(plan);
  return verdict;
}

}  // namespace

Oracle adjoint_oracle() {
  return {.name = "adjoint",
          .question = "is the reference's VJP the transpose of its JVP, <J v, u> = <v, J^T u>?",
          .asked_of = "gradients by a single input",
          .asks = Oracle::Asks::kReference,
          .applies = is_single_vjp_pass,
          .sizes = Oracle::Sizes::kFewRows,
          .run = check_adjoint};
}

}  // namespace gradproof
