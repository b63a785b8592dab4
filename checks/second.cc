// second: do gradients belong together, as those of one function have to: is its Hessian symmetric, <w, H v> = <v, H
// w>?
#include <algorithm>
#include <cmath>
#include <limits>

#include "checks/comparison.h"
#include "checks/fd.h"
#include "checks/inputs.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

// The function is sum_o u_o y_o, with the random cotangents u. It is never evaluated, only its gradients are: what is
// wrong in them shows whatever the forward pass says, and without dual numbers.

// Multiply-adds for a pair of slots, at 52 ns.
constexpr double kPairBudget = 4e5;
// Of a slot: an element of a softmax costs exponentials, which are not counted.
constexpr Index kMostMoved = 64;
// Relative to the sum of the absolute terms of either side. The stencil's own error is below (h / scale)^4, 2^-112 at
// scale 1 and 2e-24 at 3e-3, the standard deviation that an eps of 1e-5 adds to a variance. Where it is more (a sigmoid
// 1e-6 wide) nothing is said.
constexpr double kAsymmetry = 1e-18;
constexpr int kStencilSteps[] = {1, -1, 2, -2};
constexpr double kTwelfths[] = {8, -8, -1, 1};
// The central difference of one step less that of two: h^2 / 2 of the third derivative.
constexpr double kQuarters[] = {2, -2, -1, 1};

// A change of a slot: some of its elements, ascending.
struct Motion {
  std::string slot;
  std::vector<Index> elements;
  std::vector<double> by{};
  bool kinked = false;   // elements that are too near to a kink are left out
  size_t withdrawn = 0;  // so many

  std::string gradient() const { return "diff_" + slot; }
};

template <class T>
std::vector<T> gradient_elements(const Subject& subject, const Arrays<T>& inputs, const Motion& motion) {
  const Element<T> element = subject.reference->element<T>(subject.c, inputs, motion.gradient());
  std::vector<T> values;
  values.reserve(motion.elements.size());
  for (const Index i : motion.elements) values.push_back(element(position_of(i, inputs.at(motion.slot).shape)));
  return values;
}

// Both of these are the same in every pair that the slot is in: the memo has them by the slot.
const std::vector<Margin<Real>>& gradient_margins(const Subject& subject, const Arrays<float>& numbers,
                                                  const Motion& motion) {
  return subject.memo->get<std::vector<Margin<Real>>>("second margins " + motion.slot, [&] {
    return gradient_elements(subject, borrow<Margin<Real>>(numbers), motion);
  });
}
const std::vector<Mass<Real>>& gradient_masses(const Subject& subject, const Arrays<float>& numbers,
                                               const Motion& motion) {
  return subject.memo->get<std::vector<Mass<Real>>>(
      fmt::format("second masses {} {}", motion.slot, motion.kinked), [&] {
        return gradient_elements(subject, mass_inputs(subject.of_reference(Pass::vjp(motion.slot)), numbers), motion);
      });
}

// That of fd.
double step_of(bool kinked) {
  return std::ldexp(
      1.0, step_exponent(kinked ? Dependence::kKinked : Dependence::kSmooth, std::numeric_limits<Real>::digits));
}

// <w, H v>, and what it may be off by.
struct Curvature {
  Real value = 0;
  double terms = 0;       // the sum of their absolute values
  double error = 0;       // roundings of the gradients, divided by the step
  double truncation = 0;  // what the stencil may be off by
};

// What the stencil may be off by for a derivative D of which the central differences of one step and of two differ by
// `bend`, h^2 / 2 of the third one. The error is h^4 / 30 of the fifth. Where each two derivatives bring the same
// factor that is 2 / 15 bend^2 / D; of x^a, with a between 0 and 0.9, at most 8 bend^2 / D.
double stencil_error(double derivative, double bend) {
  return bend == 0 ? 0 : 8 * std::abs(bend) * std::abs(bend / derivative);
}

Curvature curvature(const Subject& subject, const Arrays<float>& numbers, const Motion& v, const Motion& w,
                    double step) {
  Arrays<Real> inputs = borrow<Real>(numbers);
  std::vector<Real> slopes(w.elements.size(), Real(0)), bends = slopes;
  for (size_t s = 0; s < std::size(kStencilSteps); ++s) {
    Array<Real> moved = promote<Real>(numbers.at(v.slot));
    for (size_t k = 0; k < v.elements.size(); ++k)
      moved[v.elements[k]] += Real(kStencilSteps[s] * step) * Real(v.by[k]);
    inputs[v.slot] = std::move(moved);
    const std::vector<Real> values = gradient_elements(subject, inputs, w);
    for (size_t k = 0; k < slopes.size(); ++k) {
      slopes[k] += Real(kTwelfths[s]) * values[k] / Real(12 * step);
      bends[k] += Real(kQuarters[s]) * values[k] / Real(4 * step);
    }
  }
  const std::vector<Mass<Real>>& masses = gradient_masses(subject, numbers, w);
  const double depth = 1 + subject.spec().depth(subject.c.attributes, Pass::vjp(w.slot), w.gradient());
  const double unit = 1.5 * depth * static_cast<double>(std::numeric_limits<Real>::epsilon()) / step;
  Curvature result;
  for (size_t k = 0; k < slopes.size(); ++k) {
    const Real term = Real(w.by[k]) * slopes[k];
    result.value += term;
    result.terms += std::abs(static_cast<double>(term));
    result.error += std::abs(w.by[k]) * unit * masses[k].mass;
    result.truncation +=
        std::abs(w.by[k]) * stencil_error(static_cast<double>(slopes[k]), static_cast<double>(bends[k]));
  }
  return result;
}

