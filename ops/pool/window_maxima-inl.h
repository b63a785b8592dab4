// The largest or smallest over the taps of windows, and where they were: first along rows, then of those along columns.

#if defined(GRADPROOF_WINDOW_MAXIMA_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_MAXIMA_INL_H
#undef GRADPROOF_WINDOW_MAXIMA_INL_H
#else
#define GRADPROOF_WINDOW_MAXIMA_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/tap_numbers-inl.h"
#include "ops/simd/every_second-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What windows look for. A better value is taken, and the first NaN: the first of equals and of NaNs stays.
struct Largest {
  static constexpr float kWorst = -std::numeric_limits<float>::infinity();
  static HWY_INLINE hn::Mask<D> Beats(hn::Vec<D> next, hn::Vec<D> best) { return hn::Gt(next, best); }
  static HWY_INLINE hn::Vec<D> Better(hn::Vec<D> next, hn::Vec<D> best) { return hn::Max(next, best); }
  static HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
    return hn::AndNot(hn::Le(next, best), hn::Eq(best, best));
  }
  static HWY_INLINE hn::Vec<D> Taken(hn::Mask<D> take, hn::Vec<D> next, hn::Vec<D> best) {
    return hn::IfThenElse(take, next, best);
  }
};

struct Smallest {
  static constexpr float kWorst = std::numeric_limits<float>::infinity();
  static HWY_INLINE hn::Mask<D> Beats(hn::Vec<D> next, hn::Vec<D> best) { return hn::Lt(next, best); }
  static HWY_INLINE hn::Vec<D> Better(hn::Vec<D> next, hn::Vec<D> best) { return hn::Min(next, best); }
  static HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
    return hn::AndNot(hn::Ge(next, best), hn::Eq(best, best));
  }
  static HWY_INLINE hn::Vec<D> Taken(hn::Mask<D> take, hn::Vec<D> next, hn::Vec<D> best) {
    return hn::IfThenElse(take, next, best);
  }
};

// The same where there is no NaN: one comparison for two, which bound the rate (Zen 5, along rows of 3 x 3 windows: 98
// and 60 GB/s).
template <class Order>
struct AmongNumbers {
  static constexpr float kWorst = Order::kWorst;
  static HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) { return Order::Beats(next, best); }
  // Of equal zeros MAXPS and MINPS give the second, and do not wait for the comparison.
  static HWY_INLINE hn::Vec<D> Taken([[maybe_unused]] hn::Mask<D> take, hn::Vec<D> next, hn::Vec<D> best) {
    return HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR ? Order::Better(next, best) : hn::IfThenElse(take, next, best);
  }
};

// The best value so far and the tap that it was found at.
template <class Order, class Taps = WideTaps>
struct Best {
  hn::Vec<D> value;
  hn::Vec<typename Taps::Lanes> tap;

  static HWY_INLINE hn::Vec<typename Taps::Lanes> Tap(Index number) {
    return hn::Set(typename Taps::Lanes(), static_cast<typename Taps::Number>(number));
  }

  HWY_INLINE void Meet(hn::Vec<D> next, hn::Vec<typename Taps::Lanes> next_tap) {
    const auto take = Order::Takes(next, value);
    value = Order::Taken(take, next, value);
    tap = hn::IfThenElse(Taps::OfTaps(take), next_tap, tap);
  }
};

// Where the best of windows along rows go, in the order of the windows, and the numbers of their taps in the row. Never
// copied, nor is any other struct in the way of a row: a copy may load at once what was just stored in pieces, and
// waits until all stores before it have left the core.
template <class Taps = WideTaps>
struct RowBests {
  float* value;
  typename Taps::Number* tap;
  Index pitch;

  template <class Order>
  HWY_INLINE void Put(const Best<Order, Taps>& best, Index at) const {
    hn::Store(best.value, D(), value + at);
    hn::Store(best.tap, typename Taps::Lanes(), tap + at);
  }
};

// The best of each window along `count` rows of the input, from `in` on. Ties in the padding go to first_taps, which
// has an entry for each lane. `spare_row` has room for a padded row.
using RowFunction = void (*)(const PoolAxis& w, const float* HWY_RESTRICT in, Index count,
                             const std::int32_t* HWY_RESTRICT first_taps, const RowBests<>& bests,
                             float* HWY_RESTRICT spare_row);

// from[0], from[kStride], ..., up to kStride - 1 elements beyond the last; kStride 0: from[places].
template <Index kStride>
HWY_INLINE hn::Vec<D> LoadStrided(const float* from, [[maybe_unused]] hn::Vec<DI> places) {
  const D d;
  if constexpr (kStride == 1 || HWY_TARGET == HWY_SCALAR) {
    return hn::LoadU(d, from);
  } else if constexpr (kStride == 2) {
    return EvenOdd<hn::Vec<D>>(hn::LoadU(d, from), hn::LoadU(d, from + Lanes())).even;
  } else {
    return hn::GatherIndex(d, from, places);
  }
}

