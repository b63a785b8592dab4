#include "ops/simd/outer_problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/simd/outer_kernel_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ops/simd/outer_kernel-inl.h"
#include "ops/simd/stores.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// What a block does besides its sums: nothing, or it prefetches, or copies its columns.
enum class Besides { kNothing, kMovesMemory };

// One block of at most kMostDepth products, all in registers. Unless it moves memory besides, it does not even ask
// whether to (Zen 4, a weight gradient of 32 x 16 channels: 1.03 of the time with two questions a step).
template <Index kRows, Index kVectors, Besides kBesides>
HWY_NOINLINE void OuterBlock(const OuterStep& step) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const Index lanes = LaneCount();
  const float* rows[kRows];
  V sum[kRows][kVectors];
#pragma GCC unroll 16
  for (Index m = 0; m < kRows; ++m) {
    rows[m] = step.a + step.a_rows[m];
#pragma GCC unroll 3
    for (Index v = 0; v < kVectors; ++v) sum[m][v] = hn::Zero(d);
  }
  const float* const b = step.b;
  const std::int32_t* const a_offsets = step.a_offsets;
  const std::int32_t* const b_offsets = step.b_offsets;
  const Index depth = step.depth;
  [[maybe_unused]] const std::int32_t* const a_rows = step.a_rows;
  [[maybe_unused]] const float* const a_ahead = step.a_ahead == 0 ? nullptr : step.a + step.a_ahead;
  [[maybe_unused]] const float* const next_b = step.next_b;
  [[maybe_unused]] const std::int32_t* const next_b_offsets = step.next_b_offsets;
  [[maybe_unused]] float* copy = step.copy;
  for (Index k = 0; k < depth; ++k) {
    const float* b_row = b + b_offsets[k];
    const Index a_offset = a_offsets[k];
    if constexpr (kBesides == Besides::kMovesMemory) {
      // Evenly: a burst of prefetches fills the line buffers that loads need, and what finds them full is dropped (Zen
      // 4: those into the L1 cache unless 16 cycles apart, docs/decisions/0032-a-line-a-step.md).
      if (a_ahead != nullptr) hwy::Prefetch(a_ahead + a_rows[k % kRows] + a_offset);
      if (next_b != nullptr) PrefetchFar(next_b + next_b_offsets[k]);
    }
    V column[kVectors];
#pragma GCC unroll 3
    for (Index v = 0; v < kVectors; ++v) column[v] = hn::LoadU(d, b_row + v * lanes);
    if constexpr (kBesides == Besides::kMovesMemory && kCopiesColumns) {
      if (copy != nullptr) {
#pragma GCC unroll 3
        for (Index v = 0; v < kVectors; ++v) hn::StoreU(column[v], d, copy + v * lanes);
        copy += TileWidth();
      }
    }
#pragma GCC unroll 16
    for (Index m = 0; m < kRows; ++m) {
      const V scale = hn::Set(d, rows[m][a_offset]);
#pragma GCC unroll 3
      for (Index v = 0; v < kVectors; ++v) sum[m][v] = hn::MulAdd(scale, column[v], sum[m][v]);
    }
  }
  if (step.sums != nullptr) {
    const float* const sums = step.sums;
    const Index stride = step.sums_stride;
#pragma GCC unroll 16
    for (Index m = 0; m < kRows; ++m)
#pragma GCC unroll 3
      for (Index v = 0; v < kVectors; ++v) sum[m][v] = hn::Add(hn::LoadU(d, sums + m * stride + v * lanes), sum[m][v]);
  }
  if (step.bias != nullptr) {
    const float* const bias = step.bias;
#pragma GCC unroll 16
    for (Index m = 0; m < kRows; ++m)
#pragma GCC unroll 3
      for (Index v = 0; v < kVectors; ++v) sum[m][v] = hn::Add(sum[m][v], hn::Set(d, bias[m]));
  }
  float* const out = step.out;
  const Index stride = step.out_stride;
  if (step.streams) {
#pragma GCC unroll 16
    for (Index m = 0; m < kRows; ++m)
#pragma GCC unroll 3
      for (Index v = 0; v < kVectors; ++v) hn::Stream(sum[m][v], d, out + m * stride + v * lanes);
    return;
  }
#pragma GCC unroll 16
  for (Index m = 0; m < kRows; ++m)
#pragma GCC unroll 3
    for (Index v = 0; v < kVectors; ++v) hn::StoreU(sum[m][v], d, out + m * stride + v * lanes);
}

using OuterFunction = void (*)(const OuterStep&);

