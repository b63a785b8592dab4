// The largest or smallest of 2 or 3 neighbours along rows, each element of which is loaded once.

#if defined(GRADPROOF_NEIGHBOUR_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_NEIGHBOUR_ROWS_INL_H
#undef GRADPROOF_NEIGHBOUR_ROWS_INL_H
#else
#define GRADPROOF_NEIGHBOUR_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/geometry.h"
#include "ops/pool/window_maxima-inl.h"
#include "ops/simd/every_second-inl.h"
#include "ops/simd/shifted_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The first `count` elements of a vector, perhaps none, and padding.
HWY_INLINE hn::Vec<D> LoadPadded(const float* from, Index count, float padding) {
  const size_t inside = At(std::clamp<Index>(count, 0, Lanes()));
  const hn::Vec<D> outside = hn::Set(D(), padding);
  if (inside == 0) return outside;
  return hn::IfThenElse(hn::FirstN(D(), inside), LoadFirst(D(), from, inside), outside);
}

// Windows of kTaps neighbours, kStride 1 or 2 apart, a vector at a time: that of lane i starts kStart elements from the
// (kStride * i)th that is read with it. What lies before those comes from the vector on the left, what lies behind from
// the one on the right. No line of the row is touched twice: loads at the taps' own distances cross lines, and rows
// beyond the caches came at half the rate that way (Zen 5, 25.7 MB of 112 x 112, 3 x 3 windows 2 apart: 25 GB/s, and 33
// so).
template <class Order, Index kStride, Index kTaps, Index kStart, class Taps>
class NeighboursAlongRow {
 public:
  using Found = Best<Order, Taps>;
  using TapNumbers = hn::Vec<typename Taps::Lanes>;
  static_assert(kStride == 2 ? kStart == 0 || kStart == -1 : kStart == 1 - kTaps);
  // Vectors are taken from right to left.
  static constexpr bool kFromRight = kStart + kTaps > kStride;

  HWY_INLINE NeighboursAlongRow() : beside_(Order::kWorst), beyond_(Order::kWorst) {}

  // Before the first vector of a row. What is read is added to `sum`, here and below: it is NaN then where one of the
  // elements is, and where infinities cancelled.
  HWY_INLINE void Begin(const PoolAxis& w, const float* row, hn::Vec<D>& sum) {
    const Index behind = kStride * Vectors(w) * Lanes();
    if (!kFromRight || behind >= w.in) return;
    beside_.Begin(row[behind]);
    sum = hn::Add(sum, hn::Set(D(), row[behind]));
  }

  // Window o is lane o + FirstLane() of all vectors.
  static HWY_INLINE Index FirstLane(const PoolAxis& w) { return kStride == 2 ? 0 : -kStart - w.pad; }
  static Index Vectors(const PoolAxis& w) { return (FirstLane(w) + w.out - 1) / Lanes() + 1; }
  // The first lane of the vector to take as number i.
  static HWY_INLINE Index Place(Index i, Index vectors) { return (kFromRight ? vectors - 1 - i : i) * Lanes(); }

  // A vector of windows: the next kStride * Lanes() elements of the row are read.
  HWY_INLINE Found Next(const float* from, TapNumbers first_taps, hn::Vec<D>& sum) {
    auto first = hn::LoadU(D(), from), second = hn::LoadU(D(), from + (kStride - 1) * Lanes());
    KeepLoaded(first);
    KeepLoaded(second);
    return Next(first, second, first_taps, sum);
  }
  // The same near the end of the row: `rest` elements of it, and padding.
  HWY_INLINE Found NextPadded(const float* from, Index rest, TapNumbers first_taps, hn::Vec<D>& sum) {
    return Next(LoadPadded(from, rest, Order::kWorst), LoadPadded(from + Lanes(), rest - Lanes(), Order::kWorst),
                first_taps, sum);
  }

 private:
  using Beside = OneBeside<D, kFromRight ? 1 : -1>;

  HWY_INLINE Found Next(hn::Vec<D> first, hn::Vec<D> second, TapNumbers first_taps, hn::Vec<D>& sum) {
    sum = hn::Add(sum, kStride == 2 ? hn::Add(first, second) : first);
    hn::Vec<D> taps[3];
    if constexpr (kStride == 2) {
      const EvenOdd<hn::Vec<D>> pairs(first, second);
      const hn::Vec<D> beside = beside_(kFromRight ? pairs.even : pairs.odd);
      taps[0] = kStart == 0 ? pairs.even : beside;
      taps[1] = kStart == 0 ? pairs.odd : pairs.even;
      taps[2] = kStart == 0 ? beside : pairs.odd;
    } else {
      taps[kTaps - 1] = first;
      taps[kTaps - 2] = beside_(first);
      if constexpr (kTaps == 3) taps[0] = beyond_(taps[1]);
    }
    Found running{taps[0], first_taps};
    for (Index k = 1; k < kTaps; ++k) running.Meet(taps[k], Found::Tap(k));
    return running;
  }

  Beside beside_, beyond_;
};

// A RowFunction, with WideTaps.
template <class Order, Index kStride, Index kTaps, Index kStart, class Taps>
HWY_NOINLINE void BestsOfNeighbours(const PoolAxis& w, const float* HWY_RESTRICT in, Index count,
                                    const typename Taps::Number* HWY_RESTRICT first_taps, const RowBests<Taps>& bests,
                                    float*) {
  using Along = NeighboursAlongRow<Order, kStride, kTaps, kStart, Taps>;
  const Index width = w.in;
  const Index vectors = Along::Vectors(w);
  for (Index row = 0; row < count; ++row, in += width) {
    hn::Vec<D> sum = hn::Zero(D());
    Along along;
    along.Begin(w, in, sum);
    for (Index vector = 0; vector < vectors; ++vector) {
      const Index at = Along::Place(vector, vectors);
      const Index rest = width - kStride * at;
      const float* from = in + kStride * at;
      const auto first = hn::Load(typename Taps::Lanes(), first_taps + at);
      hwy::Prefetch(from + kPrefetchAhead);
      bests.Put(rest >= kStride * Lanes() ? along.Next(from, first, sum) : along.NextPadded(from, rest, first, sum),
                row * bests.pitch + at);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_NEIGHBOUR_ROWS_INL_H
