// The outer-product kernel: c[m][p] = sum over k of A[m][k] * B[k][p], for a register block of rows and vectors.
//
// Both operands are reached through offset tables, so that no operand has to be repacked: A[m][k] = a[a_rows[m] +
// a_offsets[k]] is broadcast, B[k][p] = b[b_offsets[k] + p] is a contiguous load at any alignment. Every element of c
// is one chain of fused multiply-adds over k in blocks of about kDepthBlock, blocks added in order: its bits do not
// depend on the register block, on the thread count, or on the instruction set as long as that has a fused
// multiply-add.
//
// Its register blocks are compiled once a target, in outer_kernel_simd.cc: four kernels share them.

#if defined(GRADPROOF_OUTER_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_OUTER_KERNEL_INL_H
#undef GRADPROOF_OUTER_KERNEL_INL_H
#else
#define GRADPROOF_OUTER_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <array>

#include "ops/simd/lanes-inl.h"
#include "ops/simd/outer_problem.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Register block. 8 x 3 accumulators, 3 vectors of B and a broadcast fill 28 of 32 registers; per step of k they need
// 11 loads for 24 multiply-adds, so two load ports keep two FMA ports busy even if every load of B crosses a cache
// line. With 16 registers 4 x 3 is the same shape. Fewer vectors leave registers for more rows, which share the loads
// of B and are the independent chains that FMA latency asks for (Zen 3, AVX2: 6 x 2 is as fast a product as 4 x 3,
// 4 x 2 takes 1.15 of its time).
#if HWY_TARGET == HWY_AVX3
inline constexpr std::array<Index, 3> kRowBlocks = {12, 12, 8};
#else
inline constexpr std::array<Index, 3> kRowBlocks = {8, 6, 4};
#endif
inline constexpr Index kVectorBlock = kRowBlocks.size();
// Rows of the block for a full tile, and of the block for that many vectors.
inline constexpr Index kRowBlock = kRowBlocks[kVectorBlock - 1];
constexpr Index RowBlock(Index vectors) { return kRowBlocks[static_cast<size_t>(vectors - 1)]; }

// Whether the first rows of a pointwise tile copy its columns for the others. Pieces of rows that are no whole cache
// lines take up to half as many more, and more room in the L1 cache than they need (AVX2 on Zen 4, 64 to 256 channels,
// 56x56, one image: 0.92 of the time; AVX-512, whose tiles are whole lines: 1.0).
inline constexpr bool kCopiesColumns = HWY_TARGET != HWY_SCALAR && hn::MaxLanes(hn::ScalableTag<float>()) < kLineFloats;

inline Index TileWidth() { return kVectorBlock * LaneCount(); }

// A problem of one block, at most kMostDepth products, for all its rows and a tile of up to TileWidth() columns, added
// to `sums` (null: nothing before). Whole vectors are read from b and written to `out`: ceil(width / LaneCount()) of
// them a row. `accumulate` is not looked at.
void OuterRows(const OuterProblem& problem, Index width, const float* sums, Index sums_stride, float* out,
               Index out_stride);

// All blocks of a problem, with c for the sums in between. Writes whole vectors, so c and b must be that long.
void OuterTile(const OuterProblem& problem, Index width, float* c, Index c_stride);

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_OUTER_KERNEL_INL_H
