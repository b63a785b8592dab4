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

#include "ops/core/shape.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// A larger value is taken, and the first NaN: the first of equals and of NaNs stays.
HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
  return hn::AndNot(hn::Le(next, best), hn::Eq(best, best));
}

HWY_INLINE void StoreTaps(hn::Vec<DI> taps, std::int32_t* to) { hn::StoreU(taps, DI(), to); }
HWY_INLINE void StoreTaps(hn::Vec<DI> taps, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, DI> d;
  hn::StoreU(hn::DemoteTo(d, taps), d, to);
}

// Calls f with `count` as a constant where it is 1 to 4, so that its loops unroll, otherwise with 0.
template <class F>
void WithConstant(Index count, const F& f) {
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

// Maxima along rows of cells: best[i] = max over k of cells[offsets[k] + i], taps[i] = the k.
template <Index kTaps>
HWY_NOINLINE void RowMaxima(const float* HWY_RESTRICT cells, const std::vector<Index>& offsets, Index count,
                            float* HWY_RESTRICT best, std::int32_t* HWY_RESTRICT taps) {
  const D d;
  const DI di;
  const auto n = kTaps > 0 ? kTaps : static_cast<Index>(offsets.size());
  Index local[kTaps > 0 ? kTaps : 1];  // in registers
  std::copy_n(offsets.data(), kTaps, local);
  const Index* offset = kTaps > 0 ? local : offsets.data();
  for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
    Best running{hn::LoadU(d, cells + offset[0] + i), hn::Zero(di)};
    for (Index k = 1; k < n; ++k)
      running.Meet(hn::LoadU(d, cells + offset[k] + i), hn::Set(di, static_cast<std::int32_t>(k)));
    hn::Store(running.value, d, best + i);
    hn::Store(running.tap, di, taps + i);
  }
}

// A row of taps within a window: where its row maxima are, and the number of its first tap.
struct TapRow {
  Index offset;
  std::int32_t first;
};

// The maximum over rows of taps, in their order. Returns whether some maximum is -inf.
template <Index kRows, typename T>
HWY_NOINLINE bool ColumnMaxima(const float* HWY_RESTRICT best, const std::int32_t* HWY_RESTRICT taps,
                               const TapRow* rows, Index row_count, Index count, float* HWY_RESTRICT out,
                               T* HWY_RESTRICT argmax) {
  const D d;
  const DI di;
  const Index n = kRows > 0 ? kRows : row_count;
  TapRow local[kRows > 0 ? kRows : 1];  // in registers
  std::copy_n(rows, kRows, local);
  if (kRows > 0) rows = local;
  auto lowest = hn::FirstN(d, 0);
  for (Index i = 0; i < count; i += static_cast<Index>(hn::Lanes(d))) {
    const auto tap_of = [&](const TapRow& row)
                            HWY_ATTR { return hn::Add(hn::LoadU(di, taps + row.offset + i), hn::Set(di, row.first)); };
    Best running{hn::LoadU(d, best + rows[0].offset + i), tap_of(rows[0])};
    for (Index k = 1; k < n; ++k) running.Meet(hn::LoadU(d, best + rows[k].offset + i), tap_of(rows[k]));
    lowest = hn::Or(lowest, hn::Eq(running.value, hn::Set(d, kLowest)));
    hn::StoreU(running.value, d, out + i);
    StoreTaps(running.tap, argmax + i);
  }
  return !hn::AllFalse(d, lowest);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_MAXIMA_INL_H