// OuterBlock<rows, vectors> for 1 <= vectors <= kVectorBlock and 1 <= rows <= RowBlock(vectors).
OuterFunction SelectOuterBlock(Index rows, Index vectors) {
  constexpr auto kOf = []<Index kVectors, size_t... kRow>(std::index_sequence<kRow...>) {
    return std::array<OuterFunction, 16>{&OuterBlock<kRow + 1, kVectors, Besides::kNothing>...};
  };
  static constexpr auto kTable = [kOf]<size_t... kVector>(std::index_sequence<kVector...>) {
    return std::array{kOf.template operator()<kVector + 1>(std::make_index_sequence<kRowBlocks[kVector]>())...};
  }
  (std::make_index_sequence<kVectorBlock>());
  return kTable[static_cast<size_t>(vectors - 1)][static_cast<size_t>(rows - 1)];
}

// The same for whole blocks that move memory besides.
OuterFunction SelectMovingBlock(Index vectors) {
  static constexpr auto kTable = []<size_t... kVector>(std::index_sequence<kVector...>) {
    return std::array<OuterFunction, kVectorBlock>{
        &OuterBlock<kRowBlocks[kVector], kVector + 1, Besides::kMovesMemory>...};
  }
  (std::make_index_sequence<kVectorBlock>());
  return kTable[static_cast<size_t>(vectors - 1)];
}

// Output of the register block after the next: otherwise each store waits for its line.
HWY_INLINE void PrefetchOutput(const OuterStep& step, Index rows, Index width) {
  for (Index r = 2 * rows; r < 3 * rows; ++r) {
    hwy::Prefetch(step.out + r * step.out_stride);
    hwy::Prefetch(step.out + r * step.out_stride + width - 1);
  }
}

}  // namespace

void OuterRows(const OuterProblem& problem, Index width, const float* sums, Index sums_stride, float* out,
               Index out_stride) {
  const Index vectors = (width + LaneCount() - 1) / LaneCount();
  const Index rows = RowBlock(vectors);
  const OuterFunction whole = SelectOuterBlock(rows, vectors), moving = SelectMovingBlock(vectors);
  OuterStep step;
  step.depth = problem.depth;
  step.a = problem.a;
  step.a_rows = problem.a_rows;
  step.a_offsets = problem.a_offsets;
  step.a_ahead = problem.a_ahead;
  step.b = problem.b;
  step.b_offsets = problem.b_offsets;
  step.copy = kCopiesColumns ? problem.copy : nullptr;
  step.sums = sums;
  step.sums_stride = sums_stride;
  step.out = out;
  step.out_stride = out_stride;
  step.bias = problem.bias;
  const bool are_lines = LaneCount() == kLineFloats && width % kLineFloats == 0 && AreWholeLines(out, out_stride);
  step.streams = problem.reaches_memory && are_lines;
  step.next_b_offsets = problem.next_b_offsets;
  Index next_lines = problem.next_b == nullptr ? 0 : (width - 1) / kLineFloats + 1;
  Index m = 0;
  for (; m + rows <= problem.rows; m += rows) {
    // Of lines that a row of the next columns takes the first is that which the columns before end in.
    step.next_b = --next_lines >= 0 ? problem.next_b + width - 1 - next_lines * kLineFloats : nullptr;
    if (problem.reaches_memory && !are_lines) PrefetchOutput(step, rows, width);
    (step.next_b != nullptr || step.a_ahead != 0 || step.copy != nullptr ? moving : whole)(step);
    if (step.copy != nullptr) {
      step.b = step.copy;
      step.b_offsets = problem.copy_offsets;
      step.copy = nullptr;
    }
    step.a_rows += rows;
    if (sums != nullptr) step.sums += rows * sums_stride;
    step.out += rows * out_stride;
    if (step.bias != nullptr) step.bias += rows;
  }
  if (m < problem.rows) SelectOuterBlock(problem.rows - m, vectors)(step);
}

void OuterTile(const OuterProblem& problem, Index width, float* c, Index c_stride) {
  const Index block = outer_block_depth(problem.depth);
  OuterProblem part = problem;
  Index k = 0;
  do {  // once even for an empty sum, which is zero
    part.depth = std::min(block, problem.depth - k);
    part.a_offsets = problem.a_offsets + k;
    part.b_offsets = problem.b_offsets + k;
    part.bias = k + part.depth == problem.depth ? problem.bias : nullptr;
    OuterRows(part, width, problem.accumulate || k > 0 ? c : nullptr, c_stride, c, c_stride);
    k += block;
  } while (k < problem.depth);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();
