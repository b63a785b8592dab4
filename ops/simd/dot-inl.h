// Dot products of long rows, in an order that does not depend on the vector length.

#if defined(GRADPROOF_DOT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DOT_INL_H
#undef GRADPROOF_DOT_INL_H
#else
#define GRADPROOF_DOT_INL_H
#endif

#include <hwy/highway.h>

#include "ops/simd/dot.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// sums[r] = sum over i < length of a[r * stride + i] * b[i], for kRows rows.
template <Index kRows>
void DotBlock(const float* HWY_RESTRICT a, Index stride, const float* HWY_RESTRICT b, Index length,
              float* HWY_RESTRICT sums) {
  const hn::CappedTag<float, kDotLanes> d;
  constexpr Index kLanes = hn::MaxLanes(d);
  constexpr Index kParts = kDotLanes / kLanes;
  hn::Vec<decltype(d)> sum[kRows][kParts];
#pragma GCC unroll 64
  for (Index i = 0; i < kRows * kParts; ++i) sum[i / kParts][i % kParts] = hn::Zero(d);
  Index i = 0;
  for (; i + kDotLanes <= length; i += kDotLanes) {
#pragma GCC unroll 16
    for (Index part = 0; part < kParts; ++part) {
      const auto right = hn::LoadU(d, b + i + part * kLanes);
#pragma GCC unroll 4
      for (Index r = 0; r < kRows; ++r)
        sum[r][part] = hn::MulAdd(hn::LoadU(d, a + r * stride + i + part * kLanes), right, sum[r][part]);
    }
  }
#pragma GCC unroll 4
  for (Index r = 0; r < kRows; ++r) {
    HWY_ALIGN float running[kDotLanes];
#pragma GCC unroll 16
    for (Index part = 0; part < kParts; ++part) hn::Store(sum[r][part], d, running + part * kLanes);
    for (Index lane = 0; i + lane < length; ++lane) running[lane] += a[r * stride + i + lane] * b[i + lane];
    for (Index half = kDotLanes / 2; half > 0; half /= 2)
      for (Index lane = 0; lane < half; ++lane) running[lane] += running[lane + half];
    sums[r] = running[0];
  }
}

// For 1 <= rows <= kDotRows.
inline void Dots(const float* a, Index stride, Index rows, const float* b, Index length, float* sums) {
  switch (rows) {
    case 1:
      return DotBlock<1>(a, stride, b, length, sums);
    case 2:
      return DotBlock<2>(a, stride, b, length, sums);
    case 3:
      return DotBlock<3>(a, stride, b, length, sums);
    default:
      return DotBlock<kDotRows>(a, stride, b, length, sums);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DOT_INL_H
