// fd-direct: is the implementation's VJP the gradient of the reference's forward? No analytic gradient stands between;
// the reference's VJP contributes the tolerance only.
#include <algorithm>
#include <cmath>

#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/fd.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

constexpr double kDifferenceError = 1e-18;  // what `fd` grants the differences, relative to the mass

std::string joined(const std::string& a, const std::string& b) { return a.empty() || b.empty() ? a + b : a + "; " + b; }

Verdict check_fd_direct(const Subject& subject) {
  const DifferencePlan& plan = difference_plan(subject);
  if (const auto reason = all_withdrawn(plan)) return Verdict::skip(*reason);
  const DifferenceGradient<Real>& gradient = real_gradient(subject);
  const std::string name = "diff_" + subject.pass.slot;
  const Array<Mass<Real>>& mass = truth(subject, {"differences", plan.inputs}).at(name);
  Execution execution(subject.c, subject.pass, *subject.implementation, plan.inputs);
  execution.run();
  const TensorRef& got = execution.refs()[static_cast<size_t>(argument_index(execution.arguments(), name))];
  const double depth = subject.depth(name);
  const auto bound = [&](Index i) {
    const Mass<Real>& m = mass.values[static_cast<size_t>(i)];
    return tolerance(m, depth) + kDifferenceError * m.mass;
  };

  Comparison comparison(subject.c);
  comparison.enter(subject.spec(), name, got.shape);
  for (size_t k = 0; k < plan.columns.size(); ++k) {
    const Position position = position_of(plan.columns[k], got.shape);
    add_single(mass.values[static_cast<size_t>(plan.columns[k])], gradient.columns[k], got.value_at(position),
               bound(plan.columns[k]) + gradient.column_errors[k], position, comparison);
  }
  Real along = 0;
  double along_bound = 0;
  for (Index i = 0; i < plan.column_count; ++i) {
    const auto v = static_cast<double>(plan.direction.values[static_cast<size_t>(i)]);
    along += Real(v) * Real(got.value_at(position_of(i, got.shape)));
    along_bound += std::abs(v) * bound(i);
  }
  comparison.enter(subject.spec(), name + ", direction", Shape{1});
  if (std::any_of(mass.values.begin(), mass.values.end(), may_overflow))
    comparison.leave_undecided();
  else
    comparison.add(Position{0}, gradient.along, along, along_bound + gradient.along_error);
  Verdict verdict = comparison.verdict();
  if (verdict.passed()) verdict.reason = joined(withdrawn_text(plan), verdict.reason);
  verdict.isa = execution.kernel().isa();
  return verdict;
}

}  // namespace

Oracle fd_direct_oracle() {
  return {.name = "fd-direct",
          .question = "is the implementation's VJP what finite differences of the reference's forward give?",
          .asked_of = "gradients by a single input",
          .applies = is_single_vjp_pass,
          .sizes = Oracle::Sizes::kFewRows,
          .run = check_fd_direct};
}

}  // namespace gradproof
