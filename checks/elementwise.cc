// forward, vjp: does the implementation agree with the reference, element by element, within the derived bound?
#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

constexpr Regime kRegimes[] = {Regime::kNormal, Regime::kInteger,  Regime::kLargeMean, Regime::kSparse,
                               Regime::kWide,   Regime::kDenormal, Regime::kConstant,  Regime::kTied};

void compare(const Subject& subject, Regime regime, Comparison& comparison, std::string& isa) {
  const Data data = seeded_data(subject, regime);
  const Arrays<Mass<Real>>& expected = truth(subject, data);
  Execution execution(subject.c, subject.pass, *subject.implementation, data.inputs);
  execution.run();
  isa = execution.kernel().isa();
  for (size_t i = 0; i < execution.arguments().size(); ++i) {
    const Argument& argument = execution.arguments()[i];
    if (!argument.written) continue;
    const double depth = subject.depth(argument.name);
    const Array<Mass<Real>>& values = expected.at(argument.name);
    comparison.enter(subject.spec(), argument.name, argument.shape, data.name);
    for (Index k = 0; k < element_count(argument.shape); ++k) {
      const Mass<Real>& truth_value = values.values[static_cast<size_t>(k)];
      const Position position = position_of(k, argument.shape);
      const double got = execution.refs()[i].value_at(position);
      if (argument.type == ElementType::kFloat32)
        add_single(truth_value, truth_value.value, got, tolerance(truth_value, depth), position, comparison);
      else
        comparison.add(position, truth_value.value, Real(got), 0);
    }
  }
}

Verdict check_elements(const Subject& subject) {
  Comparison comparison(subject.c);
  std::string isa;
  for (Regime regime : kRegimes) compare(subject, regime, comparison, isa);
  Verdict verdict = comparison.verdict();
  verdict.isa = isa;
  return verdict;
}

}  // namespace

Oracle forward_oracle() {
  return {.name = "forward",
          .question = "does the implementation's forward agree with the reference, each element within its bound?",
          .asked_of = "outputs",
          .applies = is_forward_pass,
          .run = check_elements};
}

Oracle vjp_oracle() {
  return {.name = "vjp",
          .question = "does the implementation's VJP agree with the reference, each element within its bound?",
          .asked_of = "gradients",
          .applies = is_vjp_pass,
          .run = check_elements};
}

}  // namespace gradproof
