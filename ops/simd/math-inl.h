// exp, log, expm1, log1p and tanh on vectors of float, for all numbers: NaN stays NaN, infinities give limits, results
// may be denormal. The worst errors are stated in ops/simd/math.h and measured by math_test.cc. Coefficients are
// minimax approximations (Remez 1934) of the relative error, rounded to float; errors below are those of the polynomial
// alone.

#if defined(GRADPROOF_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_MATH_INL_H
#undef GRADPROOF_MATH_INL_H
#else
#define GRADPROOF_MATH_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <initializer_list>
#include <limits>

#include "ops/simd/tanh_intervals.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
HWY_INLINE V Constant(float value) {
  return hn::Set(hn::DFromV<V>(), value);
}

// The larger, or smaller, of x and a bound; NaN where x is. x86 returns the second operand where one is NaN, Arm NaN;
// Highway's scalar takes NaN for nothing.
template <class V>
HWY_INLINE V AtLeast(float bound, V x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Lt(x, Constant<V>(bound)), Constant<V>(bound), x);
#else
  return hn::Max(Constant<V>(bound), x);
#endif
}

template <class V>
HWY_INLINE V AtMost(float bound, V x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::IfThenElse(hn::Gt(x, Constant<V>(bound)), Constant<V>(bound), x);
#else
  return hn::Min(Constant<V>(bound), x);
#endif
}

// x, which is not of the other sign, with the sign of `sign`, so that -0 gives -0.
template <class V>
HWY_INLINE V WithSignOf(V sign, V x) {
  return hn::Or(x, hn::And(sign, Constant<V>(-0.0F)));
}

// leading x^n + ... + the last coefficient.
template <class V>
HWY_INLINE V Polynomial(V x, float leading, std::initializer_list<float> others) {
  V sum = Constant<V>(leading);
  for (const float coefficient : others) sum = hn::MulAdd(sum, x, Constant<V>(coefficient));
  return sum;
}

// ln 2 in two parts: multiples up to 2^9 of the first are without error (Cody and Waite 1980).
inline constexpr float kLn2High = 0x1.62e4p-1F, kLn2Low = 0x1.7f7d1cp-20F;
// Numbers below 2^22 that are added to this are rounded to whole ones, which are the last bits of the sum.
inline constexpr float kRounder = 0x1.8p23F;

// x * 2^n, rounded once, for whole n from -250 to 254 and |x| from 2^-20 to 2^20.
template <class V>
HWY_INLINE V TimesPowerOfTwo(V x, V n) {
#if HWY_TARGET == HWY_AVX3
  return V{_mm512_maskz_scalef_ps(0xFFFF, x.raw, n.raw)};  // without a mask GCC 12 warns (PR 105593)
#else
  const hn::RebindToSigned<hn::DFromV<V> > di;
  const auto rounder = Constant<V>(kRounder);
  const auto whole = hn::Sub(hn::BitCast(di, hn::Add(n, rounder)), hn::BitCast(di, rounder));
  const auto half = hn::ShiftRight<1>(whole);
  const auto power = [&](auto exponent) HWY_ATTR {
    return hn::BitCast(hn::DFromV<V>(), hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(di, 127))));
  };
  return hn::Mul(hn::Mul(x, power(half)), power(hn::Sub(whole, half)));
#endif
}

// (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2: 0.24 roundings of exp(r) - 1.
template <class V>
HWY_INLINE V CurveOfExp(V r) {
  return Polynomial(r, 0.00138982257F, {0.00836609863F, 0.0416668542F, 0.16666548F, 0.5F});
}

// exp(r) - 1 for |r| <= ln(2) / 2.
template <class V>
HWY_INLINE V ExpM1OfRest(V r) {
  return hn::MulAdd(hn::Mul(r, r), CurveOfExp(r), r);
}

// exp(r) for |r| <= ln(2) / 2. Adding 1 to exp(r) - 1, itself rounded, would cost a quarter of a unit where r < 0: 1.04
// in all. Where products are fused, 1 + r curve has a smaller error, which r makes smaller still; elsewhere what 1 + r
// loses is added again.
template <class V>
HWY_INLINE V ExpOfRest(V r) {
  const V one = Constant<V>(1), curve = CurveOfExp(r);
#if HWY_NATIVE_FMA
  return hn::MulAdd(r, hn::MulAdd(r, curve, one), one);
#else
  const V sum = hn::Add(one, r);
  return hn::Add(sum, hn::MulAdd(hn::Mul(r, r), curve, hn::Sub(r, hn::Sub(sum, one))));
#endif
}

