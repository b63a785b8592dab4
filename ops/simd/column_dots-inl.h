// A single column of an outer product, summed along its terms: where a vector of columns would hold few of them, and
// the terms of a row of A are neighbours in memory.

#if defined(GRADPROOF_COLUMN_DOTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_COLUMN_DOTS_INL_H
#undef GRADPROOF_COLUMN_DOTS_INL_H
#else
#define GRADPROOF_COLUMN_DOTS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/simd/column_dots.h"
#include "ops/simd/dot_block-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The running sums of one block, for kRows rows.
template <Index kRows>
HWY_INLINE void ColumnBlock(const ColumnProblem& problem, Index row) {
  const hn::CappedTag<float, kColumnLanes> d;
  using V = hn::Vec<decltype(d)>;
  constexpr Index kLanes = hn::MaxLanes(d);
  constexpr Index kParts = kColumnLanes / kLanes;
  const float* a[kRows];
  V sum[kRows][kParts];
#pragma GCC unroll 4
  for (Index r = 0; r < kRows; ++r) {
    a[r] = problem.a + problem.a_rows[row + r];
#pragma GCC unroll kUnrolledParts
    for (Index part = 0; part < kParts; ++part) sum[r][part] = hn::Zero(d);
  }
  const auto step = [&](Index at, Index part, const auto& load) HWY_ATTR {
    const V right = load(problem.column + at);
#pragma GCC unroll 4
    for (Index r = 0; r < kRows; ++r) sum[r][part] = hn::MulAdd(load(a[r] + at), right, sum[r][part]);
  };
  const Index whole = problem.depth / kColumnLanes * kColumnLanes;
  for (Index k = 0; k < whole; k += kColumnLanes)
#pragma GCC unroll kUnrolledParts
    for (Index part = 0; part < kParts; ++part)
      step(k + part * kLanes, part, [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); });
#pragma GCC unroll kUnrolledParts
  for (Index part = 0; part < kParts; ++part) {
    const Index at = whole + part * kLanes;
    if (at >= problem.depth) break;
    const auto rest = static_cast<size_t>(std::min(kLanes, problem.depth - at));
    step(at, part, [&](const float* from) HWY_ATTR { return LoadFirst(d, from, rest); });
  }
  float* HWY_RESTRICT sums = problem.sums + row * kColumnLanes;
#pragma GCC unroll 4
  for (Index r = 0; r < kRows; ++r)
#pragma GCC unroll kUnrolledParts
    for (Index part = 0; part < kParts; ++part) {
      float* to = sums + r * kColumnLanes + part * kLanes;
      hn::StoreU(problem.accumulate ? hn::Add(hn::LoadU(d, to), sum[r][part]) : sum[r][part], d, to);
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
  const hn::CappedTag<float, kColumnLanes> d;
  constexpr Index kLanes = hn::MaxLanes(d);
  hn::Vec<decltype(d)> parts[kColumnLanes / kLanes];
#pragma GCC unroll kUnrolledParts
  for (Index part = 0; part < kColumnLanes / kLanes; ++part) parts[part] = hn::LoadU(d, sums + part * kLanes);
  return TreeSum(d, parts);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_COLUMN_DOTS_INL_H
