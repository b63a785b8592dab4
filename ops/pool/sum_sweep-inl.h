// Sums over square windows of 2 or 3 neighbours, and the way back, in one sweep from the source to the target.

#if defined(GRADPROOF_SUM_SWEEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_SUM_SWEEP_INL_H
#undef GRADPROOF_SUM_SWEEP_INL_H
#else
#define GRADPROOF_SUM_SWEEP_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/window_sums-inl.h"
#include "ops/simd/every_second-inl.h"
#include "ops/simd/shifted_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The rows of a slice, between rows of padding.
struct SweptRows {
  const float* data;
  Index pitch, width, count;
  const float* zeros;  // a row

  HWY_INLINE const float* At(Index row) const { return row >= 0 && row < count ? data + row * pitch : zeros; }
};

// Where a sweep writes: `rows` rows of `width`, one behind the other, the first of them row `first` of its slice.
struct SweptTargets {
  Index first, rows, width;
};

template <class Finish>
using SumSweepFunction = void (*)(SweptRows source, Index pad, SweptTargets targets, const Finish& finish, Ahead ahead,
                                  float* to);

// Whether windows are squares of 2 or 3 neighbours, 1 or 2 apart, in one slice. A lane alone has no neighbours.
inline bool AreSmallSquares(const PoolGeometry& g) {
  return HWY_TARGET != HWY_SCALAR && g.d.kernel == 1 && (g.has_neighbours(1) || g.has_neighbours(2));
}

// How the taps of a window meet the columns of the source. Per step a sweep reads kColumns vectors of them and writes
// kTargets vectors; column kColumns * i + Column(tap) + kColumns * Shift(tap) goes to target kTargets * i +
// Target(tap). kRows rows of the source go to a row of targets, the one of tap 0 is Row(0).

// To windows, from inputs.
template <Index kStride, Index kTaps, Index kPad>
struct TapsOfWindows {
  static constexpr Index kCount = kTaps;
  static constexpr Index kColumns = kStride, kTargets = 1, kRows = kTaps;
  static constexpr Index Column(Index tap) { return (tap + kPad) % kStride; }
  static constexpr Index Shift(Index tap) { return (tap - kPad - Column(tap)) / kStride; }
  static constexpr Index Target(Index) { return 0; }
  static constexpr Index kNewest = kRows - 1;  // of those rows, the one that no row of targets above has met
  static HWY_INLINE Index Row(Index target, Index pad, Index k) { return target * kStride - pad + k; }
};

// To inputs, from the windows over them.
template <Index kStride, Index kTaps, Index kPad>
struct TapsOfInputs {
  static constexpr Index kCount = kTaps;
  static constexpr Index kColumns = 1, kTargets = kStride, kRows = (kTaps + kStride - 1) / kStride;
  static constexpr Index kNewest = 0;
  static constexpr Index Column(Index) { return 0; }
  static constexpr Index Target(Index tap) { return (tap + kPad) % kStride; }
  static constexpr Index Shift(Index tap) { return (Target(tap) + kPad - tap) / kStride; }
  // Of the taps that reach the target, tap k: -1 where it is none.
  static HWY_INLINE Index Row(Index target, Index pad, Index k) {
    const Index tap = (target + pad) % kStride + k * kStride;
    return tap < kTaps ? (target + pad - tap) / kStride : -1;
  }
};

#if HWY_TARGET != HWY_SCALAR

// Sums of kTaps x kTaps neighbours: first down columns, which are read once, in whole vectors from column 0 on, and
// then along the row, where a tap that reaches into the vector before or behind takes it from there. Taps are added in
// their order.
template <class Taps>
class SumSweep {
 public:
  // to[row][i] = finish.OfRow(row)(sum, i). What comes next is prefetched: hardware does not follow several rows.
  // Streamed rows must be whole cache lines.
  template <Stores kStores, class Finish>
  static HWY_NOINLINE void Run(const SweptRows source, Index pad, const SweptTargets targets, const Finish& finish,
                               Ahead ahead, float* HWY_RESTRICT to) {
    if constexpr (kStores == Stores::kCached && Taps::kColumns == 1 && Taps::kTargets == 1)
      if (std::max(source.width, targets.width) <= Lanes()) return RunNarrow(source, pad, targets, finish, ahead, to);
    const V zero = hn::Zero(D());
    const Index fresh = Taps::kColumns * Taps::kColumns * std::min(Lanes(), targets.width);
    for (Index row = 0; row < targets.rows; ++row, to += targets.width) {
      const SumSweep sweep(source, targets.first + row, pad);
      const auto of_row = finish.OfRow(row);
      const Index left = (targets.rows - row) * targets.width;
      Found before{zero, zero, zero};
      Found here = kLooksAhead ? sweep.Find(0) : before;
      for (Index at = 0; at < targets.width; at += kStep) {
        ahead.Pace(fresh / Taps::kTargets);
        const Index group = at / Taps::kTargets;
        const Found behind = sweep.Find(kLooksAhead ? group + Lanes() : group);
        if (!kLooksAhead) here = behind;
        const V sum = AddTaps<0>(before, here, behind);
        if constexpr (Taps::kTargets == 1) {
          Put<kStores>(of_row(sum, at), {targets.width - at, left - at}, to + at);
        } else {
          const V odd = AddTaps<1>(before, here, behind);
          const Interleaved<V> both(sum, odd);
          const Index next = at + Lanes();
          Put<kStores>(of_row(both.first, at), {targets.width - at, left - at}, to + at);
          Put<kStores>(of_row(both.second, next), {targets.width - next, left - next}, to + next);
        }
        before = here;
        here = behind;
      }
    }
  }

