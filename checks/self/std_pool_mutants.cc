// Wrong standard deviations.
#include <cmath>
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "checks/self/naive_windows.h"

namespace gradproof {
namespace {

enum class StdPoolBug {
  kNone,
  kSquareOfSum,
  kFloatMean,
  kPaddingCounted,
  kUnbiasedIgnored,
  kBiasedGradient,
  kVariance,
  kMeanKept,
  kEqualElementsNan,
  kMeanOfPlane,
  kAssigned,
  kStridesSwapped,
};

// Two passes over each window in double.
class NaiveStdPool {
 public:
  NaiveStdPool(const NaiveCall& call, StdPoolBug bug) : call_(call), bug_(bug), windows_(window_of(call.attributes)) {
    if (is(StdPoolBug::kStridesSwapped)) std::swap(windows_.axes[1].stride, windows_.axes[2].stride);
  }

  void run() {
    call_.zero_outputs();
    const Index planes = call_.attributes.integer("mb") * call_.attributes.integer("c");
    windows_.for_each_with_taps(planes, [&](Index plane, Index window, const Taps& taps) {
      const Moments moments = moments_of(plane, taps);
      call_.pass.is_forward() ? forward(window, moments) : backward(window, taps, moments);
    });
  }

 private:
  using Taps = std::vector<NaiveWindows::Tap>;
  struct Moments {
    double mean, divisor, deviation;
  };

  bool is(StdPoolBug bug) const { return bug_ == bug; }
  double src(Index input) const { return call_.floats("src")[input]; }

  double mean_of(Index plane, const Taps& taps, double count) const {
    double sum = 0;
    if (is(StdPoolBug::kMeanOfPlane)) {
      const Index size = windows_.axes[0].in * windows_.axes[1].in * windows_.axes[2].in;
      for (Index i = 0; i < size; ++i) sum += src(plane * size + i);
      return sum / static_cast<double>(size);
    }
    for (const auto& tap : taps) sum += src(tap.input);
    return is(StdPoolBug::kFloatMean) ? static_cast<float>(sum / count) : sum / count;
  }

  Moments moments_of(Index plane, const Taps& taps) const {
    const auto count =
        static_cast<double>(is(StdPoolBug::kPaddingCounted) ? windows_.taps() : static_cast<Index>(taps.size()));
    const double mean = mean_of(plane, taps, count);
    const bool unbiased = call_.attributes.flag("unbiased") && !is(StdPoolBug::kUnbiasedIgnored);
    const double divisor = unbiased ? count - 1 : count;
    double squares = 0;
    for (const auto& tap : taps) squares += (src(tap.input) - mean) * (src(tap.input) - mean);
    if (is(StdPoolBug::kSquareOfSum)) squares = square_of_sum(taps);
    const double deviation = is(StdPoolBug::kVariance) ? squares / divisor : std::sqrt(squares / divisor);
    return {mean, is(StdPoolBug::kBiasedGradient) ? count : divisor, deviation};
  }

  // sum x^2 - (sum x)^2 / m in float32, as one pass gives them.
  double square_of_sum(const Taps& taps) const {
    float sum = 0, squares = 0;
    for (const auto& tap : taps) {
      const float x = call_.floats("src")[tap.input];
      sum += x;
      squares += x * x;
    }
    return std::max(0.0F, squares - sum * (sum / static_cast<float>(taps.size())));
  }

  void forward(Index window, const Moments& moments) {
    call_.floats("dst")[window] = static_cast<float>(moments.deviation);
  }

  void backward(Index window, const Taps& taps, const Moments& moments) {
    const bool flat = moments.deviation == 0 && !is(StdPoolBug::kEqualElementsNan);
    for (const auto& tap : taps) {
      const double centred = src(tap.input) - (is(StdPoolBug::kMeanKept) ? 0 : moments.mean);
      const double share = flat ? 0 : centred / (moments.divisor * moments.deviation);
      float& sum = call_.floats("diff_src")[tap.input];
      sum = (is(StdPoolBug::kAssigned) ? 0.0F : sum) + static_cast<float>(call_.floats("diff_dst")[window] * share);
    }
  }

  const NaiveCall& call_;
  StdPoolBug bug_;
  NaiveWindows windows_;
};

Implementation wrong_std_pool(const std::string& name, StdPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveStdPool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> std_pool_mutants() {
  struct Row {
    const char* name;
    StdPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"square-of-sum", StdPoolBug::kSquareOfSum, "E[x^2] - E[x]^2", {"forward", "vjp"}},
      {"float-mean", StdPoolBug::kFloatMean, "the mean is rounded before it is subtracted", {"forward", "vjp"}},
      {"padding-counted", StdPoolBug::kPaddingCounted, "padding counts as elements", {"forward", "vjp", "fd-direct"}},
      {"unbiased-ignored", StdPoolBug::kUnbiasedIgnored, "unbiased is ignored", {"forward", "vjp"}},
      {"biased-gradient", StdPoolBug::kBiasedGradient, "the gradient divides by m for m - 1", {"vjp", "fd-direct"}},
      {"variance", StdPoolBug::kVariance, "the root is missing", {"forward", "vjp"}},
      {"mean-kept", StdPoolBug::kMeanKept, "the gradient does not subtract the mean", {"vjp", "fd-direct"}},
      {"equal-elements-nan", StdPoolBug::kEqualElementsNan, "equal elements give NaN", {"vjp"}},
      {"mean-of-plane", StdPoolBug::kMeanOfPlane, "the mean is that of the plane", {"forward", "vjp", "special"}},
      {"assigned", StdPoolBug::kAssigned, "overlapping windows assign instead of adding", {"vjp", "fd-direct"}},
      {"strides-swapped", StdPoolBug::kStridesSwapped, "stride_h and stride_w confused", {"forward", "vjp"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "std_pool", row.what, row.oracles, wrong_std_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_std_pool() {
  return {"healthy-std-pool", "std_pool", "no bug", {}, wrong_std_pool("healthy", StdPoolBug::kNone), {}};
}

}  // namespace gradproof
