// Dot products of long rows, in an order that does not depend on the vector length.

#if defined(GRADPROOF_DOT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DOT_INL_H
#undef GRADPROOF_DOT_INL_H
#else
#define GRADPROOF_DOT_INL_H
#endif

#include <hwy/highway.h>

#include "ops/simd/running_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Dot products at a time. Where registers are 32, not eight: rows a multiple of 4 KiB apart, and the other operand,
// meet in one set of an L1 cache of eight ways (Zen 4, 1024 to 1000 features: 1.07 of the time).
inline constexpr Index kDotRows = HWY_TARGET == HWY_AVX3 ? 6 : 4;

// sums[r] = sum over i < length of a[r * stride + i] * b[i], for kRows rows.
template <Index kRows>
void DotBlock(const float* HWY_RESTRICT a, Index stride, const float* HWY_RESTRICT b, Index length,
              float* HWY_RESTRICT sums) {
  const float* rows[kRows];
#pragma GCC unroll 8
  for (Index r = 0; r < kRows; ++r) rows[r] = a + r * stride;
  RunningSums<kRows> running(rows, b, length);
#pragma GCC unroll 8
  for (Index r = 0; r < kRows; ++r) sums[r] = TreeSum(typename RunningSums<kRows>::D(), running.sums[r]);
}

// For 1 <= rows <= kDotRows.
inline void Dots(const float* a, Index stride, Index rows, const float* b, Index length, float* sums) {
  constexpr Index kFew = 4;
  if (rows == kDotRows) return DotBlock<kDotRows>(a, stride, b, length, sums);
  Index r = 0;
  for (; r + kFew <= rows; r += kFew) DotBlock<kFew>(a + r * stride, stride, b, length, sums + r);
  for (; r < rows; ++r) DotBlock<1>(a + r * stride, stride, b, length, sums + r);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DOT_INL_H
