// The outer-product kernel: c[m][p] = sum over k of A[m][k] * B[k][p], for a register block of rows and vectors.
//
// Both operands are reached through offset tables, so that no operand has to be repacked: A[m][k] = a[a_rows[m] +
// a_offsets[k]] is broadcast, B[k][p] = b[b_offsets[k] + p] is a contiguous load at any alignment. Every element of c
// is one chain of fused multiply-adds over k in steps of kDepthBlock, blocks added in order: its bits do not depend on
// the register block, on the thread count, or on the instruction set as long as that has a fused multiply-add.

#if defined(GRADPROOF_OUTER_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_OUTER_KERNEL_INL_H
#undef GRADPROOF_OUTER_KERNEL_INL_H
#else
#define GRADPROOF_OUTER_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ops/simd/outer_problem.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Register block. 8 x 3 accumulators, 3 vectors of B and a broadcast fill 28 of 32 registers; per step of k they need
// 11 loads for 24 multiply-adds, so two load ports keep two FMA ports busy even if every load of B crosses a cache
// line. With 16 registers 4 x 3 is the same shape.
#if HWY_TARGET == HWY_AVX3
inline constexpr int kRowBlock = 8;
#else
inline constexpr int kRowBlock = 4;
#endif
inline constexpr int kVectorBlock = 3;

inline Index LaneCount() { return static_cast<Index>(hn::Lanes(hn::ScalableTag<float>())); }
inline Index TileWidth() { return kVectorBlock * LaneCount(); }

// One block of at most kDepthBlock steps, all in registers. With `accumulate`, c holds the sum of the blocks before.
// `bias`, where given, has one value a row and is added last.
template <int kRows, int kVectors>
HWY_NOINLINE void OuterBlock(Index depth, const float* const* a, const std::int32_t* a_offsets, const float* b,
                             const std::int32_t* b_offsets, float* c, Index c_stride, bool accumulate,
                             const float* bias) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const Index lanes = LaneCount();
  const float* rows[kRows];
  V sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    rows[m] = a[m];
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::Zero(d);
  }
  for (Index k = 0; k < depth; ++k) {
    const float* b_row = b + b_offsets[k];
    const Index a_offset = a_offsets[k];
    V column[kVectors];
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) column[v] = hn::LoadU(d, b_row + v * lanes);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const V scale = hn::Set(d, rows[m][a_offset]);
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) sum[m][v] = hn::MulAdd(scale, column[v], sum[m][v]);
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) {
      float* out = c + m * c_stride + v * lanes;
      V value = sum[m][v];
      if (accumulate) value = hn::Add(hn::LoadU(d, out), value);
      if (bias != nullptr) value = hn::Add(value, hn::Set(d, bias[m]));
      hn::StoreU(value, d, out);
    }
  }
}

using OuterFunction = void (*)(Index, const float* const*, const std::int32_t*, const float*, const std::int32_t*,
                               float*, Index, bool, const float*);

// OuterBlock<rows, vectors> for 1 <= rows <= kRowBlock and 1 <= vectors <= kVectorBlock.
inline OuterFunction SelectOuterBlock(Index rows, Index vectors) {
  constexpr auto kTable = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<OuterFunction, sizeof...(kIndex)>{
        &OuterBlock<kIndex / kVectorBlock + 1, kIndex % kVectorBlock + 1>...};
  }
  (std::make_index_sequence<kRowBlock * kVectorBlock>());
  return kTable[static_cast<size_t>((rows - 1) * kVectorBlock + vectors - 1)];
}

// A tile of up to TileWidth() columns and any number of rows. Writes whole vectors: ceil(width / LaneCount()) of them a
// row, so c and b must be that long.
inline void OuterTile(const OuterProblem& problem, Index width, float* c, Index c_stride) {
  const Index vectors = (width + LaneCount() - 1) / LaneCount();
  Index k = 0;
  do {  // once even for an empty sum, which is zero
    const Index depth = std::min(kDepthBlock, problem.depth - k);
    const bool is_last = k + depth == problem.depth;
    for (Index m = 0; m < problem.rows; m += kRowBlock) {
      const Index rows = std::min<Index>(kRowBlock, problem.rows - m);
      const float* a[kRowBlock];
      for (Index row = 0; row < rows; ++row) a[row] = problem.a + problem.a_rows[m + row];
      const float* bias = is_last && problem.bias != nullptr ? problem.bias + m : nullptr;
      SelectOuterBlock(rows, vectors)(depth, a, problem.a_offsets + k, problem.b, problem.b_offsets + k,
                                      c + m * c_stride, c_stride, problem.accumulate || k > 0, bias);
    }
    k += kDepthBlock;
  } while (k < problem.depth);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_OUTER_KERNEL_INL_H
