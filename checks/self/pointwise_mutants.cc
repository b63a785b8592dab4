// Wrong losses of two tensors.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/loss/pointwise.h"

namespace gradproof {
namespace {

enum class PointwiseBug {
  kNone,
  kMeanOverBatch,
  kTwoMissing,
  kTargetSignLost,
  kPositiveAtZero,
  kOneAtZero,
  kDeltaMissing,
  kHalfMissing,
  kOnlyAbove,
  kOverflows,
  kWeightOfNegatives,
  kGradientUnweighted,
  kWeightOfNextChannel,
  kNoneSummed,
};

class NaivePointwise {
 public:
  NaivePointwise(const NaiveCall& call, Pointwise loss, PointwiseBug bug)
      : call_(call), loss_(loss), bug_(bug), a_(pointwise_attributes(call.attributes)) {}

  void run() {
    double sum = 0;
    for (Index i = 0; i < a_.count; ++i) {
      const double x = static_cast<double>(call_.floats("src")[i]), t = static_cast<double>(call_.floats("target")[i]);
      if (call_.pass.is_forward()) {
        const double own = value(x, t, weight(i));
        sum += own;
        if (a_.reduction == Reduction::kNone) call_.floats("dst")[i] = static_cast<float>(own);
      } else {
        call_.tensors.back().floats()[i] = static_cast<float>(gain(i) * slope(x, t, weight(i)));
      }
    }
    if (call_.pass.is_forward() && a_.reduction != Reduction::kNone)
      call_.floats("dst")[0] = static_cast<float>(a_.reduction == Reduction::kMean ? sum / divisor() : sum);
  }

 private:
  bool is(PointwiseBug bug) const { return bug_ == bug; }

  double weight(Index i) const {
    if (!a_.pos_weight) return 1;
    const Index channel = i / a_.space + (is(PointwiseBug::kWeightOfNextChannel) ? 1 : 0);
    return static_cast<double>(call_.floats("pos_weight")[channel % a_.channels]);
  }
  double divisor() const {
    return static_cast<double>(is(PointwiseBug::kMeanOverBatch) ? call_.attributes.integer("mb") : a_.count);
  }
  double gain(Index i) const {
    const bool each = a_.reduction == Reduction::kNone && !is(PointwiseBug::kNoneSummed);
    const double diff = static_cast<double>(call_.floats("diff_dst")[each ? i : 0]);
    return a_.reduction == Reduction::kMean ? diff / divisor() : diff;
  }

  double softplus(double x) const {
    if (is(PointwiseBug::kOverflows)) return static_cast<double>(std::log(1 + std::exp(static_cast<float>(x))));
    return std::log1p(std::exp(-std::fabs(x))) + (x > 0 || std::isnan(x) ? x : 0);
  }
  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
  double clipped(double d) const {
    const double delta = a_.delta;
    if (is(PointwiseBug::kOnlyAbove)) return d > delta ? delta : d;
    return d > delta || std::isnan(d) ? delta : d < -delta ? -delta : d;
  }

  double value(double x, double t, double w) const {
    const double d = x - t;
    switch (loss_) {
      case Pointwise::kMse:
        return d * d;
      case Pointwise::kL1:
        return std::fabs(d);
      case Pointwise::kHuber: {
        const double c = clipped(d), half = is(PointwiseBug::kHalfMissing) ? 1 : 0.5;
        const bool beyond = std::fabs(d) > a_.delta;
        const double whole = c * (d - half * c);
        return is(PointwiseBug::kDeltaMissing) && beyond ? whole / a_.delta : whole;
      }
      case Pointwise::kBceWithLogits:
        break;
    }
    if (is(PointwiseBug::kWeightOfNegatives)) return (1 - t) * w * x + (t + w * (1 - t)) * softplus(-x);
    return (1 - t) * x + (1 + (w - 1) * t) * softplus(-x);
  }

