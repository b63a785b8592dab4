// Wrong softmaxes and logarithms of them.
#include <algorithm>
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/activation/class_panels.h"

namespace gradproof {
namespace {

enum class SoftmaxBug {
  kNone,
  kMaxKept,
  kMaxOfFirst,
  kAxisIgnored,
  kTailSkipped,
  kOwnCotangent,
  kMeanMissing,
  kPlainSumOfCotangents,
  kLogOfShare,
  kNanSkipped,
};

class NaiveSoftmax {
 public:
  NaiveSoftmax(const NaiveCall& call, bool logarithm, SoftmaxBug bug)
      : call_(call), logarithm_(logarithm), bug_(bug), rows_(rows_along(call.tensor("src")->shape, axis())) {}

  void run() {
    for (Index row = 0; row < rows_.rows(); ++row) run_row(row);
  }

 private:
  bool is(SoftmaxBug bug) const { return bug_ == bug; }
  int axis() const {
    if (bug_ == SoftmaxBug::kAxisIgnored) return 1;
    return static_cast<int>(call_.attributes.integer("axis"));
  }
  Index at(Index row, Index j) const {
    return (row / rows_.inner * rows_.classes + j) * rows_.inner + row % rows_.inner;
  }
  double src(Index row, Index j) const { return static_cast<double>(call_.floats("src")[at(row, j)]); }
  double diff(Index row, Index j) const { return static_cast<double>(call_.floats("diff_dst")[at(row, j)]); }

  void run_row(Index row) {
    double max = src(row, 0), sum = 0;
    if (!is(SoftmaxBug::kMaxOfFirst))
      for (Index j = 1; j < rows_.classes; ++j) max = std::max(max, src(row, j));
    if (is(SoftmaxBug::kMaxKept)) max = 0;
    const Index counted = is(SoftmaxBug::kTailSkipped) ? std::max<Index>(rows_.classes / 4 * 4, 1) : rows_.classes;
    for (Index j = 0; j < counted; ++j)
      if (!(is(SoftmaxBug::kNanSkipped) && std::isnan(src(row, j)))) sum += std::exp(src(row, j) - max);
    double mean = 0, cotangents = 0;
    for (Index j = 0; j < rows_.classes && !call_.pass.is_forward(); ++j) {
      mean += diff(row, j) * std::exp(src(row, j) - max) / sum;
      cotangents += diff(row, j);
    }
    for (Index j = 0; j < rows_.classes; ++j) {
      const double share = std::exp(src(row, j) - max) / sum;
      if (call_.pass.is_forward())
        call_.floats("dst")[at(row, j)] = static_cast<float>(value(share, src(row, j) - max - std::log(sum)));
      else
        call_.floats("diff_src")[at(row, j)] = static_cast<float>(slope(share, diff(row, j), mean, cotangents));
    }
  }

  double value(double share, double log_share) const {
    if (!logarithm_) return share;
    return is(SoftmaxBug::kLogOfShare) ? static_cast<double>(std::log(static_cast<float>(share))) : log_share;
  }
  double slope(double share, double diff, double mean, double cotangents) const {
    if (logarithm_) return diff - share * (is(SoftmaxBug::kOwnCotangent) ? diff : cotangents);
    if (is(SoftmaxBug::kMeanMissing)) return share * diff;
    if (is(SoftmaxBug::kPlainSumOfCotangents)) return share * (diff - cotangents);
    return share * (diff - (is(SoftmaxBug::kOwnCotangent) ? diff * share : mean));
  }

  const NaiveCall& call_;
  const bool logarithm_;
  const SoftmaxBug bug_;
  const ClassRows rows_;
};

Implementation wrong_softmax(const std::string& name, bool logarithm, SoftmaxBug bug) {
  return naive_implementation(name, [=](const NaiveCall& call) { NaiveSoftmax(call, logarithm, bug).run(); });
}

Mutant softmax_mutant(const char* name, bool logarithm, SoftmaxBug bug, const char* what,
                      std::vector<std::string> oracles) {
  return {name, logarithm ? "log_softmax" : "softmax", what, std::move(oracles), wrong_softmax(name, logarithm, bug),
          {}};
}

}  // namespace

std::vector<Mutant> softmax_mutants() {
  using enum SoftmaxBug;
  return {
      softmax_mutant("max-kept", false, kMaxKept, "the largest is not subtracted", {"forward", "vjp"}),
      softmax_mutant("max-of-first", false, kMaxOfFirst, "the first element is subtracted for the largest",
                     {"special"}),
      softmax_mutant("axis-ignored", false, kAxisIgnored, "always along the channels", {"forward", "vjp", "fd-direct"}),
      softmax_mutant("tail-skipped", false, kTailSkipped, "the sum misses what is behind the last four",
                     {"forward", "vjp"}),
      softmax_mutant("own-cotangent", false, kOwnCotangent, "only the diagonal of the Jacobian", {"vjp", "fd-direct"}),
      softmax_mutant("mean-missing", false, kMeanMissing, "the gradient is taken for that of exp",
                     {"vjp", "fd-direct"}),
      softmax_mutant("plain-sum", false, kPlainSumOfCotangents, "cotangents are summed without their shares",
                     {"vjp", "fd-direct"}),
      softmax_mutant("max-kept", true, kMaxKept, "the largest is not subtracted", {"forward", "vjp"}),
      softmax_mutant("axis-ignored", true, kAxisIgnored, "always along the channels", {"forward", "vjp", "fd-direct"}),
      softmax_mutant("own-cotangent", true, kOwnCotangent, "diff_dst_j for the sum of all", {"vjp", "fd-direct"}),
      softmax_mutant("log-of-share", true, kLogOfShare, "the logarithm of a share that may have become 0", {"forward"}),
      softmax_mutant("nan-skipped", true, kNanSkipped, "NaN is left out of the sum", {"special"}),
  };
}

std::vector<Mutant> healthy_softmaxes() {
  return {softmax_mutant("healthy", false, SoftmaxBug::kNone, "no bug", {}),
          softmax_mutant("healthy", true, SoftmaxBug::kNone, "no bug", {})};
}

}  // namespace gradproof
