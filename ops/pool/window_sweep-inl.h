// Maxima, or minima, over square windows of 2 or 3 neighbours, and where they were, in one sweep from the input to the
// output.

#if defined(GRADPROOF_WINDOW_SWEEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SWEEP_INL_H
#undef GRADPROOF_WINDOW_SWEEP_INL_H
#else
#define GRADPROOF_WINDOW_SWEEP_INL_H
#endif

#include <hwy/highway.h>

#include "ops/pool/geometry.h"
#include "ops/pool/window_maxima-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <Index kStride, Index kTap, Index kTaps, class Order>
HWY_INLINE void MeetTaps(const float* from, Best<Order>& running) {
  if constexpr (kTap < kTaps) {
    running.Meet(LoadTap<kStride, kTap, kTaps>(D(), from), hn::Set(DI(), static_cast<std::int32_t>(kTap)));
    MeetTaps<kStride, kTap + 1, kTaps>(from, running);
  }
}

// Windows of kTaps x kTaps neighbours, kStride apart: down one vector of a row after another. Maxima along rows that
// the next window shares stay in registers. What is computed next is prefetched in the order of its lines: hardware
// does not follow the columns.
template <class Order, Index kStride, Index kTaps>
class WindowSweep {
 public:
  // `count` rows of windows from the one on whose first taps are in row `row`; that is where `rows` starts, though it
  // may be padding. Ties in the padding go to first_taps.
  template <typename T>
  static HWY_NOINLINE void Run(const PoolGeometry& g, const InputRows& rows, Index row, Index count,
                               const std::int32_t* HWY_RESTRICT first_taps, Ahead ahead, float* HWY_RESTRICT dst,
                               T* HWY_RESTRICT argmax) {
    const RowVectors vectors(g.w.out);
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Rows<const float> from = rows.Of(vector);
      const Index at = vectors.Position(vector);
      const WindowSweep sweep(g, {from.data + at * kStride, from.pitch}, hn::Load(DI(), first_taps + vector * Lanes()));
      sweep.Descend(row, count, ahead, dst + at, argmax + at);
    }
  }

 private:
  static constexpr Index kShared = kTaps > kStride ? kTaps - kStride : 0;
  // Floats that one vector of windows is the first to read.
  static constexpr Index kFresh = kStride * kStride * static_cast<Index>(hn::MaxLanes(D()));

  struct Window {
    Best<Order> rows[kTaps];
  };

  HWY_INLINE WindowSweep(const PoolGeometry& g, Rows<const float> from, hn::Vec<DI> first_taps)
      : height_(g.h.in), width_(g.w.out), from_(from), first_taps_(first_taps) {}

  template <Index kFirst, Index kEnd>
  HWY_INLINE void FindRows(const float* from, Index ih, Window& window) const {
    if constexpr (kFirst < kEnd) {
      window.rows[kFirst] = AlongRow(from + kFirst * from_.pitch, ih + kFirst);
      FindRows<kFirst + 1, kEnd>(from, ih, window);
    }
  }

  // A row of padding gives the worst value, and of the window that starts in it the first tap in the input.
  HWY_INLINE Best<Order> AlongRow(const float* from, Index ih) const {
    if (HWY_UNLIKELY(ih < 0 || ih >= height_)) {
      const auto above = static_cast<std::int32_t>(std::max<Index>(-ih, 0) * kTaps);
      return {hn::Set(D(), Order::kWorst), hn::Add(first_taps_, hn::Set(DI(), above))};
    }
    Best<Order> running{LoadTap<kStride, 0, kTaps>(D(), from), first_taps_};
    MeetTaps<kStride, 1, kTaps>(from, running);
    return running;
  }

  template <Index kRow>
  static HWY_INLINE void MeetRows(const Window& window, Best<Order>& running) {
    if constexpr (kRow < kTaps) {
      const Best<Order>& row = window.rows[kRow];
      running.Meet(row.value, hn::Add(row.tap, hn::Set(DI(), static_cast<std::int32_t>(kRow * kTaps))));
      MeetRows<kRow + 1>(window, running);
    }
  }

  template <Index kRow>
  static HWY_INLINE void Advance(Window& window) {
    if constexpr (kRow < kShared) {
      window.rows[kRow] = window.rows[kRow + kStride];
      Advance<kRow + 1>(window);
    }
  }

  template <typename T>
  HWY_INLINE void Descend(Index ih, Index count, Ahead& from_ahead, float* HWY_RESTRICT dst,
                          T* HWY_RESTRICT argmax) const {
    const InOrder<kStride> in_order;
    const float* from = from_.data;
    Ahead ahead = from_ahead;
    Window window;
    FindRows<0, kShared>(from, ih, window);
    for (; count > 0; --count, ih += kStride, from += kStride * from_.pitch, dst += width_, argmax += width_) {
      ahead.Fetch(kFresh);
      FindRows<kShared, kTaps>(from, ih, window);
      Best<Order> running = window.rows[0];
      MeetRows<1>(window, running);
      in_order.Store(running, dst, argmax);
      Advance<0>(window);
    }
    from_ahead = ahead;
  }

  const Index height_, width_;  // of the input, of the output
  const Rows<const float> from_;
  const hn::Vec<DI> first_taps_;
};

template <typename T>
using SweepFunction = decltype(&WindowSweep<Largest, 1, 2>::Run<T>);

// Nothing where windows are not square or not of 2 or 3 neighbours.
template <class Order, typename T>
SweepFunction<T> ChooseSweep(const PoolGeometry& g) {
  const Index taps = g.w.kernel;
  const Index stride = g.w.stride;
  const bool flat = g.d.kernel == 1 && g.h.dilation == 1 && g.w.dilation == 1;
  if (!flat || g.h.kernel != taps || g.h.stride != stride) return nullptr;
  if (stride == 1 && taps == 2) return WindowSweep<Order, 1, 2>::template Run<T>;
  if (stride == 1 && taps == 3) return WindowSweep<Order, 1, 3>::template Run<T>;
  if (stride == 2 && taps == 2) return WindowSweep<Order, 2, 2>::template Run<T>;
  if (stride == 2 && taps == 3) return WindowSweep<Order, 2, 3>::template Run<T>;
  return nullptr;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SWEEP_INL_H
