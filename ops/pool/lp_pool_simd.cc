#include "ops/pool/lp_pool_simd.h"

#include <limits>

#include "ops/core/window.h"
#include "ops/pool/geometry.h"
#include "ops/simd/block_sums.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/lp_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "ops/pool/window_statistic_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// sum * sign(src), where the sign of 0 is 0, and that of NaN 1.
HWY_INLINE WideVec WithSign(WideVec sum, WideVec src) {
  const Wide d;
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0);
  const auto sign = hn::IfThenElse(hn::Lt(src, zero), hn::Neg(one), one);
  return hn::Mul(sum, hn::IfThenZeroElse(hn::Eq(src, zero), sign));
}

// p = 1: the sum of magnitudes.
struct MagnitudeSum {
  static constexpr double kPadding = 0;
  static constexpr bool kFewTaps = true;

  HWY_INLINE WideVec OfInput(WideVec x) const { return hn::Abs(x); }
  template <size_t kTaps>
  HWY_INLINE Summary Of(const RowOfWindows& windows, Index o) const {
    auto sum = hn::Zero(Wide());
    const size_t taps = windows.Count<kTaps>();
    for (size_t k = 0; k < taps; ++k) sum = hn::Add(sum, hn::LoadU(Wide(), windows.taps[k] + o));
    return {sum, sum};
  }
  HWY_INLINE WideVec Share(WideVec diff, const Summary&, WideVec) const { return diff; }
  HWY_INLINE WideVec Sent(WideVec share, WideVec, WideVec) const { return share; }
  HWY_INLINE WideVec Received(WideVec sum, WideVec src) const { return WithSign(sum, src); }
};

// p = 2: the root of the sum of squares.
struct Euclidean {
  static constexpr double kPadding = 0;
  static constexpr bool kFewTaps = true;

  HWY_INLINE WideVec OfInput(WideVec x) const { return x; }
  template <size_t kTaps>
  HWY_INLINE Summary Of(const RowOfWindows& windows, Index o) const {
    auto squares = hn::Zero(Wide());
    const size_t taps = windows.Count<kTaps>();
    for (size_t k = 0; k < taps; ++k) {
      const auto x = hn::LoadU(Wide(), windows.taps[k] + o);
      squares = hn::MulAdd(x, x, squares);
    }
    const auto norm = hn::Sqrt(squares);
    return {norm, norm};
  }
  // diff / norm, and 0 of zeros.
  HWY_INLINE WideVec Share(WideVec diff, const Summary& summary, WideVec) const {
    return hn::Mul(diff, InverseOrZero(summary.value));
  }
  HWY_INLINE WideVec Sent(WideVec share, WideVec, WideVec x) const { return hn::Mul(share, x); }
  HWY_INLINE WideVec Received(WideVec sum, WideVec) const { return sum; }
};

// For the logarithms of 0 and infinity: so far beyond those of all float32 numbers, which are within 104 of 0, that
// exp(p (a - b)) of two of them is 0 or infinite for every p that differs from 0 by 2^-52.
constexpr double kLogInfinity = 0x1p70;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// exp(x) and 0 or infinity beyond its range; NaN of NaN.
HWY_INLINE WideVec Exp(WideVec x) {
  const Wide d;
  const auto limit = hn::Set(d, 700.0);
  const auto power = hn::Exp(d, hn::Max(hn::Neg(limit), hn::Min(x, limit)));
  const auto up = hn::IfThenElse(hn::Gt(x, limit), hn::Set(d, kInfinity), power);
  const auto down = hn::IfThenZeroElse(hn::Lt(x, hn::Neg(limit)), up);
  return hn::IfThenElse(hn::Eq(x, x), down, x);
}

// Any p: (sum |x|^p)^(1/p) = exp(c + log(sum exp(p (log |x| - c))) / p), with c the largest logarithm.
struct AnyNorm {
  static constexpr double kPadding = -kLogInfinity;
  static constexpr bool kFewTaps = false;  // exponentials take the time
  double p;

