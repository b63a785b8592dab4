// Wrong losses over classes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/loss/class_loss.h"

namespace gradproof {
namespace {

enum class LossBug {
  kNone,
  kMaxKept,
  kSmoothingCountsIgnored,
  kAllIgnoredIsNan,
  kWeightsNotInDivisor,
  kIgnoredInDivisor,
  kIgnoredHasGradient,
  kSpreadOverOthers,
  kWeightsNotSmoothed,
  kLabelNotSubtracted,
  kSumDividedToo,
  kGainOfFirst,
  kSoftSumTakenForOne,
  kTargetGradientUnweighted,
  kSignLost,
  kLabelOfNext,
};

class NaiveClassLoss {
 public:
  NaiveClassLoss(const NaiveCall& call, bool nll, LossBug bug)
      : call_(call), nll_(nll), bug_(bug), a_(class_loss_attributes(call.attributes)) {}

  void run() {
    if (call_.pass.is_forward())
      forward();
    else
      gradient();
  }

 private:
  bool is(LossBug bug) const { return bug_ == bug; }
  Index at(Index row, Index j) const {
    return (row / a_.rows.inner * a_.rows.classes + j) * a_.rows.inner + row % a_.rows.inner;
  }
  double src(Index row, Index j) const { return static_cast<double>(call_.floats("src")[at(row, j)]); }
  double weight(Index j) const { return a_.weighted ? static_cast<double>(call_.floats("class_weights")[j]) : 1; }

  Index label(Index row) const {
    const Index next = is(LossBug::kLabelOfNext) ? std::min(row + 1, a_.rows.rows() - 1) : row;
    return call_.tensor("target")->ints()[next];
  }
  bool counts(Index row) const { return a_.soft || a_.counts(label(row)); }

  double spread(Index j) const {
    const double classes = static_cast<double>(a_.rows.classes) - (is(LossBug::kSpreadOverOthers) ? 1 : 0);
    return a_.smoothing / classes * (is(LossBug::kWeightsNotSmoothed) ? 1 : weight(j));
  }
  double coefficient(Index row, Index j) const {
    if (a_.soft)
      return weight(j) * (1 - a_.smoothing) * static_cast<double>(call_.floats("soft_target")[at(row, j)]) + spread(j);
    const double own = counts(row) && j == label(row) ? (1 - a_.smoothing) * weight(j) : 0;
    return a_.smoothing > 0 ? own + spread(j) : own;
  }

  struct Exponentials {
    double max, sum;
  };
  Exponentials exponentials(Index row) const {
    Exponentials e{is(LossBug::kMaxKept) ? 0 : src(row, 0), 0};
    for (Index j = 1; j < a_.rows.classes && !is(LossBug::kMaxKept); ++j) e.max = std::max(e.max, src(row, j));
    for (Index j = 0; j < a_.rows.classes; ++j) e.sum += std::exp(src(row, j) - e.max);
    if (std::isnan(e.sum)) e.max = e.sum;
    return e;
  }

  double divisor() const {
    double sum = 0;
    for (Index row = 0; row < a_.rows.rows(); ++row) {
      if (is(LossBug::kIgnoredInDivisor) && !counts(row)) sum += 1;
      if (counts(row)) sum += a_.soft || is(LossBug::kWeightsNotInDivisor) ? 1 : weight(label(row));
    }
    return sum;
  }
  bool none_count() const {
    for (Index row = 0; row < a_.rows.rows(); ++row)
      if (counts(row)) return false;
    return !is(LossBug::kAllIgnoredIsNan);
  }

  double loss(Index row) const {
    if (nll_) {
      if (!counts(row)) return 0;
      return (is(LossBug::kSignLost) ? 1 : -1) * weight(label(row)) * src(row, label(row));
    }
    if (!counts(row) && !is(LossBug::kSmoothingCountsIgnored)) return 0;
    const Exponentials e = exponentials(row);
    double sum = 0;
    for (Index j = 0; j < a_.rows.classes; ++j)
      if (const double c = coefficient(row, j); c != 0) sum -= c * (src(row, j) - e.max - std::log(e.sum));
    return sum;
  }

  void forward() {
    double sum = 0;
    for (Index row = 0; row < a_.rows.rows(); ++row) {
      const double own = loss(row);
      sum += own;
      if (a_.reduction == Reduction::kNone) call_.floats("dst")[row] = static_cast<float>(own);
      if (nll_) continue;
      const Exponentials e = exponentials(row);
      call_.floats("max")[row] = static_cast<float>(e.max);
      call_.floats("sum")[row] = static_cast<float>(e.sum);
    }
    const bool divides = a_.reduction == Reduction::kMean || is(LossBug::kSumDividedToo);
    if (a_.reduction != Reduction::kNone)
      call_.floats("dst")[0] = static_cast<float>(none_count() ? 0 : divides ? sum / divisor() : sum);
  }