// Windows of any taps along a row, which is copied between its padding first. kStride 0: any stride.
template <class Order, Index kStride>
HWY_NOINLINE void BestsAlongRows(const PoolAxis& w, const float* HWY_RESTRICT in, Index count,
                                 const std::int32_t* HWY_RESTRICT first_taps, const RowBests<>& bests,
                                 float* HWY_RESTRICT spare_row) {
  for (Index row = 0; row < count; ++row, in += w.in) {
    CopyRow(in, w.in, spare_row + w.pad);
    for (Index o = 0; o < w.out; o += Lanes()) {
      const float* at = spare_row + o * w.stride;
      // Lanes behind the last window repeat it: a stride may be far longer than the row.
      const auto last = hn::Set(DI(), static_cast<std::int32_t>(std::min(Lanes(), w.out - o) - 1));
      const auto places = hn::Mul(hn::Min(hn::Iota(DI(), 0), last), hn::Set(DI(), static_cast<std::int32_t>(w.stride)));
      Best<Order> running{LoadStrided<kStride>(at, places), hn::Load(DI(), first_taps + o)};
      for (Index k = 1; k < w.kernel; ++k)
        running.Meet(LoadStrided<kStride>(at + k * w.dilation, places), Best<Order>::Tap(k));
      bests.Put(running, row * bests.pitch + o);
    }
  }
}

// A row of taps within a window: where its bests are, and the number of its first tap.
struct TapRow {
  Index offset;
  std::int32_t first;
};

template <typename T>
HWY_INLINE void StoreTaps(hn::Vec<DI> taps, T* to, size_t count) {
  const hn::Rebind<T, DI> d;
  const auto narrow = [&]() HWY_ATTR {
    if constexpr (sizeof(T) == 1)
      return TapBytes(taps);
    else
      return taps;
  }();
  count == hn::Lanes(d) ? hn::StoreU(narrow, d, to) : StoreFirst(narrow, d, to, count);
}

// Rows of `out` windows that have the same rows of taps in the input: those of the first are at tap_rows, those of the
// others `pitch` further on each.
struct WindowRows {
  const float* values;
  const std::int32_t* taps;
  const TapRow* tap_rows;
  size_t tap_row_count;
  Index rows, pitch, out;
};

// The best over kRows rows of taps, in their order, for rows of windows; kRows 0: over as many as there are.
template <class Order, size_t kRows, typename T>
HWY_NOINLINE void BestsAlongColumns(const WindowRows& windows, float* HWY_RESTRICT dst, T* HWY_RESTRICT argmax) {
  const D d;
  const DI di;
  const RowVectors vectors(windows.out);
  const size_t valid = At(std::min(windows.out, Lanes()));
  const size_t count = kRows > 0 ? kRows : windows.tap_row_count;
  const float* HWY_RESTRICT values = windows.values;
  const std::int32_t* HWY_RESTRICT taps = windows.taps;
  const TapRow* HWY_RESTRICT tap_rows = windows.tap_rows;
  Index offsets[kRows + 1];  // known to change with no store
  std::int32_t first[kRows + 1];
  for (size_t k = 0; k < kRows; ++k) {
    offsets[k] = tap_rows[k].offset;
    first[k] = tap_rows[k].first;
  }
  for (Index row = 0; row < windows.rows; ++row) {
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Index i = vectors.Position(vector);
      const auto best_of = [&](size_t k) HWY_ATTR {
        const Index at = (kRows > 0 ? offsets[k] : tap_rows[k].offset) + i;
        const std::int32_t tap = kRows > 0 ? first[k] : tap_rows[k].first;
        return Best<Order>{hn::LoadU(d, values + at), hn::Add(hn::LoadU(di, taps + at), hn::Set(di, tap))};
      };
      Best<Order> running = best_of(0);
      for (size_t k = 1; k < count; ++k) {
        const Best<Order> next = best_of(k);
        running.Meet(next.value, next.tap);
      }
      if (HWY_LIKELY(valid == hn::Lanes(d))) {
        hn::StoreU(running.value, d, dst + i);
      } else {
        StoreFirst(running.value, d, dst + i, valid);
      }
      StoreTaps(running.tap, argmax + i, valid);
    }
    values += windows.pitch;
    taps += windows.pitch;
    dst += windows.out;
    argmax += windows.out;
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_MAXIMA_INL_H