// As many elements of the slot as fit the budget, evenly spread from a seeded first one.
std::vector<Index> sampled_elements(const Subject& subject, const std::string& slot, Index count) {
  const double flops = subject.spec().cost(subject.c.attributes, Pass::vjp(slot)).flops;
  const double evaluation =
      static_cast<double>(2 * std::size(kStencilSteps)) * std::max(flops / 2, static_cast<double>(count));
  const double affordable = kPairBudget / evaluation * static_cast<double>(count);
  const Index taken = std::clamp<Index>(static_cast<Index>(affordable), 1, std::min(count, kMostMoved));
  const auto first = static_cast<Index>(random_bits(subject.seed, "second " + slot, 0) % static_cast<size_t>(count));
  std::vector<Index> elements;
  for (Index k = 0; k < taken; ++k) elements.push_back((first + k * count / taken) % count);
  std::sort(elements.begin(), elements.end());
  return elements;
}

// Where there are kinks, only of elements whose gradient takes all its decisions far from where the steps could turn
// them.
Motion random_motion(const Subject& subject, const Arrays<float>& numbers, const std::string& slot,
                     const std::string& stream, bool kinked) {
  const Shape& shape = numbers.at(slot).shape;
  Motion motion{.slot = slot, .elements = sampled_elements(subject, slot, element_count(shape)), .kinked = kinked};
  if (kinked) {
    const std::vector<Margin<Real>>& margins = gradient_margins(subject, numbers, motion);
    const size_t before = motion.elements.size();
    std::vector<Index> sure;
    for (size_t k = 0; k < before; ++k)
      if (margins[k].margin > room_for_steps()) sure.push_back(motion.elements[k]);
    motion.withdrawn = before - sure.size();
    motion.elements = std::move(sure);
  }
  const Array<float> random = seeded_array({.name = stream + slot, .shape = shape}, subject.seed, Regime::kNormal);
  for (const Index i : motion.elements) motion.by.push_back(static_cast<double>(random[i]));
  return motion;
}

// The slot of the pass and those behind it: each pair is looked at once.
std::vector<std::string> partners(const Subject& subject) {
  std::vector<std::string> slots;
  for (const Pass& pass : subject.spec().passes()) {
    if (!is_single_vjp_pass(subject.c, pass) || !has_pass(subject.spec(), subject.c.attributes, pass)) continue;
    if (!slots.empty() || pass == subject.pass) slots.push_back(pass.slot);
  }
  return slots;
}

Verdict check_second(const Subject& subject) {
  const Arrays<float> numbers = seeded_inputs(subject.c, subject.pass, subject.seed, Regime::kNormal);
  const auto kinked = [&](const std::string& slot) { return has_kinks(subject.spec().find_slot(slot)->dependence); };
  Comparison comparison;
  std::string left_out;
  for (const std::string& slot : partners(subject)) {
    const bool kinks = kinked(slot) || kinked(subject.pass.slot);
    const Motion v = random_motion(subject, numbers, subject.pass.slot, "v ", kinks);
    const Motion w = random_motion(subject, numbers, slot, "w ", kinks);
    if (v.withdrawn > 0)
      left_out =
          fmt::format("{} of {} elements left out, a kink is too near", v.withdrawn, v.withdrawn + v.elements.size());
    if (v.elements.empty() || w.elements.empty()) continue;
    const double step = step_of(kinks);
    const Curvature forth = curvature(subject, numbers, v, w, step);
    const Curvature back = curvature(subject, numbers, w, v, step);
    comparison.enter(subject.spec(), fmt::format("<{}, {}>", v.gradient(), w.gradient()), Shape{1});
    const double allowed = kAsymmetry * std::max(forth.terms, back.terms) + forth.error + back.error;
    if (forth.truncation + back.truncation > allowed)
      comparison.leave_undecided();
    else
      comparison.add(Position{0}, forth.value, back.value, allowed);
  }
  if (comparison.compared() + comparison.undecided() == 0)
    return Verdict::skip("every element of the gradient is too near to a kink for this seed");
  Verdict verdict = comparison.verdict();
  if (verdict.passed()) verdict.reason = left_out;
  return verdict;
}

}  // namespace

Oracle second_oracle() {
  return {.name = "second",
          .question = "are the reference's VJPs gradients of one function: are Hessian-vector products symmetric?",
          .asked_of = "gradients of single operations by a single input, with each that comes behind it",
          .asks = Oracle::Asks::kReference,
          // Networks follow the chain rule through operations that are asked by themselves.
          .applies = [](const Case& c, const Pass& pass) { return !c.spec->graph && is_single_vjp_pass(c, pass); },
          .run = check_second};
}

}  // namespace gradproof
