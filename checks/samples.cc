#include "checks/samples.h"

#include <algorithm>
#include <chrono>
#include <map>

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

// Only what sampled elements read is ever turned into masses.
Arrays<Mass<Real>> masses_on_demand(const Case& c, const Arrays<float>& inputs, double depth) {
  const auto promote = [depth, decisions = decision_depth(c, depth)](double x) {
    return Mass<Real>::input(Real(x), depth, decisions);
  };
  Arrays<Mass<Real>> result;
  for (const auto& [name, array] : inputs)
    result.emplace(name,
                   Array<Mass<Real>>(array.shape, array.borrowed ? array.borrowed : array.values.data(), promote));
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

std::vector<Sample> sample_truth(const Reference& reference, const Case& c, const Pass& pass,
                                 const Arrays<float>& values, double depth, const SampleOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
  const Arrays<Mass<Real>> inputs = masses_on_demand(c, values, depth);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  std::map<size_t, Element<Mass<Real>>> outputs;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (arguments[i].written) outputs[i] = reference.element<Mass<Real>>(c, inputs, arguments[i].name);
  std::vector<Sample> result;
  for (Index k = 0; k < options.samples; ++k)
    for (const auto& [i, element] : outputs) {
      if (static_cast<Index>(result.size()) >= kLeastSamples && Clock::now() > end) return result;
      if (k >= element_count(arguments[i].shape)) continue;
      const Position position = sample_position(arguments[i].shape, options.seed, arguments[i].name, k);
      result.push_back({i, position, element(position)});
    }
  return result;
}

double depth_for_masses(const Case& c, const Pass& pass, const Implementation& implementation) {
  double depth = kSecondOrder / kRoundoff - 1;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
    if (argument.written) depth = std::max(depth, implementation.depth_of(c, pass, argument.name));
  return depth;
}

void compare_samples(std::span<const Sample> samples, const Case& c, const Pass& pass,
                     const Implementation& implementation, std::span<const TensorRef> tensors, const std::string& data,
                     Comparison& comparison) {
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  for (const Sample& sample : samples) {
    const Argument& argument = arguments[sample.argument];
    const double depth = implementation.depth_of(c, pass, argument.name);
    const double got = tensors[sample.argument].value_at(sample.position);
    comparison.enter(*c.spec, argument.name, argument.shape, data);
    if (argument.type == ElementType::kFloat32)
      add_single(sample.truth, sample.truth.value, got, tolerance(sample.truth, depth), sample.position, comparison);
    else
      comparison.add(sample.position, sample.truth.value, Real(got), 0);
  }
}

}  // namespace gradproof