 private:
  using V = hn::Vec<D>;

  static constexpr bool kLooksAhead = Taps::Shift(0) > 0 || Taps::Shift(Taps::kCount - 1) > 0;
  static constexpr Index kStep = Taps::kTargets * static_cast<Index>(hn::MaxLanes(D()));

  // What each tap finds in a vector of columns, Rotated. Members, since arrays would not stay in registers.
  struct Found {
    V first, second, third;

    template <Index kTap>
    HWY_INLINE V Tap() const {
      return kTap == 0 ? first : kTap == 1 ? second : third;
    }
  };

  HWY_INLINE SumSweep(const SweptRows& source, Index target, Index pad) : width_(source.width) {
    for (Index k = 0; k < Taps::kRows; ++k) rows_[k] = source.At(Taps::Row(target, pad, k));
  }

  // Rows of one vector, 1 apart: each is loaded once, for all rows of targets that it goes to (Zen 4, 14 x 14: 0.64 of
  // the time).
  template <class Finish>
  static HWY_INLINE void RunNarrow(const SweptRows source, Index pad, const SweptTargets targets, const Finish& finish,
                                   Ahead ahead, float* HWY_RESTRICT to) {
    const V zero = hn::Zero(D());
    const Found none{zero, zero, zero};
    const LoadSome load = Part(source.width);
    constexpr Index kOldest = Taps::kRows - 1 - Taps::kNewest, kOlder = kOldest == 0 ? 1 : -1;
    V rows[Taps::kRows];
    for (Index k = 0; k < Taps::kRows; ++k) rows[k] = load(source.At(Taps::Row(targets.first - 1, pad, k)));
    for (Index row = 0; row < targets.rows; ++row, to += targets.width) {
      ahead.Pace(targets.width);
      for (Index k = kOldest; k != Taps::kNewest; k += kOlder) rows[k] = rows[k + kOlder];
      rows[Taps::kNewest] = load(source.At(Taps::Row(targets.first + row, pad, Taps::kNewest)));
      V sum = zero;
      for (Index k = 0; k < Taps::kRows; ++k) sum = hn::Add(sum, rows[k]);
      const Found here{RotatedFor<0>(sum), RotatedFor<1>(sum), RotatedFor<2>(sum)};
      const V total = AddTaps<0>(none, here, none);
      Put<Stores::kCached>(finish.OfRow(row)(total, 0), {targets.width, (targets.rows - row) * targets.width}, to);
    }
  }

  static HWY_INLINE V Plus(V first) { return first; }
  static HWY_INLINE V Plus(V sum, V next) { return hn::Add(sum, next); }

  // The taps of target kTarget, from kTap on, after `sum`, if they are not the first.
  template <Index kTarget, Index kTap = 0, class... Sum>
  static HWY_INLINE V AddTaps(const Found& before, const Found& here, const Found& behind, Sum... sum) {
    if constexpr (kTap == Taps::kCount) {
      return Plus(sum...);
    } else if constexpr (Taps::Target(kTap) != kTarget) {
      return AddTaps<kTarget, kTap + 1>(before, here, behind, sum...);
    } else {
      const ShiftedLanes<D, Taps::Shift(kTap)> shifted;
      const V tap = shifted.Joined(before.template Tap<kTap>(), here.template Tap<kTap>(), behind.template Tap<kTap>());
      return AddTaps<kTarget, kTap + 1>(before, here, behind, Plus(sum..., tap));
    }
  }

