// The transposed stencil: sums[h][w] = sum over rows q and columns i of a[q][i] * b[stride * q + h][stride * i + w].
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
#include "ops/simd/every_second-inl.h"
#include "ops/simd/stores.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `rows` rows of a, at least (kHeight - 1) / kStride, of `columns` elements; and those of b that they meet. A strip
// wider than the rows reads kBlockLanes elements of each row of a, and kStride times as many of b, none of which
// counts.
struct StencilDotRows {
  const float* a;
  Index a_pitch;
  const float* first_b;  // the first row of b, the others but the last, and the last one
  const float* b;
  const float* last_b;
  Index b_pitch;
  Index rows, columns;
  float* sums;  // [kHeight][kWidth][kBlockLanes], added to: their lanes are to be summed
  // What is needed next: as much as a holds, and kStride^2 times as much for b, fetched meanwhile in the order of
  // lines.
  const float* next_a;
  const float* next_b;
};

// How rows of b lie: between their padding, or without it where windows leave rows their size, so that b[q][i] is
// element i - 1 of a row, and zero before it and behind it.
enum class StencilInput { kPadded, kInPlace };

// A strip of columns, one vector wide, from its first row to its last. A vector of b is loaded once for all rows of a
// that meet it, which stay in registers; each sum is one chain of fused multiply-adds down the strip.
template <int kStride, int kHeight, int kWidth, StencilInput kInput>
class StencilStrip {
  static_assert(kInput == StencilInput::kPadded || (kStride == 1 && kWidth == 3));

 public:
  using Lanes = hn::CappedTag<float, kBlockLanes>;
  using V = hn::Vec<Lanes>;

  HWY_INLINE StencilStrip() : order_(hn::IndicesFromVec(Lanes(), ElementsOfLanes(Lanes()))) {
#pragma GCC unroll 32
    for (V& sum : sum_) sum = hn::Zero(Lanes());
  }

  HWY_INLINE void Descend(const StencilDotRows& rows, Index column) {
    constexpr Index kFetched = kStride * kStride * kBlockLanes;
    a_at_ = rows.a + column;
    first_b_ = rows.first_b + kStride * column;
    b_at_ = rows.b + kStride * column;
    last_b_ = rows.last_b + kStride * column;
    a_pitch_ = rows.a_pitch;
    if constexpr (kInput == StencilInput::kInPlace) {
      not_before_ = hn::Not(hn::FirstN(Lanes(), column == 0 ? 1 : 0));
      not_behind_ = hn::FirstN(Lanes(), static_cast<size_t>(rows.columns - 1 - column));
    }
    b_pitch_ = rows.b_pitch;
    const float* next_a = rows.next_a + column * rows.rows;
    const float* next_b = rows.next_b + kStride * kStride * column * rows.rows;
    Enter<1>();
    for (Index q = kMet - 1; q < rows.rows; ++q, next_a += kBlockLanes, next_b += kFetched) {
      hwy::Prefetch(next_a);
      for (Index i = 0; i < kFetched; i += kLineFloats) hwy::Prefetch(next_b + i);
      Advance();
      a_[0] = NextRow();
      AddRows<0, kMet>(NextRowOfB());
    }
    Leave<1>();
  }

  // Adds the sums of elements [first, end) of the strip.
  HWY_INLINE void AddTo(float* sums, Index first, Index end) const {
    const Lanes d;
    const hn::RebindToSigned<Lanes> di;
    const auto elements = kStride == 2 ? hn::BitCast(di, ElementsOfLanes(d)) : hn::Iota(di, 0);
    const auto from = hn::Gt(elements, hn::Set(di, static_cast<std::int32_t>(first - 1)));
    const auto before = hn::Lt(elements, hn::Set(di, static_cast<std::int32_t>(end)));
    const auto owned = hn::RebindMask(d, hn::And(from, before));
    for (int tap = 0; tap < kHeight * kWidth; ++tap, sums += kBlockLanes)
      hn::StoreU(hn::Add(hn::LoadU(d, sums), hn::IfThenElseZero(owned, sum_[tap])), d, sums);
  }

 private:
  // Rows of a that a row of b meets at most: taps h = phase + kStride * lag meet the row that came `lag` rows ago.
  static constexpr int kMet = (kHeight + kStride - 1) / kStride;

