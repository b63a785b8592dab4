// fd: is the reference's VJP the gradient of the reference's forward? fd50 asks the same of a second arithmetic.
#include <algorithm>
#include <cmath>
#include <limits>

#include "checks/comparison.h"
#include "checks/difference.h"
#include "checks/fd.h"
#include "checks/inputs.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

// 52 ns a multiply-add: 0.15 s for Real, 0.01 s for the sample in the second arithmetic, where functions take twice as
// many.
constexpr double kBudget = 3e6;
constexpr double kSampleBudget = 2e5;

// Relative to an element's mass. The steps of difference.h leave 23 to 33 of Real's 33 digits and 33 to 50 of Precise's
// 50; what is asked is a little more than half of the digits each has, far beyond any mistake in a formula.
template <class T>
constexpr double kAcceptance = std::same_as<T, Real> ? 1e-18 : 1e-27;

// A part of the plan that the other oracles have.
const DifferencePlan& sample_plan(const Subject& subject) {
  return subject.memo->get<DifferencePlan>("sample plan " + subject.pass.to_text(),
                                           [&] { return sampled(subject, difference_plan(subject), kSampleBudget); });
}

template <class T>
double digits_of(double worst) {
  const double most = std::numeric_limits<T>::digits10;
  return worst > 0 ? std::min(most, -std::log10(worst * kAcceptance<T>)) : most;
}

// Of an operation that is flat in the slot: what fd says is not that its gradient is right, but that there is none.
template <class T>
void require_no_gradient(const Array<T>& vjp, const DifferenceGradient<T>& gradient, Verdict& verdict) {
  const auto is_zero = [](const T& x) { return x == T(0.0); };
  const auto zeros = std::count_if(vjp.values.begin(), vjp.values.end(), is_zero);
  const bool flat = zeros == static_cast<std::ptrdiff_t>(vjp.values.size()) &&
                    std::all_of(gradient.columns.begin(), gradient.columns.end(), is_zero);
  if (!flat) {
    verdict = Verdict::fail("declared flat, but the gradient is not zero everywhere");
    return;
  }
  verdict.digits.reset();
  const std::string withdrawn = verdict.reason.empty() ? "" : "; " + verdict.reason;
  verdict.reason = fmt::format("{}: zero at {} of {} points", kNoUsefulGradient, zeros, zeros) + withdrawn;
}

template <class T>
Verdict compare_with_reference(const Subject& subject, const DifferencePlan& plan,
                               const DifferenceGradient<T>& gradient) {
  if (const auto reason = all_withdrawn(plan)) return Verdict::skip(*reason);
  const std::string name = "diff_" + subject.pass.slot;
  const Shape& shape = plan.direction.shape;
  const Array<Mass<Real>>& mass = truth(subject, {"differences", plan.inputs}).at(name);
  const auto inputs = borrow<T>(plan.inputs);
  const Array<T> vjp = subject.reference->evaluate<T>(subject.c, inputs, name, shape);
  Comparison comparison(subject.c);
  comparison.enter(subject.spec(), name, shape);
  for (size_t k = 0; k < plan.columns.size(); ++k) {
    const Index i = plan.columns[k];
    comparison.add(position_of(i, shape), gradient.columns[k], vjp.values[static_cast<size_t>(i)],
                   kAcceptance<T> * mass.values[static_cast<size_t>(i)].mass + gradient.column_errors[k]);
  }
  T along(0.0);
  double along_mass = 0;
  for (size_t i = 0; i < vjp.values.size(); ++i) {
    const auto v = static_cast<double>(plan.direction.values[i]);
    along += T(v) * vjp.values[i];
    along_mass += std::abs(v) * mass.values[i].mass;
  }
  comparison.enter(subject.spec(), name + ", direction", Shape{1});
  comparison.add(Position{0}, gradient.along, along, kAcceptance<T> * along_mass + gradient.along_error);
  Verdict verdict = comparison.verdict();
  if (verdict.passed()) {
    verdict.digits = digits_of<T>(comparison.worst());
    verdict.reason = withdrawn_text(plan);
    if (subject.spec().find_slot(subject.pass.slot)->dependence == Dependence::kFlat)
      require_no_gradient(vjp, gradient, verdict);
  }
  return verdict;
}

}  // namespace

const DifferencePlan& difference_plan(const Subject& subject) {
  return subject.memo->get<DifferencePlan>("plan " + subject.pass.to_text(),
                                           [&] { return plan_differences(subject, kBudget); });
}

const DifferenceGradient<Real>& real_gradient(const Subject& subject) {
  return subject.memo->get<DifferenceGradient<Real>>("gradient " + subject.pass.to_text(), [&] {
    return difference_gradient<Real>(subject, difference_plan(subject));
  });
}

std::string withdrawn_text(const DifferencePlan& plan) {
  if (plan.withdrawn == 0) return "";
  return fmt::format("{} of {} outputs left out, a kink is too near", plan.withdrawn, plan.row_count());
}

std::optional<std::string> all_withdrawn(const DifferencePlan& plan) {
  if (plan.withdrawn < plan.row_count()) return {};
  return "every output is too near to a kink for this seed";
}

Oracle fd_oracle() {
  return {.name = "fd",
          .question = "is the reference's VJP what finite differences of the reference's forward give, to 18 digits?",
          .asked_of = "gradients by a single input",
          .asks = Oracle::Asks::kReference,
          .applies = is_single_vjp_pass,
          .sizes = Oracle::Sizes::kFewRows,
          .run = [](const Subject& subject) {
            return compare_with_reference<Real>(subject, difference_plan(subject), real_gradient(subject));
          }};
}

Oracle fd50_oracle() {
  return {.name = "fd50",
          .question = "the same in a second arithmetic of 50 digits, on sampled columns, to 27 digits?",
          .asked_of = "gradients by a single input",
          .asks = Oracle::Asks::kReference,
          .applies = is_single_vjp_pass,
          .sizes = Oracle::Sizes::kFewRows,
          .run = [](const Subject& subject) {
            const DifferencePlan& plan = sample_plan(subject);
            return compare_with_reference<Precise>(subject, plan, difference_gradient<Precise>(subject, plan));
          }};
}

}  // namespace gradproof
