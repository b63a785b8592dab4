#include "checks/truth.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "checks/inputs.h"

namespace gradproof {

Data seeded_data(const Subject& subject, Regime regime) {
  return {std::string(regime_name(regime)), seeded_inputs(subject.c, subject.pass, subject.seed, regime)};
}

namespace {

double largest_depth(const Subject& subject) {
  double depth = 0;
  for (const Argument& argument : subject.arguments()) {
    if (!argument.written) continue;
    depth = std::max(depth, subject.spec().depth(subject.c.attributes, subject.pass, argument.name));
    if (subject.implementation != nullptr) depth = std::max(depth, subject.depth(argument.name));
  }
  return depth;
}

}  // namespace

double decision_depth(const Case& c, double depth) {
  return c.spec->decision_depth ? std::min(depth, c.spec->decision_depth(c.attributes)) : depth;
}

Arrays<Mass<Real>> mass_inputs(const Subject& subject, const Arrays<float>& inputs) {
  const double depth = largest_depth(subject), decisions = decision_depth(subject.c, depth);
  Arrays<Mass<Real>> result;
  for (const auto& [name, array] : inputs) {
    Array<Mass<Real>>& promoted = result.emplace(name, Array<Mass<Real>>(array.shape)).first->second;
    for (Index i = 0; i < element_count(array.shape); ++i)
      promoted[i] = Mass<Real>::input(Real(array.values[static_cast<size_t>(i)]), depth, decisions);
  }
  return result;
}

double tolerance(const Mass<Real>& truth, double depth) {
  if (truth.undecided) return std::numeric_limits<double>::infinity();
  if (depth == 0) return 0;
  const double bound = error_bound(truth, depth) + depth * kUnderflow;
  return std::isnan(bound) ? std::numeric_limits<double>::infinity() : bound;  // 0 times an unbounded mass
}

bool may_overflow(const Mass<Real>& truth) {
  return std::isfinite(static_cast<double>(truth.value)) && std::isfinite(truth.mass) &&
         truth.mass > std::numeric_limits<float>::max();
}

void add_single(const Mass<Real>& truth, const Real& expected, double got, double bound, const Position& position,
                Comparison& comparison) {
  if (!may_overflow(truth)) return comparison.add(position, expected, Real(got), bound);
  const auto value = static_cast<double>(expected);
  if (!(std::abs(value) - bound > std::numeric_limits<float>::max())) return comparison.leave_undecided();
  comparison.add(position, !std::isfinite(got), value, got);
}

const Arrays<Mass<Real>>& truth(const Subject& subject, const Data& data) {
  return subject.memo->get<Arrays<Mass<Real>>>(
      fmt::format("truth {} {} {}", subject.pass.to_text(), data.name, largest_depth(subject)), [&] {
        const auto inputs = subject.reference->with_fixed(subject.c, mass_inputs(subject, data.inputs), "");
        Arrays<Mass<Real>> result;
        for (const Argument& argument : subject.arguments())
          if (argument.written)
            result.emplace(argument.name,
                           subject.reference->evaluate<Mass<Real>>(subject.c, inputs, argument.name, argument.shape));
        return result;
      });
}

}  // namespace gradproof
