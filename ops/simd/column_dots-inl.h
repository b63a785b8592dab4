// A single column of an outer product, summed along its terms: where a vector of columns would hold few of them, and
// the terms of a row of A are neighbours in memory.

#if defined(GRADPROOF_COLUMN_DOTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_COLUMN_DOTS_INL_H
#undef GRADPROOF_COLUMN_DOTS_INL_H
#else
#define GRADPROOF_COLUMN_DOTS_INL_H
#endif

#include <hwy/highway.h>

#include "ops/simd/column_dots.h"
#include "ops/simd/running_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The running sums of one block, for kRows rows.
template <Index kRows>
HWY_INLINE void ColumnBlock(const ColumnProblem& problem, Index row) {
  using Running = RunningSums<kRows>;
  const typename Running::D d;
  const float* a[kRows];
#pragma GCC unroll 4
  for (Index r = 0; r < kRows; ++r) a[r] = problem.a + problem.a_rows[row + r];
  const Running block(a, problem.column, problem.depth);
  float* HWY_RESTRICT sums = problem.sums + row * kDotLanes;
#pragma GCC unroll 4
  for (Index r = 0; r < kRows; ++r)
#pragma GCC unroll kUnrolledParts
    for (Index part = 0; part < Running::kParts; ++part) {
      float* to = sums + r * kDotLanes + part * Running::kLanes;
      const auto sum = block.sums[r][part];
      hn::StoreU(problem.accumulate ? hn::Add(hn::LoadU(d, to), sum) : sum, d, to);
    }
}

// All rows of a block of terms.
inline void ColumnDots(const ColumnProblem& problem) {
  constexpr Index kRows = 4;
  Index row = 0;
  for (; row + kRows <= problem.rows; row += kRows) ColumnBlock<kRows>(problem, row);
  for (; row < problem.rows; ++row) ColumnBlock<1>(problem, row);
}

// The sum of a row's running sums, as a tree of halves.
inline float ColumnSum(const float* sums) {
  using Running = RunningSums<1>;
  const Running::D d;
  Running::V parts[Running::kParts];
#pragma GCC unroll kUnrolledParts
  for (Index part = 0; part < Running::kParts; ++part) parts[part] = hn::LoadU(d, sums + part * Running::kLanes);
  return TreeSum(d, parts);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_COLUMN_DOTS_INL_H