// x = n ln(2) + rest, |rest| <= ln(2) / 2, for |x| < 256.
template <class V>
struct Reduced {
  explicit HWY_INLINE Reduced(V x)
      : n(hn::Sub(hn::MulAdd(x, Constant<V>(1.44269504F), Constant<V>(kRounder)), Constant<V>(kRounder))),
        rest(hn::NegMulAdd(n, Constant<V>(kLn2Low), hn::NegMulAdd(n, Constant<V>(kLn2High), x))) {}
  V n, rest;
};

template <class V>
HWY_INLINE V ExpWithin(V x) {
  const Reduced<V> reduced(x);
  return TimesPowerOfTwo(ExpOfRest(reduced.rest), reduced.n);
}

// Below -104 it is 0, above 89 infinite.
template <class V>
HWY_INLINE V Exp(V x) {
  return ExpWithin(AtMost(89, AtLeast(-104, x)));
}

// exp(x) for x <= 0.
template <class V>
HWY_INLINE V ExpOfNegative(V x) {
  return ExpWithin(AtLeast(-104, x));
}

// 2^n exp(rest) - 1, by halves: 2^128 is no float. Where n = 0 halves might lose the last bit of a denormal number.
template <class V>
HWY_INLINE V Expm1(V x) {
  const Reduced<V> reduced(AtMost(89, AtLeast(-25, x)));
  const V rest = ExpM1OfRest(reduced.rest);
  const V half = TimesPowerOfTwo(Constant<V>(0.5F), reduced.n);
  const V sum = hn::MulAdd(half, rest, hn::Sub(half, Constant<V>(0.5F)));
  return WithSignOf(x, hn::IfThenElse(hn::Eq(reduced.n, hn::Zero(hn::DFromV<V>())), rest, hn::Add(sum, sum)));
}

// log(2^k (1 + f)) for 1 + f from sqrt(1/2) to sqrt(2): 0.11 roundings.
template <class V>
HWY_INLINE V LogOfParts(V k, V f) {
  const V cubic =
      Polynomial(f, -0.0763464049F,
                 {0.127616361F, -0.131601527F, 0.142017469F, -0.166233599F, 0.200012282F, -0.250008196F, 0.333333313F});
  const V square = hn::Mul(f, f);
  const V low = hn::MulAdd(hn::Mul(square, f), cubic, hn::Mul(k, Constant<V>(kLn2Low)));
  return hn::MulAdd(k, Constant<V>(kLn2High), hn::Add(f, hn::NegMulAdd(square, Constant<V>(0.5F), low)));
}

// -infinity of 0, NaN of negative numbers.
template <class V>
HWY_INLINE V Log(V x) {
  const hn::DFromV<V> d;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto tiny = hn::Lt(x, Constant<V>(0x1p-126F));
  const V scaled = hn::IfThenElse(tiny, hn::Mul(x, Constant<V>(0x1p24F)), x);
  const auto least = hn::Set(di, std::int32_t{0x3F3504F3});  // sqrt(1/2)
  const auto above = hn::Sub(hn::BitCast(di, scaled), least);
  const auto mantissa = hn::Add(hn::And(above, hn::Set(di, std::int32_t{0x7FFFFF})), least);
  const V shift = hn::IfThenElseZero(tiny, Constant<V>(24));
  const V k = hn::Sub(hn::ConvertTo(d, hn::ShiftRight<23>(above)), shift);
  const V logarithm = LogOfParts(k, hn::Sub(hn::BitCast(d, mantissa), Constant<V>(1)));
  const V beyond = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), Constant<V>(-kInfinity),
                                  Constant<V>(std::numeric_limits<float>::quiet_NaN()));
  const V positive = hn::IfThenElse(hn::Lt(x, Constant<V>(kInfinity)), logarithm, x);
  return hn::IfThenElse(hn::Le(x, hn::Zero(d)), beyond, positive);
}

// log(1 + x) for x from 0 to 1, as 1 + x or as twice (1 + x) / 2.
template <class V>
HWY_INLINE V Log1pOfUnit(V x) {
  const auto large = hn::Gt(x, Constant<V>(0.414213538F));
  const V half = Constant<V>(0.5F);
  const V f = hn::IfThenElse(large, hn::MulSub(x, half, half), x);
  return LogOfParts(hn::IfThenElseZero(large, Constant<V>(1)), f);
}

