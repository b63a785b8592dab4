// x * s^-beta for a positive normal number s, within 6 roundings of float32, also where s^-beta alone is a denormal
// number; x * 0 where s is infinite, NaN where it is NaN.

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

#include "ops/norm/lrn_pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// beta = 1: one rounding.
struct Reciprocal {
  explicit Reciprocal(double) {}
  template <class P>
  HWY_INLINE P Times(const P& x, const P& s) const {
    return Div(x, s);
  }
};

// beta = 1/2: two roundings.
struct ReciprocalRoot {
  explicit ReciprocalRoot(double) {}
  template <class P>
  HWY_INLINE P Times(const P& x, const P& s) const {
    return Div(x, Each([](auto v) HWY_ATTR { return hn::Sqrt(v); }, s));
  }
};

// beta = 3/4, the power of AlexNet, without roots and divisions: they take 13 cycles a vector on Zen 3, this takes 7,
// and its bits do not depend on a processor's estimates.
//
// Minus a quarter of the exponent and mantissa of s, as a whole number, is close to s^-1/4: with this constant r is
// such that h = 1 - s r^4 lies within 0.1236, and s^-3/4 = r^3 (1 - h)^-3/4, at least 2^-96. The polynomial is that
// factor interpolated at the six Chebyshev nodes of that interval, and at 0: 0.13 roundings. Others: half that of r^2,
// 3/4 of each of the two products in h, one of r^3, one of the power, and 0.1 of each in h * law: 4.5; the largest of
// all is 3.4.
struct ReciprocalThreeQuarters {
  explicit ReciprocalThreeQuarters(double) {}
  template <class P>
  HWY_INLINE P Times(const P& x, const P& s) const {
    const P r = Each(
        [](auto v) HWY_ATTR {
          const hn::DFromV<decltype(v)> d;
          const hn::RebindToSigned<decltype(d)> di;
          const auto quarter = hn::ShiftRight<2>(hn::BitCast(di, v));
          return hn::BitCast(d, hn::Sub(hn::Set(di, std::int32_t{0x4F581800}), quarter));
        },
        s);
    const P r2 = Mul(r, r), r3 = Mul(r2, r);
    const P h = NegMulAdd(Mul(s, r2), r2, P::Set(1));
    P law = P::Set(0.52460659F);
    for (float coefficient : {0.5472891F, 0.56390064F, 0.60149624F, 0.65625F, 0.75F})
      law = MulAdd(law, h, P::Set(coefficient));
    P power = MulAdd(Mul(law, r3), h, r3);
    const auto infinity = hn::Set(hn::ScalableTag<float>(), std::numeric_limits<float>::infinity());
    for (int k = 0; k < P::kVectors; ++k) power.v[k] = hn::IfThenZeroElse(hn::Eq(s.v[k], infinity), power.v[k]);
    return Mul(x, power);
  }
};

// Any beta: x exp(-beta log(s)) in double, rounded once: Highway's functions are within 4 units of 2^-52, which log(s),
// at most 89, and beta magnify to beta * 2^-43 of the result: less than a rounding for beta up to 2^18.
struct ReciprocalPower {
  explicit ReciprocalPower(double b) : beta(b) {}
  template <int kCount>
  HWY_INLINE Pack<kCount> Times(const Pack<kCount>& x, const Pack<kCount>& s) const {
    using D = hn::ScalableTag<float>;
    HWY_ALIGN float bases[kCount * hn::MaxLanes(D())], products[kCount * hn::MaxLanes(D())];
    Whole<kCount>().Store(s, bases);
    Whole<kCount>().Store(x, products);
    Raise(-beta, static_cast<size_t>(kCount) * hn::Lanes(D()), bases, products);
    Pack<kCount> result = Whole<kCount>().Load(products);
    const auto infinity = hn::Set(D(), std::numeric_limits<float>::infinity());
    for (int k = 0; k < kCount; ++k)  // 1 / s is 0 of an infinity, and NaN of NaN
      result.v[k] =
          hn::IfThenElse(hn::Lt(s.v[k], infinity), result.v[k], hn::Mul(x.v[k], hn::Div(hn::Set(D(), 1.0F), s.v[k])));
    return result;
  }

  // products[i] *= bases[i]^exponent. Vectors of doubles one after the other, which do not wait for each other: a
  // quarter less time than in calls.
  static HWY_NOINLINE void Raise(double exponent, size_t count, const float* HWY_RESTRICT bases,
                                 float* HWY_RESTRICT products) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> df;
    for (size_t i = 0; i < count; i += hn::Lanes(d)) {
      const auto logarithm = hn::Log(d, hn::PromoteTo(d, hn::Load(df, bases + i)));
      const auto power = hn::Exp(d, hn::Mul(hn::Set(d, exponent), logarithm));
      hn::Store(Narrowed(df, hn::Mul(hn::PromoteTo(d, hn::Load(df, products + i)), power)), df, products + i);
    }
  }

  double beta;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_POWERS_INL_H
