// A single column of an outer product whose rows of A are neighbours in memory: vectors of rows.

#if defined(GRADPROOF_COLUMN_CHAINS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_COLUMN_CHAINS_INL_H
#undef GRADPROOF_COLUMN_CHAINS_INL_H
#else
#define GRADPROOF_COLUMN_CHAINS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// sums[m] = (accumulate ? sums[m] : 0) + sum over k < depth of a[a_offsets[k] + m] * column[k], for m < rows. sums has
// whole vectors; what it holds behind the rows means nothing.
struct ChainProblem {
  Index rows = 0;
  Index depth = 0;
  const float* a = nullptr;
  const std::int32_t* a_offsets = nullptr;
  const float* column = nullptr;
  float* sums = nullptr;
  bool accumulate = false;
};

// kVectors vectors of rows from `row` on, of which the last has `rest` rows. Each sum is one chain over k, as in the
// outer-product kernel, whose bits it has.
template <Index kVectors>
HWY_INLINE void ChainBlock(const ChainProblem& problem, Index row, Index rest) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const bool is_whole = rest == LaneCount();
  const auto load = [&](const float* from, Index v) HWY_ATTR {
    const float* at = from + v * LaneCount();
    return v + 1 < kVectors || is_whole ? hn::LoadU(d, at) : LoadFirst(d, at, static_cast<size_t>(rest));
  };
  V sum[kVectors];
#pragma GCC unroll 8
  for (Index v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
  for (Index k = 0; k < problem.depth; ++k) {
    const float* a = problem.a + problem.a_offsets[k] + row;
    const V right = hn::Set(d, problem.column[k]);
#pragma GCC unroll 8
    for (Index v = 0; v < kVectors; ++v) sum[v] = hn::MulAdd(load(a, v), right, sum[v]);
  }
  float* sums = problem.sums + row;
#pragma GCC unroll 8
  for (Index v = 0; v < kVectors; ++v) {
    float* at = sums + v * LaneCount();
    hn::StoreU(problem.accumulate ? hn::Add(hn::LoadU(d, at), sum[v]) : sum[v], d, at);
  }
}

// All rows. Eight vectors are the independent chains that FMA latency asks for, four cycles and two units.
inline void ColumnChains(const ChainProblem& problem) {
  constexpr Index kVectors = 8;
  Index row = 0;
  for (; row + kVectors * LaneCount() <= problem.rows; row += kVectors * LaneCount())
    ChainBlock<kVectors>(problem, row, LaneCount());
  for (; row < problem.rows; row += LaneCount()) ChainBlock<1>(problem, row, std::min(LaneCount(), problem.rows - row));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_COLUMN_CHAINS_INL_H
