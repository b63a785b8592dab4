// scale^-beta. Each power is within 5 roundings of float32 and 0 at infinity; NaN stays NaN.

#if defined(GRADPROOF_LRN_POWERS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LRN_POWERS_INL_H
#undef GRADPROOF_LRN_POWERS_INL_H
#else
#define GRADPROOF_LRN_POWERS_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstdint>
#include <limits>

#include "ops/core/shape.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// x^-1: one rounding.
struct Reciprocal {
  explicit Reciprocal(double) {}
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::Div(hn::Set(hn::DFromV<V>(), 1.0F), x);
  }
};

// x^-1/2: two roundings.
struct ReciprocalRoot {
  explicit ReciprocalRoot(double) {}
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::Div(hn::Set(hn::DFromV<V>(), 1.0F), hn::Sqrt(x));
  }
};

// x^-3/4, the power of AlexNet, without roots and divisions: they would take 13 cycles a vector on Zen 3, this takes 9,
// and its bits do not depend on a processor's estimates.
//
// Minus a quarter of x's exponent and mantissa, as a whole number, is close to x^-1/4: with this constant
// h = 1 - x r^4 lies within 0.1236. Then r * (1 - h)^-1/4 to second order leaves |h| < 0.00096, of which
// r^3 * (1 - h)^-3/4 to second order leaves less than a hundredth of a rounding. Roundings: half that of r^2, 3/4 of
// each of the two products in h, one of r^3 and one of the result: 4.
struct ReciprocalThreeQuarters {
  explicit ReciprocalThreeQuarters(double) {}
  template <class V>
  HWY_ATTR V operator()(V x) const {
    const hn::DFromV<V> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto quarter = hn::ShiftRight<2>(hn::BitCast(di, x));
    V r = hn::BitCast(d, hn::Sub(hn::Set(di, std::int32_t{0x4F581800}), quarter));
    V r2 = hn::Mul(r, r);
    V h = hn::NegMulAdd(hn::Mul(x, r2), r2, hn::Set(d, 1.0F));
    const V quarter_law = hn::MulAdd(hn::Set(d, 5 / 32.0F), h, hn::Set(d, 1 / 4.0F));
    r = hn::MulAdd(hn::Mul(quarter_law, r), h, r);
    r2 = hn::Mul(r, r);
    h = hn::NegMulAdd(hn::Mul(x, r2), r2, hn::Set(d, 1.0F));
    const V r3 = hn::Mul(r2, r);
    const V law = hn::MulAdd(hn::Set(d, 21 / 32.0F), h, hn::Set(d, 3 / 4.0F));
    const V power = hn::MulAdd(hn::Mul(law, r3), h, r3);
    return hn::IfThenZeroElse(hn::Eq(x, hn::Set(d, std::numeric_limits<float>::infinity())), power);
  }
};

// x^-beta = exp(-beta log(x)) in double, rounded once: Highway's functions are within 4 units of 2^-52, which log(x),
// at most 89, and beta magnify to beta * 2^-43 of the result: less than a rounding for beta up to 2^18.
struct ReciprocalPower {
  explicit ReciprocalPower(double beta) : beta_(beta) {}
  template <class V>
  HWY_ATTR V operator()(V x) const {
    const hn::DFromV<V> d;
    const hn::ScalableTag<double> dd;
    const hn::Rebind<float, decltype(dd)> df;
    HWY_ALIGN float lanes[hn::MaxLanes(d)];
    hn::Store(x, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d); i += hn::Lanes(dd)) {
      const auto logarithm = hn::CallLog(dd, hn::PromoteTo(dd, hn::Load(df, lanes + i)));
      const auto power = hn::CallExp(dd, hn::Mul(hn::Set(dd, -beta_), logarithm));
      hn::Store(hn::DemoteTo(df, power), df, lanes + i);
    }
    const auto infinite = hn::Eq(x, hn::Set(d, std::numeric_limits<float>::infinity()));
    return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenZeroElse(infinite, hn::Load(d, lanes)));
  }

 private:
  double beta_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_POWERS_INL_H
