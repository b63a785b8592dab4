#include "checks/large.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "checks/comparison.h"
#include "checks/inputs.h"
#include "checks/oracle.h"
#include "checks/truth.h"

namespace gradproof {
namespace {

constexpr Index kLeastSamples = 8;

// An index where kernels change their ways: near an end of the axis, or near a multiple of a vector or block length.
Index border_index(std::uint64_t bits, Index size) {
  constexpr Index kLengths[] = {4, 8, 16, 32, 48, 64};
  const Index length = kLengths[bits % std::size(kLengths)];
  const Index blocks = size / length + 1;
  const Index border = length * static_cast<Index>((bits >> 8) % static_cast<std::uint64_t>(blocks));
  const Index near = border + static_cast<Index>((bits >> 40) % 3) - 1;
  return std::clamp<Index>(near, 0, size - 1);
}

// The largest depth of what an implementation writes, or that of the usual second order: it costs bounds nothing.
double depth_for_masses(const Case& c, const Pass& pass, const Implementation& implementation) {
  double depth = kSecondOrder / kRoundoff - 1;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
    if (argument.written) depth = std::max(depth, implementation.depth_of(c, pass, argument.name));
  return depth;
}

// Only what sampled elements read is ever turned into masses.
Arrays<Mass<Real>> masses_on_demand(const Case& c, const Arrays<float>& inputs, double depth) {
  const auto promote = [depth, decisions = decision_depth(c, depth)](double x) {
    return Mass<Real>::input(Real(x), depth, decisions);
  };
  Arrays<Mass<Real>> result;
  for (const auto& [name, array] : inputs)
    result.emplace(name, Array<Mass<Real>>(array.shape, array.values.data(), promote));
  return result;
}

}  // namespace

Position sample_position(const Shape& shape, std::uint64_t seed, std::string_view name, Index k) {
  Position position = Position::filled(shape.rank(), 0);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::uint64_t bits = seeded_bits(seed, name, Position{k, axis, 77});
    switch (k % 3) {
      case 0:
        position[axis] = (bits & 1) != 0 ? shape[axis] - 1 : 0;
        break;
      case 1:
        position[axis] = border_index(bits, shape[axis]);
        break;
      default:
        position[axis] = static_cast<Index>(bits % static_cast<std::uint64_t>(shape[axis]));
    }
    if (k == 0) position[axis] = 0;
    if (k == 1) position[axis] = shape[axis] - 1;
  }
  return position;
}

SampledTruth::SampledTruth(const Reference& reference, const Case& c, const Pass& pass, const LargeOptions& options)
    : reference_(reference), case_(c), pass_(pass), options_(options) {}

// Also of another depth where the second order was never used, as in sums of products of inputs.
bool SampledTruth::Samples::hold_for(double other_depth) const {
  return depth == other_depth || std::all_of(elements.begin(), elements.end(), [](const Sample& sample) {
           return std::isinf(sample.truth.valid_to) && !sample.truth.undecided;
         });
}

const SampledTruth::Samples& SampledTruth::samples_for(double depth) {
  for (const Samples& samples : samples_)
    if (samples.hold_for(depth)) return samples;
  return samples_.emplace_back(evaluate(depth));
}

SampledTruth::Samples SampledTruth::evaluate(double depth) const {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(options_.seconds);
  const Arrays<float> values = seeded_inputs(case_, pass_, options_.seed, Regime::kNormal);
  const Arrays<Mass<Real>> inputs = masses_on_demand(case_, values, depth);
  const std::vector<Argument> arguments = arguments_of(*case_.spec, case_.attributes, pass_);
  std::map<size_t, Element<Mass<Real>>> outputs;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].written) outputs[i] = reference_.element<Mass<Real>>(case_, inputs, arguments[i].name);
  Samples result{depth, {}};
  for (Index k = 0; k < options_.samples; ++k)
    for (const auto& [i, element] : outputs) {
      if (static_cast<Index>(result.elements.size()) >= kLeastSamples && Clock::now() > end) return result;
      if (k >= element_count(arguments[i].shape)) continue;
      const Position position = sample_position(arguments[i].shape, options_.seed, arguments[i].name, k);
      result.elements.push_back({i, position, element(position)});
    }
  return result;
}

Verdict SampledTruth::compare(Execution& execution, const Implementation& implementation) {
  Comparison comparison(case_);
  for (const Sample& sample : samples_for(depth_for_masses(case_, pass_, implementation)).elements) {
    const Argument& argument = execution.arguments()[sample.argument];
    const double depth = implementation.depth_of(case_, pass_, argument.name);
    const double got = execution.refs()[sample.argument].value_at(sample.position);
    comparison.enter(*case_.spec, argument.name, argument.shape, "sampled");
    if (argument.type == ElementType::kFloat32)
      add_single(sample.truth, sample.truth.value, got, tolerance(sample.truth, depth), sample.position, comparison);
    else
      comparison.add(sample.position, sample.truth.value, Real(got), 0);
  }
  Verdict verdict = comparison.verdict();
  if (const auto damage = execution.damage()) {
    verdict.status = Verdict::Status::kFail;
    verdict.reason = *damage;
  }
  verdict.isa = execution.kernel().isa();
  return verdict;
}

Verdict check_large(const Reference& reference, const Case& c, const Pass& pass, const Implementation& implementation,
                    const LargeOptions& options) {
  if (const auto reason = unsupported_reason(implementation, c, pass)) return Verdict::skip(*reason);
  Execution execution(c, pass, implementation, seeded_inputs(c, pass, options.seed, Regime::kNormal),
                      {.threads = options.threads});
  execution.run();
  return SampledTruth(reference, c, pass, options).compare(execution, implementation);
}

Oracle large_oracle() {
  return {
      .name = "large",
      .question = "does the implementation agree with the reference on sampled elements, at any size, on two threads?",
      .asked_of = "every pass",
      .applies = any_pass,
      .sizes = Oracle::Sizes::kLarge,
      .run = [](const Subject& s) {
        return check_large(*s.reference, s.c, s.pass, *s.implementation, {.seed = s.seed, .threads = 2});
      }};
}

}  // namespace gradproof
