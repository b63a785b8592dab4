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

// Windows of kTaps neighbours, kStride 1 or 2 apart, are met where their last taps are read: those of lane i of a
// vector end at element kStride * i + kPhase of what was read last. No line of the row is touched twice: loads at the
// taps' own distances cross lines, and rows beyond the caches came at half the rate that way (Zen 5, 25.7 MB of 112 x
// 112, 3 x 3 windows 2 apart: 25 GB/s, and 33 so).
template <class Order, Index kStride, Index kTaps, Index kPhase>
class NeighboursAlongRow {
 public:
  HWY_INLINE NeighboursAlongRow() : even_before_(Order::kWorst), odd_before_(Order::kWorst) {}

  // Window o is lane o + FirstLane() of all vectors.
  static Index FirstLane(const PoolAxis& w) { return (kTaps - 1 - w.pad - kPhase) / kStride; }
  static Index Vectors(const PoolAxis& w) { return (FirstLane(w) + w.out - 1) / Lanes() + 1; }

  // A vector of windows: the next kStride * Lanes() elements of the row are read, and added to `sum`, which is NaN then
  // where one of them is, and where infinities cancelled.
  HWY_INLINE Best<Order> Next(const float* from, hn::Vec<DI> first_taps, hn::Vec<D>& sum) {
    return Next(hn::LoadU(D(), from), hn::LoadU(D(), from + (kStride - 1) * Lanes()), first_taps, sum);
  }
  // The same near the end of the row: `rest` elements of it, and padding.
  HWY_INLINE Best<Order> NextPadded(const float* from, Index rest, hn::Vec<DI> first_taps, hn::Vec<D>& sum) {
    return Next(LoadPadded(from, rest, Order::kWorst), LoadPadded(from + Lanes(), rest - Lanes(), Order::kWorst),
                first_taps, sum);
  }

 private:
  HWY_INLINE Best<Order> Next(hn::Vec<D> first, hn::Vec<D> second, hn::Vec<DI> first_taps, hn::Vec<D>& sum) {
    const hn::Vec<D> even = kStride == 2 ? EvenOdd<hn::Vec<D>>(first, second).even : first;
    const hn::Vec<D> odd = kStride == 2 ? EvenOdd<hn::Vec<D>>(first, second).odd : first;
    sum = hn::Add(sum, kStride == 2 ? hn::Add(first, second) : first);
    const hn::Vec<D> even_before = even_before_(even);
    const hn::Vec<D> odd_before = odd_before_(kStride == 2 ? odd : even_before);
    // What lies 0, 1, 2, 3 elements before an odd one at stride 2, an even one being the second; before any at 1.
    const hn::Vec<D> back[] = {odd, kStride == 2 ? even : even_before, odd_before, even_before};
    constexpr Index kLast = kStride == 2 ? 1 - kPhase : 0;
    Best<Order> running{back[kLast + kTaps - 1], first_taps};
    for (Index k = 1; k < kTaps; ++k)
      running.Meet(back[kLast + kTaps - 1 - k], hn::Set(DI(), static_cast<std::int32_t>(k)));
    return running;
  }

  OneBeside<D, -1> even_before_, odd_before_;
};

// A RowFunction.
template <class Order, Index kStride, Index kTaps, Index kPhase>
HWY_NOINLINE void BestsOfNeighbours(const PoolAxis& w, const float* HWY_RESTRICT in, Index count,
                                    const std::int32_t* HWY_RESTRICT first_taps, const RowBests& bests, float*) {
  using Along = NeighboursAlongRow<Order, kStride, kTaps, kPhase>;
  const Index width = w.in;
  const Index vectors = Along::Vectors(w);
  for (Index row = 0; row < count; ++row, in += width) {
    Along along;
    hn::Vec<D> sum = hn::Zero(D());
    for (Index at = 0; at < vectors * Lanes(); at += Lanes()) {
      const Index rest = width - kStride * at;
      const float* from = in + kStride * at;
      const auto first = hn::Load(DI(), first_taps + at);
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
