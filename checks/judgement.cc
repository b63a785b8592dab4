#include "checks/judgement.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

#include "checks/comparison.h"
#include "checks/samples.h"

namespace gradproof {
namespace {

constexpr Index kFirstSamples = 96;
constexpr Index kLeastCompared = 8;
constexpr double kGoldenRatio = 0.6180339887498949;

// Every element of a tensor once: first what sample_position() chooses, then all, in steps that leave gaps of like size
// wherever one stops (Weyl). Not of an empty tensor.
class Tour {
 public:
  Tour(const Shape& shape, std::string_view name)
      : shape_(shape), count_(element_count(shape)), seen_(static_cast<size_t>(count_)), name_(name) {
    step_ = std::max<Index>(1, static_cast<Index>(kGoldenRatio * static_cast<double>(count_)));
    while (std::gcd(step_, count_) > 1) ++step_;
  }

  // The number of the next element, or -1 behind the last one.
  Index next() {
    while (turn_ < kFirstSamples + count_) {
      const Index linear = element_of(turn_++);
      if (seen_[static_cast<size_t>(linear)]) continue;
      seen_[static_cast<size_t>(linear)] = true;
      return linear;
    }
    return -1;
  }

 private:
  Index element_of(Index turn) {
    if (turn < kFirstSamples) return linear_of(sample_position(shape_, 1, name_, turn), shape_);
    place_ = (place_ + step_) % count_;
    return place_;
  }

  Shape shape_;
  Index count_;
  std::vector<bool> seen_;
  std::string name_;
  Index step_ = 1, turn_ = 0, place_ = 0;
};

double slack_of(const Claim& claim, Index i) {
  return claim.slack.empty() ? 0 : claim.slack.at(static_cast<size_t>(i));
}

}  // namespace

Judge::Judge(const Operation& operation, const Reference& reference, const Case& c, const Pass& pass,
             Precision precision, const Arrays<double>& inputs)
    : operation_(operation), reference_(reference), case_(c), pass_(pass), precision_(precision) {
  double deepest = 0;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, pass))
    if (argument.written) deepest = std::max(deepest, depth_of(argument.name));
  const double depth = deepest * rounding_of(precision);
  const double decisions = decision_depth(c, deepest) * rounding_of(precision);
  for (const auto& [name, array] : inputs) {
    Array<Mass<Real>>& promoted = inputs_.emplace(name, Array<Mass<Real>>(array.shape)).first->second;
    for (Index i = 0; i < element_count(array.shape); ++i)
      promoted[i] = Mass<Real>::input(Real(array[i]), depth, decisions);
  }
}

double Judge::depth_of(std::string_view argument) const {
  double depth = case_.spec->depth(case_.attributes, pass_, argument);
  for (const Implementation& implementation : operation_.implementations)
    if (!implementation.peer && !implementation.unsupported(case_, pass_))
      depth = std::max(depth, implementation.depth_of(case_, pass_, argument));
  return depth;
}

template <class Compare>
Verdict Judge::tour(const Claim& claim, double seconds, Compare compare) const {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  const std::vector<Argument> arguments = arguments_of(*case_.spec, case_.attributes, pass_);
  const int number = argument_index(arguments, claim.argument);
  if (number < 0 || claim.precision != precision_) throw std::invalid_argument("Judge: no claim about this pass");
  const Argument& argument = arguments[static_cast<size_t>(number)];
  if (!argument.written || !(claim.values.shape == argument.shape))
    throw std::invalid_argument("Judge: the pass does not write this");
  const double depth = depth_of(claim.argument) * rounding_of(precision_);
  const Element<Mass<Real>> truth_at = reference_.element<Mass<Real>>(case_, inputs_, claim.argument);
  Comparison comparison;
  if (element_count(argument.shape) == 0) return comparison.verdict();
  comparison.enter(*case_.spec, argument.name, argument.shape);
  Tour elements(argument.shape, argument.name);
  const auto enough = [&] {
    return comparison.compared() + comparison.undecided() >= kLeastCompared && Clock::now() > end;
  };
  for (Index i = elements.next(); i >= 0 && !enough(); i = elements.next()) {
    const Position position = position_of(i, argument.shape);
    const Mass<Real> truth = truth_at(position);
    const double bound = argument.type == ElementType::kFloat32 ? tolerance(truth, depth) : 0;
    const Pair pair = compare(i, truth.value, bound);
    if (argument.type == ElementType::kFloat32 && precision_ == Precision::kSingle)
      add_single(truth, pair.expected, static_cast<double>(pair.got), pair.bound, position, comparison);
    else
      comparison.add(position, pair.expected, pair.got, pair.bound);
  }
  return comparison.verdict();
}

Verdict Judge::judge(const Claim& claim, double seconds) const {
  return tour(claim, seconds, [&](Index i, const Real& truth, double bound) {
    return Pair{truth, Real(claim.values[i]), bound + slack_of(claim, i)};
  });
}

Verdict Judge::agree(const Claim& one, const Claim& other, double seconds) const {
  return tour(one, seconds, [&](Index i, const Real&, double bound) {
    return Pair{Real(other.values[i]), Real(one.values[i]), 2 * bound + slack_of(one, i) + slack_of(other, i)};
  });
}

}  // namespace gradproof