  // At stride 2 in the order in which LoadTap() loads b.
  HWY_INLINE V NextRow() {
    const V row = hn::LoadU(Lanes(), a_at_);
    a_at_ += a_pitch_;
    return kStride == 2 ? hn::TableLookupLanes(row, order_) : row;
  }

  HWY_INLINE void Advance() {
#pragma GCC unroll 8
    for (int lag = kMet - 1; lag > 0; --lag) a_[lag] = a_[lag - 1];
  }

  HWY_INLINE const float* NextRowOfB() {
    const float* row = b_at_;
    b_at_ += b_pitch_;
    return row;
  }

  // The kStride rows of b that start with `row`, number kStride * q, meet rows q - lag of a, kFirst <= lag < kEnd.
  template <int kFirst, int kEnd, int kPhase = 0>
  HWY_INLINE void AddRows(const float* row) {
    AddTaps<kFirst, kEnd, kPhase, 0>(row);
    if constexpr (kPhase + 1 < kStride) AddRows<kFirst, kEnd, kPhase + 1>(NextRowOfB());
  }

  template <int kFirst, int kEnd, int kPhase, int kTap>
  HWY_INLINE void AddTaps(const float* row) {
    if constexpr (kTap < kWidth && kPhase + kStride * kFirst < kHeight) {
      const V b = LoadOfB<kTap>(row);
#pragma GCC unroll 8
      for (int lag = kFirst; lag < kEnd; ++lag) {
        const int h = kPhase + kStride * lag;
        if (h < kHeight) sum_[h * kWidth + kTap] = hn::MulAdd(a_[lag], b, sum_[h * kWidth + kTap]);
      }
      AddTaps<kFirst, kEnd, kPhase, kTap + 1>(row);
    }
  }

  template <int kTap>
  HWY_INLINE V LoadOfB(const float* row) const {
    if constexpr (kInput == StencilInput::kPadded) return LoadTap<kStride, kTap, kWidth>(Lanes(), row);
    if constexpr (kTap == 1) return hn::LoadU(Lanes(), row);
    return hn::MaskedLoad(kTap == 0 ? not_before_ : not_behind_, Lanes(), row + kTap - 1);
  }

  // The first rows of b meet kRows rows of a.
  template <int kRows>
  HWY_INLINE void Enter() {
    if constexpr (kRows < kMet) {
      Advance();
      a_[0] = NextRow();
      AddRows<0, kRows>(kRows == 1 ? first_b_ : NextRowOfB());
      Enter<kRows + 1>();
    }
  }

  // The last rows of b come after kPassed rows of a.
  template <int kPassed>
  HWY_INLINE void Leave() {
    if constexpr (kPassed < kMet) {
      Advance();
      AddRows<kPassed, kMet>(kPassed + 1 == kMet ? last_b_ : NextRowOfB());
      Leave<kPassed + 1>();
    }
  }

  V a_[kMet];
  V sum_[kHeight * kWidth];
  const float* a_at_;
  const float *first_b_, *b_at_, *last_b_;
  Index a_pitch_, b_pitch_;
  hn::Mask<Lanes> not_before_, not_behind_;  // the row, of elements one before and one behind
  decltype(hn::IndicesFromVec(Lanes(), hn::Vec<hn::RebindToUnsigned<Lanes>>())) order_;
};

// Strip by strip; the last one ends with the rows, and elements that its neighbour has summed are left out.
template <int kStride, int kHeight, int kWidth, StencilInput kInput>
HWY_NOINLINE void StencilDots(const StencilDotRows& rows) {
  using Strip = StencilStrip<kStride, kHeight, kWidth, kInput>;
  constexpr Index kLanes = hn::MaxLanes(typename Strip::Lanes());
  for (Index column = 0; column < rows.columns; column += kBlockLanes) {
    const Index at = std::max<Index>(0, std::min(column, rows.columns - kBlockLanes));
    for (Index lane = 0; lane < kBlockLanes; lane += kLanes) {
      Strip strip;
      strip.Descend(rows, at + lane);
      strip.AddTo(rows.sums + lane, column - at - lane, rows.columns - at - lane);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_STENCIL_DOTS_INL_H