  // In group `group` of columns and those behind it.
  HWY_INLINE Found Find(Index group) const {
    const Index column = group * Taps::kColumns;
    const Index rest = width_ - column;
    if constexpr (Taps::kColumns == 1) {
      const V sum = HWY_LIKELY(rest >= Lanes()) ? Down(column, LoadEvery<1>()) : Down(column, Part(rest));
      return {RotatedFor<0>(sum), RotatedFor<1>(sum), RotatedFor<2>(sum)};
    } else {
      V low, high;
      if (HWY_LIKELY(rest >= 2 * Lanes())) {
        low = Down(column, LoadEvery<1>());
        high = Down(column + Lanes(), LoadEvery<1>());
      } else {
        low = Down(column, Part(rest));
        high = Down(column + Lanes(), Part(rest - Lanes()));
      }
      const V even = hn::ConcatEven(D(), high, low), odd = hn::ConcatOdd(D(), high, low);
      return {RotatedFor<0>(Taps::Column(0) == 0 ? even : odd), RotatedFor<1>(Taps::Column(1) == 0 ? even : odd),
              RotatedFor<2>(Taps::Column(2) == 0 ? even : odd)};
    }
  }

  static HWY_INLINE LoadSome Part(Index rest) { return {At(std::clamp<Index>(rest, 0, Lanes()))}; }

  template <Index kTap>
  static HWY_INLINE V RotatedFor(V v) {
    if constexpr (kTap >= Taps::kCount) return v;
    return ShiftedLanes<D, Taps::Shift(kTap)>().Rotated(v);
  }

  // From 0 on: as in the formula, terms -0 give 0.
  template <class Load>
  HWY_INLINE V Down(Index column, const Load& load) const {
    V sum = hn::Zero(D());
    for (Index k = 0; k < Taps::kRows; ++k) sum = hn::Add(sum, load(rows_[k] + column));
    return sum;
  }

  // What is left to write: of the row, and of all rows. A row may overrun the next, which is written after it.
  struct Room {
    Index row, rows;
  };

  template <Stores kStores>
  static HWY_INLINE void Put(V v, Room room, float* to) {
    if constexpr (kStores == Stores::kStreaming) {
      TranslateAhead(to);
      if (room.row > 0) hn::Stream(v, D(), to);
    } else if (HWY_LIKELY(room.rows >= Lanes())) {
      hn::StoreU(v, D(), to);
    } else if (room.row > 0) {
      StoreFirst(v, D(), to, At(std::min(room.row, Lanes())));
    }
  }

  const float* rows_[Taps::kRows];
  const Index width_;
};

// For small squares behind `pad` columns of padding.
template <template <Index, Index, Index> class Taps, Stores kStores, class Finish>
SumSweepFunction<Finish> ChooseSumSweep(const PoolAxis& w) {
  const auto choose = [&]<Index kStride, Index kTaps>() {
    return w.pad == 0 ? SumSweep<Taps<kStride, kTaps, 0>>::template Run<kStores, Finish>
                      : SumSweep<Taps<kStride, kTaps, 1>>::template Run<kStores, Finish>;
  };
  if (w.stride == 1) return w.kernel == 2 ? choose.template operator()<1, 2>() : choose.template operator()<1, 3>();
  return w.kernel == 2 ? choose.template operator()<2, 2>() : choose.template operator()<2, 3>();
}

// The sweeps that poolings share are compiled once: linear_pool_simd.cc leaves out what the others say, `extern`.
#define GRADPROOF_SUM_SWEEP(KIND, FINISH, TAPS, STORES) \
  KIND template SumSweepFunction<FINISH> ChooseSumSweep<TAPS, STORES, FINISH>(const PoolAxis&);
#undef GRADPROOF_SUM_SWEEPS
#define GRADPROOF_SUM_SWEEPS(KIND)                                       \
  GRADPROOF_SUM_SWEEP(KIND, Whole, TapsOfWindows, Stores::kCached)       \
  GRADPROOF_SUM_SWEEP(KIND, Whole, TapsOfWindows, Stores::kStreaming)    \
  GRADPROOF_SUM_SWEEP(KIND, Quotient, TapsOfWindows, Stores::kCached)    \
  GRADPROOF_SUM_SWEEP(KIND, Quotient, TapsOfWindows, Stores::kStreaming) \
  GRADPROOF_SUM_SWEEP(KIND, Whole, TapsOfInputs, Stores::kCached)        \
  GRADPROOF_SUM_SWEEP(KIND, Whole, TapsOfInputs, Stores::kStreaming)
GRADPROOF_SUM_SWEEPS(extern)

#else

template <template <Index, Index, Index> class Taps, Stores kStores, class Finish>
SumSweepFunction<Finish> ChooseSumSweep(const PoolAxis&) {
  return nullptr;
}

#undef GRADPROOF_SUM_SWEEPS
#define GRADPROOF_SUM_SWEEPS(KIND)

#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_SUM_SWEEP_INL_H
