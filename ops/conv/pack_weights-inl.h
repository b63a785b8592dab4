// Weights of the data gradient in blocks of rows, as the outer kernel reads them.

#if defined(GRADPROOF_PACK_WEIGHTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PACK_WEIGHTS_INL_H
#undef GRADPROOF_PACK_WEIGHTS_INL_H
#else
#define GRADPROOF_PACK_WEIGHTS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/simd/outer_kernel-inl.h"
#include "ops/simd/outer_problem.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Weights of up to `rows` rows and kMostDepth terms as [row / kRowBlock][k][row % kRowBlock]. The rows of a term are
// `taps` apart in memory. Terms are a row of the matrix apart, often a power of two, and would meet in the same cache
// sets; of a cache line of taps a sub-convolution uses few. Pointwise, a cache line holds 16 rows, which are packed
// together.
class WeightPacking {
 public:
  WeightPacking(Index taps, Index rows) : taps_(taps) {
    for (Index k = 0; k < kMostDepth; ++k) offsets_.push_back(static_cast<std::int32_t>(k * kRowBlock));
    for (Index row = 0; row < rows; ++row)
      rows_.push_back(static_cast<std::int32_t>(row / kRowBlock * kRowBlock * kMostDepth + row % kRowBlock));
  }

  // Floats of the copy.
  Index size() const { return static_cast<Index>(rows_.size()) * kMostDepth; }

  // The problem reads its weights from `packed` then.
  void Pack(OuterProblem& problem, float* HWY_RESTRICT packed) const {
    Index row = 0;
    if (taps_ == 1)
      for (; row + kLineRows <= problem.rows; row += kLineRows) PackLine(problem, row, packed);
    for (Index k = 0; k < problem.depth; ++k) PackTerm(problem, row, k, packed);
    problem.a = packed;
    problem.a_rows = rows_.data();
    problem.a_offsets = offsets_.data();
    problem.a_ahead = 0;
  }

 private:
  static constexpr Index kLineRows = 16;

  static void PackLine(const OuterProblem& problem, Index row, float* HWY_RESTRICT packed) {
    const float* HWY_RESTRICT from = problem.a + problem.a_rows[row];
    float* HWY_RESTRICT to = packed + row * kMostDepth;
    for (Index k = 0; k < problem.depth; ++k, to += kRowBlock) {
      const float* HWY_RESTRICT line = from + problem.a_offsets[k];
      hwy::Prefetch(line + kLineRows);  // of the next rows; no hardware follows the stride
      for (Index r = 0; r < kLineRows; r += kRowBlock)
        std::memcpy(to + r * kMostDepth, line + r, kRowBlock * sizeof(float));
    }
  }

  // Rows from `first` on: the rows of a term are neighbours, and the taps of a channel share their cache lines.
  void PackTerm(const OuterProblem& problem, Index first, Index k, float* HWY_RESTRICT packed) const {
    for (Index row = first; row < problem.rows; row += kRowBlock) {
      const float* HWY_RESTRICT from = problem.a + problem.a_rows[row] + problem.a_offsets[k];
      float* HWY_RESTRICT to = packed + row * kMostDepth + k * kRowBlock;
      for (Index r = 0; r < std::min<Index>(kRowBlock, problem.rows - row); ++r) to[r] = from[r * taps_];
    }
  }

  Index taps_;
  std::vector<std::int32_t> rows_, offsets_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PACK_WEIGHTS_INL_H