  // log |x|, that of 0 -kLogInfinity.
  HWY_INLINE WideVec OfInput(WideVec x) const {
    const Wide d;
    const auto magnitude = hn::Abs(x);
    const auto is_zero = hn::Eq(magnitude, hn::Zero(d));
    const auto logarithm = hn::IfThenElse(is_zero, hn::Set(d, -kLogInfinity), LogOf(magnitude));
    return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, kInfinity)), logarithm, magnitude);
  }

  // The centre is the norm's logarithm.
  template <size_t kTaps>
  HWY_INLINE Summary Of(const RowOfWindows& windows, Index o) const {
    const Wide d;
    auto largest = hn::Set(d, -kLogInfinity);
    for (const double* tap : windows.taps) largest = hn::Max(hn::LoadU(d, tap + o), largest);
    largest = hn::Min(largest, hn::Set(d, kLogInfinity));
    auto sum = hn::Zero(d);
    for (const double* tap : windows.taps)
      sum = hn::Add(sum, Exp(hn::Mul(hn::Set(d, p), hn::Sub(hn::LoadU(d, tap + o), largest))));
    const auto logarithm = hn::Add(largest, hn::Div(LogOf(sum), hn::Set(d, p)));
    const auto of_all = hn::IfThenElse(hn::Lt(sum, hn::Set(d, kInfinity)), logarithm, sum);
    return {Exp(of_all), of_all};
  }

  HWY_INLINE WideVec Share(WideVec diff, const Summary&, WideVec) const { return diff; }
  // share * (|x| / norm)^(p-1); infinity / infinity is NaN.
  HWY_INLINE WideVec Sent(WideVec share, WideVec log_norm, WideVec log_x) const {
    return hn::Mul(share, Exp(hn::Mul(hn::Set(Wide(), p - 1), hn::Sub(log_x, log_norm))));
  }
  // Zeros receive 0, also from windows of nothing else.
  HWY_INLINE WideVec Received(WideVec sum, WideVec src) const { return WithSign(sum, src); }

 private:
  // log(x) of positive finite x; something of others.
  static HWY_INLINE WideVec LogOf(WideVec x) {
    const Wide d;
    const auto is_number = hn::And(hn::Gt(x, hn::Zero(d)), hn::Lt(x, hn::Set(d, kInfinity)));
    return hn::Log(d, hn::IfThenElse(is_number, x, hn::Set(d, 1.0)));
  }
};

template <class Statistic>
std::unique_ptr<Kernel> Plan(const Statistic& statistic, const Case& c, const Pass& pass, int threads) {
  const Attributes& a = c.attributes;
  const PoolGeometry geometry(a.integer("mb") * a.integer("c"), window_of(a));
  if (pass.is_forward()) return std::make_unique<StatisticForward<Statistic>>(statistic, geometry, threads);
  return std::make_unique<StatisticGradient<Statistic>>(statistic, geometry, threads);
}

std::unique_ptr<Kernel> PrepareLpPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const double norm = c.attributes.real("norm");
  if (norm == 1) return Plan(MagnitudeSum(), c, pass, options.threads);
  if (norm == 2) return Plan(Euclidean(), c, pass, options.threads);
  return Plan(AnyNorm{norm}, c, pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareLpPool);

namespace {

// Rounded once. Highway's logarithms are within 4 ulps, and 104 at most: they err by 2^-44 and their differences by
// 2^-43. Times the norm, 2^10 at most, that is 2^-33 of a power: 2^-9 u. Its exponentials are within 1 ulp.
double lp_pool_simd_depth(const Case&, const Pass&, std::string_view) { return 1 + kSumDepth; }

}  // namespace

std::vector<Implementation> lp_pool_simd_implementations() {
  return simd_implementations({.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareLpPool)(plan...); },
                               .depth = lp_pool_simd_depth});
}

}  // namespace gradproof
#endif