  void gradient() {
    const double d = divisor();
    for (Index row = 0; row < a_.rows.rows(); ++row) {
      const bool each = a_.reduction == Reduction::kNone && !is(LossBug::kGainOfFirst);
      double gain = static_cast<double>(call_.floats("diff_dst")[each ? row : 0]);
      if (a_.reduction == Reduction::kMean) gain /= d;
      for (Index j = 0; j < a_.rows.classes; ++j)
        call_.tensors.back().floats()[at(row, j)] =
            counts(row) || is(LossBug::kIgnoredHasGradient) ? static_cast<float>(slope(row, j, gain)) : 0.0F;
    }
  }

  double slope(Index row, Index j, double gain) const {
    if (nll_) return counts(row) && j == label(row) ? -gain * weight(j) : 0;
    const Exponentials e = exponentials(row);
    if (call_.pass.slot == "soft_target") {
      const double factor = gain * (1 - a_.smoothing) * (is(LossBug::kTargetGradientUnweighted) ? 1 : weight(j));
      return -factor * (src(row, j) - e.max - std::log(e.sum));
    }
    double all = 0;
    for (Index k = 0; k < a_.rows.classes; ++k)
      if (const double c = coefficient(row, k); c != 0) all += c;
    if (a_.soft && is(LossBug::kSoftSumTakenForOne)) all = 1;
    const double own = is(LossBug::kLabelNotSubtracted) ? 0 : coefficient(row, j);
    return gain * (std::exp(src(row, j) - e.max) / e.sum * all - own);
  }

  const NaiveCall& call_;
  const bool nll_;
  const LossBug bug_;
  const ClassLossAttributes a_;
};

Mutant class_loss_mutant(const char* name, bool nll, LossBug bug, const char* what, std::vector<std::string> oracles) {
  const auto run = [=](const NaiveCall& call) { NaiveClassLoss(call, nll, bug).run(); };
  return {name, nll ? "nll" : "softmax_cross_entropy", what, std::move(oracles), naive_implementation(name, run), {}};
}

}  // namespace

std::vector<Mutant> class_loss_mutants() {
  using enum LossBug;
  const std::vector<std::string> both{"forward", "vjp", "fd-direct"}, back{"vjp", "fd-direct"};
  const auto entropy = [](const char* name, LossBug bug, const char* what, const std::vector<std::string>& oracles) {
    return class_loss_mutant(name, false, bug, what, oracles);
  };
  const auto nll = [](const char* name, LossBug bug, const char* what, const std::vector<std::string>& oracles) {
    return class_loss_mutant(name, true, bug, what, oracles);
  };
  return {
      entropy("max-kept", kMaxKept, "the largest is not subtracted", {"forward", "vjp"}),
      entropy("smoothing-counts-ignored", kSmoothingCountsIgnored, "smoothing counts rows that are ignored",
              {"forward"}),
      entropy("all-ignored", kAllIgnoredIsNan, "0/0 where every row is ignored [PyTorch]", {"forward"}),
      entropy("weights-not-in-divisor", kWeightsNotInDivisor, "the mean is by the number of rows, not their weights",
              both),
      entropy("ignored-in-divisor", kIgnoredInDivisor, "rows that are ignored count in the mean", both),
      entropy("ignored-gradient", kIgnoredHasGradient, "rows that are ignored have a gradient", back),
      entropy("spread-over-others", kSpreadOverOthers, "smoothing spreads over the other C - 1 classes", both),
      entropy("weights-not-smoothed", kWeightsNotSmoothed, "what is spread has no class weights", both),
      entropy("label-not-subtracted", kLabelNotSubtracted, "the gradient is that of the log-sum-exp alone", back),
      entropy("sum-divided", kSumDividedToo, "the sum is a mean", {"forward"}),
      entropy("gain-of-first", kGainOfFirst, "all rows get the cotangent of the first", back),
      entropy("soft-sum-one", kSoftSumTakenForOne, "soft labels are taken to sum to 1 in the gradient", back),
      entropy("target-gradient-unweighted", kTargetGradientUnweighted, "the labels' gradient lacks class weights",
              back),
      entropy("label-of-next", kLabelOfNext, "each row has the label of the next", {"forward", "vjp"}),
      nll("all-ignored", kAllIgnoredIsNan, "0/0 where every row is ignored [PyTorch]", {"forward"}),
      nll("weights-not-in-divisor", kWeightsNotInDivisor, "the mean is by the number of rows, not their weights", both),
      nll("ignored-in-divisor", kIgnoredInDivisor, "rows that are ignored count in the mean", both),
      nll("sign-lost", kSignLost, "the loss is the score itself", {"forward"}),
      nll("gain-of-first", kGainOfFirst, "all rows get the cotangent of the first", back),
  };
}

std::vector<Mutant> healthy_class_losses() {
  return {class_loss_mutant("healthy", false, LossBug::kNone, "no bug", {}),
          class_loss_mutant("healthy", true, LossBug::kNone, "no bug", {})};
}

}  // namespace gradproof
