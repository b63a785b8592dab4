// Maxima over the taps of windows, and where they were: first along rows, then of those along columns.

#if defined(GRADPROOF_WINDOW_MAXIMA_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_MAXIMA_INL_H
#undef GRADPROOF_WINDOW_MAXIMA_INL_H
#else
#define GRADPROOF_WINDOW_MAXIMA_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// A larger value is taken, and the first NaN: the first of equals and of NaNs stays.
HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
  return hn::AndNot(hn::Le(next, best), hn::Eq(best, best));
}

HWY_INLINE void StoreTaps(hn::Vec<DI> taps, std::int32_t* to) { hn::StoreU(taps, DI(), to); }
HWY_INLINE void StoreTaps(hn::Vec<DI> taps, std::uint8_t* to) {
  hn::StoreU(hn::U8FromU32(hn::BitCast(hn::RebindToUnsigned<D>(), taps)), hn::Rebind<std::uint8_t, DI>(), to);
}

// A running maximum and the tap that it was found at.
struct Best {
  hn::Vec<D> value;
  hn::Vec<DI> tap;

  HWY_INLINE void Meet(hn::Vec<D> next, hn::Vec<DI> next_tap) {
    const auto take = Takes(next, value);
    value = hn::IfThenElse(take, next, value);
    tap = hn::IfThenElse(hn::RebindMask(DI(), take), next_tap, tap);
  }
};

// Elements at stride 2 come in an order that two vectors blend into without crossing 128-bit blocks: lanes 0, 2, ...
// hold the first half of them, lanes 1, 3, ... the second. Maxima do not mind; results are put in order at the end.
HWY_INLINE Index ElementOfLane(Index stride, Index lane) {
  return stride == 2 && Lanes() > 1 ? lane % 2 * (Lanes() / 2) + lane / 2 : lane;
}

// The lanes that elements 0, 1, ... are in at stride 2: 0, 2, ... and then 1, 3, ...
HWY_INLINE auto LanesOfElements() {
  const DI di;
  const auto lanes = static_cast<std::int32_t>(Lanes());
  const auto twice = hn::Iota(di, 0) + hn::Iota(di, 0);
  const auto beyond = hn::Gt(twice, hn::Set(di, lanes - 1));
  return hn::IndicesFromVec(D(), hn::Sub(twice, hn::IfThenElseZero(beyond, hn::Set(di, lanes - 1))));
}

// from[0], from[stride], ... in the order of ElementOfLane; reads no further than the last of them. kStride 0 stands
// for any stride.
template <Index kStride>
HWY_INLINE hn::Vec<D> TakeEvery(const float* from, [[maybe_unused]] Index stride) {
  const D d;
  if constexpr (kStride == 1 || HWY_TARGET == HWY_SCALAR) {
    return hn::LoadU(d, from);
  } else if constexpr (kStride == 2) {
    return hn::OddEven(hn::LoadU(d, from + Lanes() - 1), hn::LoadU(d, from));
  } else {
    const DI di;
    return hn::GatherIndex(d, from, hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(stride))));
  }
}

// Tap kTap of kTaps neighbours. At stride 2 a pair of taps shares its two loads.
template <Index kStride, Index kTap, Index kTaps>
HWY_INLINE hn::Vec<D> TakeTap(const float* from) {
#if HWY_TARGET != HWY_SCALAR
  constexpr bool kPaired = kTap % 2 == 1 || kTap + 1 < kTaps;
  if constexpr (kStride == 2 && kPaired) {
    const auto low = hn::LoadU(D(), from + kTap / 2 * 2);
    const auto high = hn::LoadU(D(), from + kTap / 2 * 2 + Lanes());
    return kTap % 2 == 0 ? hn::OddEven(hn::DupEven(high), low) : hn::OddEven(high, hn::DupOdd(low));
  }
#endif
  return TakeEvery<kStride>(from + kTap, kStride);
}

template <Index kStride, Index kTap, Index kTaps>
HWY_INLINE void MeetTaps(const float* from, Best& running) {
  if constexpr (kTap < kTaps) {
    running.Meet(TakeTap<kStride, kTap, kTaps>(from), hn::Set(DI(), static_cast<std::int32_t>(kTap)));
    MeetTaps<kStride, kTap + 1, kTaps>(from, running);
  }
}

// Rows of cells, and what is found along them: rows of vectors, `pitch` elements apart.
struct MaximaRows {
  float* best;
  std::int32_t* taps;
  Index pitch;
};

