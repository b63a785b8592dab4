// What windows of 2 or 3 neighbours, 2 apart, send to the inputs under them.

#if defined(GRADPROOF_SENT_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_SENT_SUMS_INL_H
#undef GRADPROOF_SENT_SUMS_INL_H
#else
#define GRADPROOF_SENT_SUMS_INL_H
#endif

#include <hwy/highway.h>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/tap_numbers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of inputs come in pairs. Where p is the padding above, pair R is rows 2 * R - p and the next of windows of 2
// taps, which the windows of row R alone read; of 3 taps it is rows 2 * R + 1 - p and the next: tap 1 of row R reads
// the upper one, tap 2 of row R and tap 0 of row R + 1 the lower one. A pair may start above the input, and end below.
struct InputPairs {
  Index offset;        // pair R starts at input 2 * R + offset
  Index first, count;  // those with a row in the input

  explicit InputPairs(const PoolAxis& h)
      : offset(h.kernel - 2 - h.pad), first((2 - offset) / 2 - 1), count((h.in + 1 - offset) / 2 - first) {}
};

// What a vector of windows sends to the pairs of inputs of its columns: columns 2 * i and 2 * i + 1 for window i. With
// a column of padding tap 0 of a window reads the last column of the window before it; without one tap 2 reads the
// first column of the window behind. Those sums wait until that window is met: from right to left, or left to right.
template <Index kTaps, Index kPadW>
struct SentSums {
  static constexpr Index kRows = kTaps - 1;  // of windows over a pair of rows
  static constexpr bool kSendsBeside = kTaps == 3 || kPadW == 1;
  static constexpr Index kBesideColumn = kPadW;
  // Vectors are taken from right to left, unless they send to the one on the right.
  static constexpr bool kFromRight = kPadW == 1 || !kSendsBeside;

  HWY_INLINE SentSums()
      : own{{hn::Zero(D()), hn::Zero(D())}, {hn::Zero(D()), hn::Zero(D())}}, beside{hn::Zero(D()), hn::Zero(D())} {}

  hn::Vec<D> own[2][2];  // [row][column]
  hn::Vec<D> beside[2];

  // What argmax is where a tap was chosen. Made once for many rows, not from constants: those GCC makes anew, in three
  // instructions each, wherever registers are few.
  struct Taps {
    HWY_INLINE explicit Taps(Index first) {
#pragma GCC unroll 16
      for (Index k = 0; k < kTaps * kTaps; ++k)
        v[k] = hn::Set(ByteTaps::Lanes(), static_cast<ByteTaps::Number>(first + k));
    }

    hn::Vec<ByteTaps::Lanes> v[kTaps * kTaps];
  };

  // Row kRow of the windows over the pair; kFirst: nothing was added yet. No two of its taps read the same input.
  template <Index kRow, bool kFirst = false, Index kTap = 0>
  HWY_INLINE void Add(hn::Vec<D> diff, hn::Vec<ByteTaps::Lanes> argmax, const Taps& taps) {
    if constexpr (kTap < kTaps * kTaps) {
      constexpr Index kInputRow = kTap / kTaps + 2 * kRow - (kTaps - 2);
      if constexpr (kInputRow == 0 || kInputRow == 1) {
        constexpr Index kColumn = kTap % kTaps - kPadW;
        auto& sum = kColumn == 0 || kColumn == 1 ? own[kInputRow][kColumn & 1] : beside[kInputRow];
        const auto chosen = ByteTaps::OfValues(hn::Eq(argmax, taps.v[kTap]));
        sum = kFirst ? hn::IfThenElseZero(chosen, diff) : hn::IfThenElse(chosen, hn::Add(sum, diff), sum);
      }
      Add<kRow, kFirst, kTap + 1>(diff, argmax, taps);
    }
  }

  // What the windows beside sent.
  HWY_INLINE void Take(hn::Vec<D> upper, hn::Vec<D> lower) {
    own[0][kBesideColumn] = hn::Add(own[0][kBesideColumn], upper);
    own[1][kBesideColumn] = hn::Add(own[1][kBesideColumn], lower);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_SENT_SUMS_INL_H
