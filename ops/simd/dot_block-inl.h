// The dot kernel: sums[r][t] = sum over i of a[r][i] * b[t][i], for a block of rows, summed along i in vectors.
//
// Eight running sums whatever the vector length, so that every instruction set adds in the same order.

#if defined(GRADPROOF_DOT_BLOCK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DOT_BLOCK_INL_H
#undef GRADPROOF_DOT_BLOCK_INL_H
#else
#define GRADPROOF_DOT_BLOCK_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "ops/simd/dot_block.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// How often the loop over parts of a block is unrolled: to registers where they are few. Eight of one lane stay a loop,
// which compiles in a tenth of the time.
constexpr Index kUnrolledParts = HWY_TARGET == HWY_SCALAR ? 1 : 4;

// The sum of eight lanes as a tree of halves.
#if HWY_TARGET == HWY_SCALAR  // has no halves
template <class D>
float SumOfHalves(D /*d*/, hn::Vec<D> v) {
  return hn::GetLane(v);
}
#else
template <class D>
float SumOfHalves([[maybe_unused]] D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::GetLane(v);
  } else {
    const hn::Half<D> half;
    return SumOfHalves(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}
#endif

template <class D, Index kParts>
float TreeSum(D d, hn::Vec<D> (&parts)[kParts]) {
  for (Index half = kParts / 2; half > 0; half /= 2)
    for (Index part = 0; part < half; ++part) parts[part] = hn::Add(parts[part], parts[part + half]);
  return SumOfHalves(d, parts[0]);
}

// Adds the sums over `length` elements, a multiple of kBlockLanes, to those there are: one addition a call.
template <int kRows, int kTaps>
HWY_NOINLINE void DotTile(const DotProblem& problem) {
  const hn::CappedTag<float, kBlockLanes> d;
  using V = hn::Vec<decltype(d)>;
  constexpr Index kLanes = hn::MaxLanes(d);
  constexpr Index kParts = kBlockLanes / kLanes;
  const float* a[kRows];
  const float* b[kTaps];
  V sum[kRows][kTaps][kParts];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) a[r] = problem.a + r * problem.a_stride;
#pragma GCC unroll 16
  for (int t = 0; t < kTaps; ++t) b[t] = problem.b + problem.b_offsets[t];
#pragma GCC unroll 128
  for (int i = 0; i < kRows * kTaps * kParts; ++i)
    sum[i / (kTaps * kParts)][i / kParts % kTaps][i % kParts] = hn::Zero(d);
  const Index length = problem.length;
  for (Index i = 0; i < length; i += kBlockLanes) {
#pragma GCC unroll kUnrolledParts
    for (Index part = 0; part < kParts; ++part) {
      const Index at = i + part * kLanes;
      V left[kRows];
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) left[r] = hn::LoadU(d, a[r] + at);
#pragma GCC unroll 16
      for (int t = 0; t < kTaps; ++t) {
        const V right = hn::LoadU(d, b[t] + at);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; ++r) sum[r][t][part] = hn::MulAdd(left[r], right, sum[r][t][part]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int t = 0; t < kTaps; ++t) problem.sums[r * problem.sums_stride + t] += TreeSum(d, sum[r][t]);
}

// Blocks of rows and taps by the number of sums that the registers hold: 4 x 3 or 1 x 9.
inline void DotTiles(DotProblem problem, Index rows, Index taps) {
  using Function = void (*)(const DotProblem&);
  constexpr Index kMostRows = 4, kMostTaps = 9;
  static constexpr auto kTable = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<Function, sizeof...(kIndex)>{&DotTile<kIndex / 3 + 1, kIndex % 3 + 1>...};
  }
  (std::make_index_sequence<kMostRows * 3>());
  static constexpr auto kRow = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<Function, sizeof...(kIndex)>{&DotTile<1, kIndex + 1>...};
  }
  (std::make_index_sequence<kMostTaps>());
  const DotProblem whole = problem;
  for (Index r = 0; r < rows; r += kMostRows) {
    const Index height = std::min(kMostRows, rows - r);
    const Index most = height == 1 ? kMostTaps : 3;
    problem.a = whole.a + r * whole.a_stride;
    for (Index t = 0; t < taps; t += most) {
      const Index width = std::min(most, taps - t);
      problem.b_offsets = whole.b_offsets + t;
      problem.sums = whole.sums + r * whole.sums_stride + t;
      (height == 1 ? kRow[static_cast<size_t>(width - 1)]
                   : kTable[static_cast<size_t>((height - 1) * 3 + width - 1)])(problem);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DOT_BLOCK_INL_H