#if HWY_TARGET == HWY_AVX3
// By a polynomial in the distance from the centre of |x|'s interval; 1 from 9.25 on.
template <class V>
HWY_INLINE V Tanh(V x) {
  const hn::DFromV<V> d;
  const hn::RebindToSigned<decltype(d)> di;
  const V a = AtMost(9.25F, hn::Abs(x));
  const auto place = hn::ShiftRight<21>(hn::BitCast(di, AtLeast(TanhTables::kBelowEighth, a)));
  const auto column = [&](size_t j) HWY_ATTR {
    const float* table = kTanhTables.columns[j];
    return V{_mm512_permutex2var_ps(hn::Load(d, table).raw, place.raw, hn::Load(d, table + hn::Lanes(d)).raw)};
  };
  const V t = hn::Sub(a, column(0));
  V sum = column(6);
  for (size_t j = 5; j > 0; --j) sum = hn::MulAdd(sum, t, column(j));
  return WithSignOf(x, sum);
}
#else
// By an odd polynomial up to 0.6 (0.08 roundings), and as 1 - 2 / (exp(2|x|) + 1).
template <class V>
HWY_INLINE V Tanh(V x) {
  const V a = hn::Abs(x), square = hn::Mul(x, x);
  const V cubic = Polynomial(square, -0.00581908366F, {0.0207347516F, -0.0537670441F, 0.133317456F, -0.333332926F});
  const V near = hn::MulAdd(hn::Mul(square, x), cubic, x);
  const V power = ExpWithin(AtMost(40, hn::Add(a, a)));
  const V far = hn::Sub(Constant<V>(1), hn::Div(Constant<V>(2), hn::Add(power, Constant<V>(1))));
  return hn::IfThenElse(hn::Lt(a, Constant<V>(0.6F)), near, WithSignOf(x, far));
}
#endif

// 1 / (1 + exp(-x)), by exp(-|x|), which does not overflow.
template <class V>
HWY_INLINE V Sigmoid(V x) {
  const V power = ExpOfNegative(hn::Neg(hn::Abs(x)));
  const V one = Constant<V>(1);
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(hn::DFromV<V>())), power, one), hn::Add(one, power));
}

// log(1 + exp(x)).
template <class V>
HWY_INLINE V Softplus(V x) {
  return hn::Add(AtLeast(0, x), Log1pOfUnit(ExpOfNegative(hn::Neg(hn::Abs(x)))));
}

// What the normal distribution has beyond |x|: P(X > |x|) = factor * density * 2^n / reach, where density * 2^n =
// exp(-x^2 / 2). The square comes in two parts, since its error is that of the exponent, which is relative in the
// result; beyond 15 all is 0.
template <class V>
struct NormalTail {
  explicit HWY_INLINE NormalTail(V x) : distance(AtMost(15, hn::Abs(x))), reach(hn::Add(distance, Constant<V>(4))) {
    const hn::DFromV<V> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const V high = hn::And(distance, hn::BitCast(d, hn::Set(du, 0xFFFFF000U)));
    const V low = hn::Sub(distance, high);
    const V minus_half = Constant<V>(-0.5F);
    const V square = hn::Mul(hn::Mul(high, high), minus_half);
    const V rest_of_square = hn::Mul(hn::Mul(hn::Add(distance, high), low), minus_half);
    n = Reduced<V>(hn::Add(square, rest_of_square)).n;
    const V rest = hn::NegMulAdd(n, Constant<V>(kLn2Low), hn::NegMulAdd(n, Constant<V>(kLn2High), square));
    density = ExpOfRest(hn::Add(rest, rest_of_square));
  }

  // A polynomial in share - 0.4, share = |x| / reach: 0.5 roundings.
  static HWY_INLINE V Factor(V share) {
    return Polynomial(hn::Sub(share, Constant<V>(0.4F)), -0.0687074065F,
                      {0.106550626F, 0.140250564F, -0.34689185F, -0.067186825F, 1.04651499F, -1.8976835F, 2.05622172F,
                       -1.57423973F, 0.893940926F});
  }

  V distance, reach, n, density;
};

// x P(X < x) = max(x, 0) - |x| P(X > |x|), so that the left tail keeps its digits: 4.28 units at worst of all floats,
// 4.51 without fused operations.
template <class V>
HWY_INLINE V Gelu(V x) {
  using Tail = NormalTail<V>;
  const Tail beyond(x);
  const V share = hn::Div(beyond.distance, beyond.reach);
  const V part = TimesPowerOfTwo(hn::Mul(share, hn::Mul(Tail::Factor(share), beyond.density)), beyond.n);
  return WithSignOf(x, hn::Sub(AtLeast(0, x), part));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MATH_INL_H
