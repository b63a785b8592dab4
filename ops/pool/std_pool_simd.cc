#include "ops/pool/std_pool_simd.h"

#include "ops/core/window.h"
#include "ops/pool/geometry.h"
#include "ops/simd/block_sums.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/std_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/window_statistic_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// The standard deviation of a window, by its mean and the squares of what deviates from it: the sum of squares less the
// square of the sum would lose all digits where the mean is large. Equal elements have them for their mean, exactly.
struct Deviation {
  static constexpr double kPadding = 0;
  static constexpr bool kFewTaps = true;
  double less;  // what the divisor lacks of the count

  HWY_INLINE WideVec OfInput(WideVec x) const { return x; }

  template <size_t kTaps>
  HWY_INLINE Summary Of(const RowOfWindows& windows, Index o) const {
    const Wide d;
    auto sum = hn::Zero(d);
    const size_t taps = windows.Count<kTaps>();
    for (size_t k = 0; k < taps; ++k) sum = hn::Add(sum, hn::LoadU(d, windows.taps[k] + o));
    const auto count = windows.Elements(o), mean = hn::Div(sum, count);
    const auto squares = windows.sees_padding(o) ? SquaresInside(windows, o, mean) : Squares<kTaps>(windows, o, mean);
    return {hn::Sqrt(hn::Div(squares, Divisor(count))), mean};
  }

  // diff / (divisor * value), and 0 of equal elements.
  HWY_INLINE WideVec Share(WideVec diff, const Summary& summary, WideVec count) const {
    return hn::Mul(diff, InverseOrZero(hn::Mul(Divisor(count), summary.value)));
  }
  HWY_INLINE WideVec Sent(WideVec share, WideVec mean, WideVec x) const { return hn::Mul(share, hn::Sub(x, mean)); }
  HWY_INLINE WideVec Received(WideVec sum, WideVec) const { return sum; }

 private:
  HWY_INLINE WideVec Divisor(WideVec count) const { return hn::Sub(count, hn::Set(Wide(), less)); }

  template <size_t kTaps>
  static HWY_INLINE WideVec Squares(const RowOfWindows& windows, Index o, WideVec mean) {
    auto sum = hn::Zero(Wide());
    const size_t taps = windows.Count<kTaps>();
    for (size_t k = 0; k < taps; ++k) {
      const auto apart = hn::Sub(hn::LoadU(Wide(), windows.taps[k] + o), mean);
      sum = hn::MulAdd(apart, apart, sum);
    }
    return sum;
  }

  // Of windows that see padding.
  static HWY_INLINE WideVec SquaresInside(const RowOfWindows& windows, Index o, WideVec mean) {
    const Wide d;
    auto sum = hn::Zero(d);
    const double* const* tap = windows.taps.data();
    for (size_t row = 0; row < windows.rows(); ++row)
      for (const double* inside : windows.inside) {
        const auto apart = hn::Mul(hn::Sub(hn::LoadU(d, *tap++ + o), mean), hn::LoadU(d, inside + o));
        sum = hn::MulAdd(apart, apart, sum);
      }
    return sum;
  }
};

std::unique_ptr<Kernel> PrepareStdPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const Attributes& a = c.attributes;
  const PoolGeometry geometry(a.integer("mb") * a.integer("c"), window_of(a));
  const Deviation deviation{a.flag("unbiased") ? 1.0 : 0.0};
  if (pass.is_forward()) return std::make_unique<StatisticForward<Deviation>>(deviation, geometry, options.threads);
  return std::make_unique<StatisticGradient<Deviation>>(deviation, geometry, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareStdPool);

namespace {

// Rounded once. Where elements lie within a factor of 4, their sum is exact in double and their mean off by 2^-53 of
// itself; unless equal, the elements are 2^-24 of themselves apart or more, so that differences from the mean are off
// by 2^-29 of the largest, 2^-5 u. (Where they do not, that is 2^-50 for each tap.) The mean difference, which the mass
// holds, is a 1/taps of the largest at least. The deviation itself does not mind: its squares are off by the square of
// that.
double std_pool_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  if (pass.is_forward()) return 1 + kSumDepth;
  return 1 + kSumDepth + static_cast<double>(window_of(c.attributes).taps()) / 16;
}

}  // namespace

std::vector<Implementation> std_pool_simd_implementations() {
  return simd_implementations({.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareStdPool)(plan...); },
                               .depth = std_pool_simd_depth});
}

}  // namespace gradproof
#endif
