// The transposed stencil: sums[h][w] = sum over rows q and columns i of a[q][i] * b[q + h][i + w].
//
// Eight running sums whatever the vector length, so that every instruction set adds in the same order.

#if defined(GRADPROOF_STENCIL_DOTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_STENCIL_DOTS_INL_H
#undef GRADPROOF_STENCIL_DOTS_INL_H
#else
#define GRADPROOF_STENCIL_DOTS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "ops/simd/dot_block.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `rows` rows of a, at least kHeight - 1, of `columns` elements, at least kBlockLanes; and those of b that they meet.
struct StencilDotRows {
  const float* a;
  Index a_pitch;
  const float* b;
  Index b_pitch;
  Index rows, columns;
  float* sums;  // [kHeight][kWidth][kBlockLanes], added to: their lanes are to be summed
  // What is needed next: as much as a holds, fetched meanwhile, in the order of its lines.
  const float* next_a;
  const float* next_b;
};

// A strip of columns, one vector wide, from its first row to its last. A vector of b is loaded once for all rows of a
// that meet it, which stay in registers; each sum is one chain of fused multiply-adds down the strip.
template <int kHeight, int kWidth>
class StencilStrip {
 public:
  using Lanes = hn::CappedTag<float, kBlockLanes>;
  using V = hn::Vec<Lanes>;

  HWY_INLINE void Descend(const StencilDotRows& rows, Index column) {
    a_at_ = rows.a + column;
    b_at_ = rows.b + column;
    a_pitch_ = rows.a_pitch;
    b_pitch_ = rows.b_pitch;
    const float* next_a = rows.next_a + column * rows.rows;
    const float* next_b = rows.next_b + column * rows.rows;
    Enter<1>();
    for (Index q = kHeight - 1; q < rows.rows; ++q) {
      hwy::Prefetch(next_a);
      hwy::Prefetch(next_b);
      next_a += kBlockLanes;
      next_b += kBlockLanes;
      Advance();
      a_[0] = NextRow();
      AddRow<0, kHeight>();
    }
    Leave<1>();
  }

  // Adds the sums of the lanes in `owned`.
  HWY_INLINE void AddTo(float* sums, hn::Mask<Lanes> owned) const {
    const Lanes d;
    for (int tap = 0; tap < kHeight * kWidth; ++tap, sums += kBlockLanes)
      hn::StoreU(hn::Add(hn::LoadU(d, sums), hn::IfThenElseZero(owned, sum_[tap])), d, sums);
  }

  HWY_INLINE StencilStrip() {
#pragma GCC unroll 32
    for (V& sum : sum_) sum = hn::Zero(Lanes());
  }

 private:
  HWY_INLINE V NextRow() {
    const V row = hn::LoadU(Lanes(), a_at_);
    a_at_ += a_pitch_;
    return row;
  }

  // a_[h] meets row h of the taps.
  HWY_INLINE void Advance() {
#pragma GCC unroll 8
    for (int h = kHeight - 1; h > 0; --h) a_[h] = a_[h - 1];
  }

  template <int kFirst, int kEnd>
  HWY_INLINE void AddRow() {
#pragma GCC unroll 8
    for (int w = 0; w < kWidth; ++w) {
      const V b = hn::LoadU(Lanes(), b_at_ + w);
#pragma GCC unroll 8
      for (int h = kFirst; h < kEnd; ++h) sum_[h * kWidth + w] = hn::MulAdd(a_[h], b, sum_[h * kWidth + w]);
    }
    b_at_ += b_pitch_;
  }

  // The first rows of b meet kMet rows of a.
  template <int kMet>
  HWY_INLINE void Enter() {
    if constexpr (kMet < kHeight) {
      Advance();
      a_[0] = NextRow();
      AddRow<0, kMet>();
      Enter<kMet + 1>();
    }
  }

  // The last rows of b come after kPassed rows of a.
  template <int kPassed>
  HWY_INLINE void Leave() {
    if constexpr (kPassed < kHeight) {
      Advance();
      AddRow<kPassed, kHeight>();
      Leave<kPassed + 1>();
    }
  }

  V a_[kHeight];
  V sum_[kHeight * kWidth];
  const float* a_at_;
  const float* b_at_;
  Index a_pitch_, b_pitch_;
};

// Strip by strip; the last one ends with the rows, and lanes that its neighbour has summed are left out.
template <int kHeight, int kWidth>
HWY_NOINLINE void StencilDots(const StencilDotRows& rows) {
  using Strip = StencilStrip<kHeight, kWidth>;
  const typename Strip::Lanes d;
  constexpr Index kLanes = hn::MaxLanes(d);
  for (Index column = 0; column < rows.columns; column += kBlockLanes) {
    const Index at = std::min(column, rows.columns - kBlockLanes);
    for (Index lane = 0; lane < kBlockLanes; lane += kLanes) {
      Strip strip;
      strip.Descend(rows, at + lane);
      const auto columns = hn::Iota(d, static_cast<float>(lane));
      strip.AddTo(rows.sums + lane, hn::Ge(columns, hn::Set(d, static_cast<float>(column - at))));
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_STENCIL_DOTS_INL_H
