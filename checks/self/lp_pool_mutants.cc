// Wrong norms.
#include <algorithm>
#include <cmath>
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "checks/self/naive_windows.h"

namespace gradproof {
namespace {

enum class LpPoolBug {
  kNone,
  kSignedPower,
  kZeroWindowNan,
  kNoRoot,
  kAveraged,
  kNormIgnored,
  kFloatPowers,
  kSignLost,
  kExponentOfForward,
  kAssigned,
  kStridesSwapped,
};

// Sums of (|x| / largest)^p in double.
class NaiveLpPool {
 public:
  NaiveLpPool(const NaiveCall& call, LpPoolBug bug)
      : call_(call),
        bug_(bug),
        windows_(window_of(call.attributes)),
        p_(is(LpPoolBug::kNormIgnored) ? 2 : call.attributes.real("norm")) {
    if (is(LpPoolBug::kStridesSwapped)) std::swap(windows_.axes[1].stride, windows_.axes[2].stride);
  }

  void run() {
    call_.zero_outputs();
    const Index planes = call_.attributes.integer("mb") * call_.attributes.integer("c");
    windows_.for_each_with_taps(planes, [&](Index, Index window, const Taps& taps) {
      call_.pass.is_forward() ? forward(window, taps) : backward(window, taps);
    });
  }

 private:
  using Taps = std::vector<NaiveWindows::Tap>;

  bool is(LpPoolBug bug) const { return bug_ == bug; }
  double src(const NaiveWindows::Tap& tap) const { return call_.floats("src")[tap.input]; }

  double magnitude(double x) const { return is(LpPoolBug::kSignedPower) ? x : std::abs(x); }

  // NaN of NaN, and of nothing but zeros 1.
  double largest_of(const Taps& taps) const {
    double largest = 0;
    for (const auto& tap : taps)
      if (const double x = std::abs(src(tap)); x > largest || std::isnan(x)) largest = x;
    return largest > 0 || std::isnan(largest) || is(LpPoolBug::kZeroWindowNan) ? largest : 1;
  }

  double norm_of(const Taps& taps, double scale) const {
    if (is(LpPoolBug::kFloatPowers)) {
      float sum = 0;
      for (const auto& tap : taps) sum += std::pow(std::abs(call_.floats("src")[tap.input]), static_cast<float>(p_));
      return std::pow(static_cast<double>(sum), 1 / p_);
    }
    double sum = 0;
    for (const auto& tap : taps) sum += std::pow(magnitude(src(tap)) / scale, p_);
    if (is(LpPoolBug::kAveraged)) sum /= static_cast<double>(taps.size());
    return scale * (is(LpPoolBug::kNoRoot) ? sum : std::pow(sum, 1 / p_));
  }

  void forward(Index window, const Taps& taps) {
    const double largest = largest_of(taps);
    const bool special = std::isinf(largest) || std::isnan(largest);
    call_.floats("dst")[window] = static_cast<float>(special ? largest : norm_of(taps, largest));
  }

  void backward(Index window, const Taps& taps) {
    const double largest = largest_of(taps), norm = std::isinf(largest) ? largest : norm_of(taps, largest);
    for (const auto& tap : taps) {
      const double x = src(tap), sign = x < 0 ? -1 : x == 0 ? 0 : 1;
      const double ratio = norm == 0 && !is(LpPoolBug::kZeroWindowNan) ? 0 : std::abs(x) / norm;
      const double power = p_ == 1 ? 1 : std::pow(ratio, is(LpPoolBug::kExponentOfForward) ? p_ : p_ - 1);
      float& sum = call_.floats("diff_src")[tap.input];
      const double share = call_.floats("diff_dst")[window] * (is(LpPoolBug::kSignLost) ? 1 : sign) * power;
      sum = (is(LpPoolBug::kAssigned) ? 0.0F : sum) + static_cast<float>(share);
    }
  }

  const NaiveCall& call_;
  LpPoolBug bug_;
  NaiveWindows windows_;
  double p_;
};

Implementation wrong_lp_pool(const std::string& name, LpPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveLpPool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> lp_pool_mutants() {
  struct Row {
    const char* name;
    LpPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"signed-power", LpPoolBug::kSignedPower, "x^p for |x|^p [PyTorch 184037]", {"forward", "vjp", "fd-direct"}},
      {"zero-window-nan", LpPoolBug::kZeroWindowNan, "a window of zeros gives NaN [PyTorch 6765]", {"vjp", "special"}},
      {"no-root", LpPoolBug::kNoRoot, "the root is missing", {"forward", "vjp"}},
      {"averaged", LpPoolBug::kAveraged, "powers are averaged, not summed", {"forward", "vjp", "fd-direct"}},
      {"norm-ignored", LpPoolBug::kNormIgnored, "p is always 2", {"forward", "vjp", "fd-direct"}},
      {"float-powers", LpPoolBug::kFloatPowers, "powers of small numbers underflow", {"forward", "vjp"}},
      {"sign-lost", LpPoolBug::kSignLost, "the gradient lacks the sign", {"vjp", "fd-direct"}},
      {"exponent-of-forward",
       LpPoolBug::kExponentOfForward,
       "the gradient takes the power p for p - 1",
       {"vjp", "fd-direct"}},
      {"assigned", LpPoolBug::kAssigned, "overlapping windows assign instead of adding", {"vjp", "fd-direct"}},
      {"strides-swapped", LpPoolBug::kStridesSwapped, "stride_h and stride_w confused", {"forward", "vjp"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "lp_pool", row.what, row.oracles, wrong_lp_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_lp_pool() {
  return {"healthy-lp-pool", "lp_pool", "no bug", {}, wrong_lp_pool("healthy", LpPoolBug::kNone), {}};
}

}  // namespace gradproof