// Maxima along `count` rows that start with the first tap of window 0, for vectors first ... end - 1 of the windows.
// Ties in the padding go to first_taps. kTaps neighbours, or with 0 any number at any dilation.
template <Index kStride, Index kTaps>
HWY_NOINLINE void RowMaxima(const PoolAxis& w, Rows<const float> rows, Index count, Index first, Index end,
                            const std::int32_t* HWY_RESTRICT first_taps, MaximaRows to) {
  const D d;
  const DI di;
  const RowVectors vectors(w.out);
  const Index stride = kStride > 0 ? kStride : w.stride;
  for (; count > 0; --count, rows.data += rows.pitch, to.best += to.pitch, to.taps += to.pitch)
    for (Index vector = first; vector < end; ++vector) {
      const float* HWY_RESTRICT from = rows.data + vectors.Position(vector) * stride;
      const Index i = vector * Lanes();
      hwy::Prefetch(from + kPrefetchAhead);
      Best running{kTaps > 0 ? TakeTap<kStride, 0, kTaps>(from) : TakeEvery<kStride>(from, stride),
                   hn::Load(di, first_taps + i)};
      if constexpr (kTaps > 0) {
        MeetTaps<kStride, 1, kTaps>(from, running);
      } else {
        for (Index k = 1; k < w.kernel; ++k)
          running.Meet(TakeEvery<kStride>(from + k * w.dilation, stride), hn::Set(di, static_cast<std::int32_t>(k)));
      }
      hn::Store(running.value, d, to.best + i);
      hn::Store(running.tap, di, to.taps + i);
    }
}

using RowMaximaFunction = decltype(&RowMaxima<0, 0>);

inline RowMaximaFunction ChooseRowMaxima(const PoolAxis& w) {
  const bool neighbours = w.dilation == 1;
  if (w.stride == 1 && neighbours && w.kernel == 2) return RowMaxima<1, 2>;
  if (w.stride == 1 && neighbours && w.kernel == 3) return RowMaxima<1, 3>;
  if (w.stride == 2 && neighbours && w.kernel == 2) return RowMaxima<2, 2>;
  if (w.stride == 2 && neighbours && w.kernel == 3) return RowMaxima<2, 3>;
  if (w.stride == 1) return RowMaxima<1, 0>;
  if (w.stride == 2) return RowMaxima<2, 0>;
  return RowMaxima<0, 0>;
}

// A row of taps within a window: where its row maxima are, and the number of its first tap.
struct TapRow {
  Index offset;
  std::int32_t first;
};

// Calls f with `count` as a constant where it is 1 to 4, so that its loops unroll, otherwise with 0.
template <class F>
HWY_INLINE void WithConstant(size_t count, const F& f) {
  switch (count) {
    case 1:
      return f(std::integral_constant<Index, 1>());
    case 2:
      return f(std::integral_constant<Index, 2>());
    case 3:
      return f(std::integral_constant<Index, 3>());
    case 4:
      return f(std::integral_constant<Index, 4>());
    default:
      return f(std::integral_constant<Index, 0>());
  }
}

// The maximum over rows of taps, in their order, for `count` rows of `out` windows; from one to the next, the rows of
// taps move on by `step`.
template <Index kStride, Index kRows, typename T>
HWY_NOINLINE void ColumnMaxima(const float* HWY_RESTRICT best, const std::int32_t* HWY_RESTRICT taps,
                               const std::vector<TapRow>& rows, Index step, Index count, Index out,
                               float* HWY_RESTRICT dst, T* HWY_RESTRICT argmax) {
  const D d;
  const DI di;
  const size_t n = kRows > 0 ? kRows : rows.size();
  TapRow local[kRows > 0 ? kRows : 1];  // in registers
  std::copy_n(rows.data(), kRows, local);
  const TapRow* row = kRows > 0 ? local : rows.data();
  const auto lane_of = LanesOfElements();
  const RowVectors vectors(out);
  for (; count > 0; --count, best += step, taps += step, dst += out, argmax += out)
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Index i = vector * Lanes();
      const auto value_of = [&](size_t k) HWY_ATTR { return hn::Load(d, best + row[k].offset + i); };
      const auto tap_of = [&](size_t k)
                              HWY_ATTR { return hn::Load(di, taps + row[k].offset + i) + hn::Set(di, row[k].first); };
      Best running{value_of(0), tap_of(0)};
      for (size_t k = 1; k < n; ++k) running.Meet(value_of(k), tap_of(k));
      if constexpr (kStride == 2)
        running = {hn::TableLookupLanes(running.value, lane_of),
                   hn::BitCast(di, hn::TableLookupLanes(hn::BitCast(d, running.tap), lane_of))};
      hn::StoreU(running.value, d, dst + vectors.Position(vector));
      StoreTaps(running.tap, argmax + vectors.Position(vector));
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_MAXIMA_INL_H
