// exact: on small whole numbers, where float32 sums are exact in any order, are the results exact?
#include <bit>
#include <cstdint>

#include "checks/comparison.h"
#include "checks/execution.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

// Bit for bit, except that a sum (depth > 0) that is zero may have either sign: +0 and -0 depend on the order of
// summation.
bool same(double expected, double got, bool selected) {
  if (selected) return std::bit_cast<std::uint64_t>(expected) == std::bit_cast<std::uint64_t>(got);
  return expected == got;
}

Verdict check_exact(const Subject& subject) {
  const Data data = seeded_data(subject, Regime::kInteger);
  const Arrays<Mass<Real>>& expected = truth(subject, data);
  Execution execution(subject.c, subject.pass, *subject.implementation, data.inputs);
  execution.run();
  Comparison comparison(subject.c);
  for (size_t i = 0; i < execution.arguments().size(); ++i) {
    const Argument& argument = execution.arguments()[i];
    if (!argument.written) continue;
    const bool selected = subject.depth(argument.name) == 0;
    comparison.enter(subject.spec(), argument.name, argument.shape, data.name);
    for (Index k = 0; k < element_count(argument.shape); ++k) {
      const Position position = position_of(k, argument.shape);
      const auto want = static_cast<double>(expected.at(argument.name).values[static_cast<size_t>(k)].value);
      const double got = execution.refs()[i].value_at(position);
      comparison.add(position, same(want, got, selected), want, got);
    }
  }
  Verdict verdict = comparison.verdict();
  verdict.isa = execution.kernel().isa();
  return verdict;
}

}  // namespace

Oracle exact_oracle() {
  return {
      .name = "exact",
      .question = "are the results bit for bit right on small whole numbers, where float32 is exact?",
      .asked_of =
          "operations that are exact on small whole numbers: sums, products, maxima, none with a division or a root",
      .applies = [](const Case& c, const Pass&) { return c.spec->exact_on_integers; },
      .run = check_exact};
}

}  // namespace gradproof