  double slope(double x, double t, double w) const {
    const bool of_target = call_.pass.slot == "target";
    if (loss_ == Pointwise::kBceWithLogits) {
      if (is(PointwiseBug::kGradientUnweighted)) w = 1;
      return of_target ? (w - 1) * (w == 1 ? 0 : softplus(-x)) - x : (1 - t) - (1 + (w - 1) * t) * sigmoid(-x);
    }
    return (of_target && !is(PointwiseBug::kTargetSignLost) ? -1 : 1) * slope_of_difference(x - t);
  }
  double slope_of_difference(double d) const {
    switch (loss_) {
      case Pointwise::kMse:
        return is(PointwiseBug::kTwoMissing) ? d : 2 * d;
      case Pointwise::kHuber:
        return is(PointwiseBug::kDeltaMissing) && std::fabs(d) > a_.delta ? clipped(d) / a_.delta : clipped(d);
      default:
        break;
    }
    if (d == 0) return is(PointwiseBug::kPositiveAtZero) ? 2 : is(PointwiseBug::kOneAtZero) ? 1 : 0;
    return d < 0 ? -1 : 1;
  }

  const NaiveCall& call_;
  const Pointwise loss_;
  const PointwiseBug bug_;
  const PointwiseAttributes a_;
};

const char* operation_of(Pointwise loss) {
  switch (loss) {
    case Pointwise::kMse:
      return "mse";
    case Pointwise::kL1:
      return "l1";
    case Pointwise::kHuber:
      return "huber";
    case Pointwise::kBceWithLogits:
      break;
  }
  return "bce_with_logits";
}

Mutant pointwise_mutant(const char* name, Pointwise loss, PointwiseBug bug, const char* what,
                        std::vector<std::string> oracles) {
  const auto run = [=](const NaiveCall& call) { NaivePointwise(call, loss, bug).run(); };
  return {name, operation_of(loss), what, std::move(oracles), naive_implementation(name, run), {}};
}

}  // namespace

std::vector<Mutant> pointwise_mutants() {
  using enum PointwiseBug;
  using enum Pointwise;
  return {
      pointwise_mutant("mean-over-batch", kMse, kMeanOverBatch, "the mean is by the batch", {"forward", "vjp"}),
      pointwise_mutant("two-missing", kMse, kTwoMissing, "the gradient is that of half the square",
                       {"vjp", "fd-direct"}),
      pointwise_mutant("none-summed", kMse, kNoneSummed, "all elements get the first cotangent", {"vjp", "fd-direct"}),
      pointwise_mutant("target-sign-lost", kMse, kTargetSignLost, "the target's gradient is that of src",
                       {"vjp", "fd-direct"}),
      pointwise_mutant("one-at-zero", kL1, kOneAtZero, "the slope at 0 is 1", {"vjp", "kink"}),
      pointwise_mutant("two-at-zero", kL1, kPositiveAtZero, "the slope at 0 is none of either side", {"vjp", "kink"}),
      pointwise_mutant("target-sign-lost", kL1, kTargetSignLost, "the target's gradient is that of src",
                       {"vjp", "fd-direct"}),
      pointwise_mutant("delta-missing", kHuber, kDeltaMissing, "the linear part lacks delta [smooth_l1]",
                       {"forward", "vjp", "fd-direct"}),
      pointwise_mutant("half-missing", kHuber, kHalfMissing, "d^2 for d^2 / 2", {"forward"}),
      pointwise_mutant("only-above", kHuber, kOnlyAbove, "negative differences are squared however large",
                       {"forward", "vjp", "fd-direct"}),
      pointwise_mutant("overflows", kBceWithLogits, kOverflows, "log(1 + exp(x)) without care", {"forward"}),
      pointwise_mutant("weight-of-negatives", kBceWithLogits, kWeightOfNegatives, "pos_weight weighs negatives",
                       {"forward"}),
      pointwise_mutant("gradient-unweighted", kBceWithLogits, kGradientUnweighted, "the gradients lack pos_weight",
                       {"vjp", "fd-direct"}),
      pointwise_mutant("weight-of-next", kBceWithLogits, kWeightOfNextChannel, "pos_weight of the next channel",
                       {"forward", "vjp", "fd-direct"}),
  };
}

std::vector<Mutant> healthy_pointwise() {
  std::vector<Mutant> healthy;
  for (const Pointwise loss : {Pointwise::kMse, Pointwise::kL1, Pointwise::kHuber, Pointwise::kBceWithLogits})
    healthy.push_back(pointwise_mutant("healthy", loss, PointwiseBug::kNone, "no bug", {}));
  return healthy;
}

}  // namespace gradproof
