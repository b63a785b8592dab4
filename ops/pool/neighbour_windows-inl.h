// Rows of square windows of 2 or 3 neighbours: their largest or smallest elements, in one sweep down a plane.

#if defined(GRADPROOF_NEIGHBOUR_WINDOWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_NEIGHBOUR_WINDOWS_INL_H
#undef GRADPROOF_NEIGHBOUR_WINDOWS_INL_H
#else
#define GRADPROOF_NEIGHBOUR_WINDOWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/geometry.h"
#include "ops/pool/neighbour_rows-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Lanes first ... end - 1 of a vector.
template <class D>
HWY_INLINE void StoreBetween(hn::Vec<D> v, D d, hn::TFromD<D>* to, size_t first, size_t end) {
  if constexpr (kMasksMemory<hn::TFromD<D>>) {
    hn::BlendedStore(v, hn::AndNot(hn::FirstN(d, first), hn::FirstN(d, end)), d, to);
  } else {
    HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    std::copy(lanes + first, lanes + end, to + first);
  }
}

// The same for all rows of windows of a band.
struct SweptPlane {
  const float* in;       // a slice of the input
  const float* padding;  // a row of it
  Index unpadded_rows;   // that may be read beyond their end as far as all vectors go
  const ByteTaps::Number* first_taps;
  const RowBests<ByteTaps>* shared;  // the bests along the rows that a row of windows shares with the one below
};

// Where the input comes from: from a cache, or from memory, so that it is fetched ahead. Asked for every vector, as a
// flag, that costs what is in the caches a tenth of the time (Zen 4).
enum class Input { kCached, kFetched };

// Where rows of windows are: with all their taps in the plane, of which whole vectors may be read, or anywhere.
enum class Place { kInside, kAnywhere };

template <class Order, Index kStride, Index kTaps, Index kStart>
class NeighbourSweep {
 public:
  using Along = NeighboursAlongRow<Order, kStride, kTaps, kStart, ByteTaps>;
  using Found = Best<Order, ByteTaps>;

  // The bests along the rows that row oh of windows shares with the one above: before the first one of a band, and
  // again after a NaN. False where they hold one.
  static HWY_NOINLINE bool Prime(const PoolGeometry& g, const SweptPlane& plane, Index oh) {
    const Index ih = g.h.input_of(oh, 0);
    hn::Vec<D> sum = hn::Zero(D());
    for (Index k = 0; k < kShared; ++k) {
      const float* row = g.h.holds(ih + k) ? plane.in + (ih + k) * g.w.in : plane.padding;
      const Index at = k * plane.shared->pitch;
      const RowBests<ByteTaps> bests{plane.shared->value + at, plane.shared->tap + at, plane.shared->pitch};
      BestsOfNeighbours<Order, kStride, kTaps, kStart, ByteTaps>(g.w, row, 1, plane.first_taps, bests, nullptr);
      for (Index i = 0; i < bests.pitch; i += Lanes()) sum = hn::Add(sum, hn::Load(D(), bests.value + i));
    }
    return hn::AllTrue(D(), hn::Eq(sum, sum));
  }

  // Rows of windows from oh on. False where a NaN may have been met. Streamed rows must be whole cache lines, and
  // window 0 in lane 0.
  template <Stores kStores, Input kInput>
  static HWY_NOINLINE bool Run(const PoolGeometry& g, const SweptPlane& plane, Index oh, Index rows,
                               float* HWY_RESTRICT dst, std::uint8_t* HWY_RESTRICT argmax) {
    Index ih = g.h.input_of(oh, 0);
    bool numbers = true;
    while (rows > 0) {
      const Index inside = ih < 0 ? 0 : std::min(rows, (plane.unpadded_rows - ih - kTaps + kStride) / kStride);
      // Behind those inside no others are.
      const Index alike = inside >= kRowsAtATime ? inside : ih < 0 ? std::min(rows, kRowsAtATime) : rows;
      const bool single = alike < kRowsAtATime;
      const Index count = single ? alike : alike / kRowsAtATime * kRowsAtATime;
      const auto run = single                   ? Rows<kStores, kInput, 1, Place::kAnywhere>
                       : inside >= kRowsAtATime ? Rows<kStores, kInput, kRowsAtATime, Place::kInside>
                                                : Rows<kStores, kInput, kRowsAtATime, Place::kAnywhere>;
      numbers = run(g, plane, ih, count, dst, argmax) && numbers;
      rows -= count;
      ih += count * kStride;
      dst += count * g.w.out;
      argmax += count * g.w.out;
    }
    return numbers;
  }

 private:
  static constexpr Index kShared = std::max<Index>(kTaps - kStride, 0);
  // Two rows of windows at a time hand a row on in registers, of which sixteen are too few.
  static constexpr Index kRowsAtATime = HWY_TARGET == HWY_AVX3 ? 2 : 1;

  using Bytes = hn::Rebind<std::uint8_t, DI>;
  // Window 0 is in lane 0, and masks can be kept for the last vector of all rows.
  static constexpr bool kOnlyEndsRagged = kStride == 2 && kMasksMemory<std::uint8_t>;

  // The lanes of a row's last vector.
  struct RowEnd {
    explicit HWY_INLINE RowEnd(Index out)
        : values(hn::FirstN(D(), Count(out))), bytes(hn::FirstN(Bytes(), Count(out))) {}
    static HWY_INLINE size_t Count(Index out) { return At((out - 1) % Lanes() + 1); }

    const hn::Mask<D> values;
    const hn::Mask<Bytes> bytes;
  };

  // The vector of windows o, o + 1, ... of kRows rows, as far as they are in 0 ... out - 1.
  template <Stores kStores, Index kRows>
  static HWY_INLINE void Put(const Found (&best)[kRows], Index o, Index out, const RowEnd& end, float* HWY_RESTRICT dst,
                             std::uint8_t* HWY_RESTRICT argmax) {
    if (HWY_LIKELY(o >= 0 && o + Lanes() <= out)) {
#pragma GCC unroll 8
      for (Index r = 0; r < kRows; ++r) {
        if constexpr (kStores == Stores::kStreaming) {
          hn::Stream(best[r].value, D(), dst + r * out + o);
        } else {
          hn::StoreU(best[r].value, D(), dst + r * out + o);
        }
        hn::StoreU(TapBytes(best[r].tap), Bytes(), argmax + r * out + o);
      }
      return;
    }
    if constexpr (kOnlyEndsRagged) {
#pragma GCC unroll 8
      for (Index r = 0; r < kRows; ++r) {
        hn::BlendedStore(best[r].value, end.values, D(), dst + r * out + o);
        hn::BlendedStore(TapBytes(best[r].tap), end.bytes, Bytes(), argmax + r * out + o);
      }
      return;
    }
    const size_t first = At(std::clamp<Index>(-o, 0, Lanes()));
    const size_t behind = At(std::min(out - o, Lanes()));
#pragma GCC unroll 8
    for (Index r = 0; r < kRows; ++r) {
      StoreBetween(best[r].value, D(), dst + r * out + o, first, behind);
      StoreBetween(TapBytes(best[r].tap), Bytes(), argmax + r * out + o, first, behind);
    }
  }

  // How many rows of taps kRows rows of windows have, and how many of them the rows of windows above have not.
  template <Index kRows>
  static constexpr Index kTapRows = kTaps + (kRows - 1) * kStride;
  template <Index kRows>
  static constexpr Index kFresh = kTapRows<kRows> - kShared;

  // kRows rows of windows, the first taps along h of the first at ih: their fresh rows of taps.
  template <Index kRows, Place kPlace>
  static HWY_INLINE void FindFresh(const PoolGeometry& g, const SweptPlane& plane, Index ih, const float* in,
                                   Index width, const float* (&fresh)[kFresh<kRows>]) {
#pragma GCC unroll 8
    for (Index k = 0; k < kFresh<kRows>; ++k)
      fresh[k] = kPlace == Place::kInside || g.h.holds(ih + kShared + k) ? in + k * width : plane.padding;
  }

  // The bests of windows, of which kRows rows have these along their rows of taps. Of windows that start in the padding
  // the first tap is in the first row of the input.
  template <Index kRows, Place kPlace>
  static HWY_INLINE void MeetRows(const Found (&row)[kTapRows<kRows>], Index ih, Found (&best)[kRows]) {
#pragma GCC unroll 8
    for (Index r = 0; r < kRows; ++r) {
      const Found* window = row + r * kStride;
      best[r] = window[0];
      if constexpr (kPlace == Place::kAnywhere)
        best[r].tap = hn::Add(best[r].tap, Found::Tap(std::max<Index>(-ih - r * kStride, 0) * kTaps));
#pragma GCC unroll 8
      for (Index k = 1; k < kTaps; ++k) best[r].Meet(window[k].value, hn::Add(window[k].tap, Found::Tap(k * kTaps)));
    }
  }

  // Rows of windows, kRows at a time, the first taps along h of the first at ih. False where a NaN may have been met.
  // Apart for those inside, and a function of its own: with all cases in one loop its registers did not suffice (Zen 4,
  // 55 x 55, 3 x 3: 1.3 of the time).
  template <Stores kStores, Input kInput, Index kRows, Place kPlace>
  static HWY_NOINLINE bool Rows(const PoolGeometry& g, const SweptPlane& plane, Index ih, Index rows,
                                float* HWY_RESTRICT dst, std::uint8_t* HWY_RESTRICT argmax) {
    constexpr Index kFreshRows = kFresh<kRows>;
    const ByteTaps::Lanes tap_lanes;
    const RowEnd end(g.w.out);
    const Index out = g.w.out;
    const Index width = g.w.in;
    const Index vectors = Along::Vectors(g.w);
    const Index first_lane = Along::FirstLane(g.w);
    const ByteTaps::Number* HWY_RESTRICT first_taps = plane.first_taps;
    float* HWY_RESTRICT values = plane.shared->value;
    ByteTaps::Number* HWY_RESTRICT taps = plane.shared->tap;
    const Index pitch = plane.shared->pitch;
    hn::Vec<D> sum = hn::Zero(D());
    const float* HWY_RESTRICT in = plane.in + (ih + kShared) * width;
    for (; rows > 0; rows -= kRows) {
      const float* fresh[kFreshRows];
      FindFresh<kRows, kPlace>(g, plane, ih, in, width, fresh);
      const bool whole_rows = kPlace == Place::kInside || ih + kTapRows<kRows> <= plane.unpadded_rows;
      if constexpr (kStores == Stores::kStreaming) {
        TranslateAhead(dst);
        TranslateAhead(argmax);
      }
      [[maybe_unused]] const float* ahead = fresh[0] + kPrefetchAhead;
      Along along[kFreshRows];
#pragma GCC unroll 8
      for (Index k = 0; k < kFreshRows; ++k) along[k].Begin(g.w, fresh[k], sum);
      for (Index vector = 0; vector < vectors; ++vector) {
        const Index at = Along::Place(vector, vectors);
        const auto first = hn::Load(tap_lanes, first_taps + at);
        const Index rest = width - kStride * at;
        // With every vector its share: all at once, at the start of a row, took 1.08 to 1.16 of the time beyond the
        // caches.
        if constexpr (kInput == Input::kFetched) {
          for (Index i = 0; i < kFreshRows * kStride * Lanes(); i += kLineFloats) PrefetchFar(ahead + i);
          ahead += kFreshRows * kStride * Lanes();
        }
        Found row[kTapRows<kRows>];
#pragma GCC unroll 8
        for (Index k = 0; k < kShared; ++k)
          row[k] = {hn::Load(D(), values + k * pitch + at), hn::Load(tap_lanes, taps + k * pitch + at)};
        if (HWY_LIKELY(whole_rows || rest >= kStride * Lanes())) {
#pragma GCC unroll 8
          for (Index k = 0; k < kFreshRows; ++k) row[kShared + k] = along[k].Next(fresh[k] + kStride * at, first, sum);
        } else {
#pragma GCC unroll 8
          for (Index k = 0; k < kFreshRows; ++k)
            row[kShared + k] = along[k].NextPadded(fresh[k] + kStride * at, rest, first, sum);
        }
#pragma GCC unroll 8
        for (Index k = 0; k < kShared; ++k) {
          hn::Store(row[k + kFreshRows].value, D(), values + k * pitch + at);
          hn::Store(row[k + kFreshRows].tap, tap_lanes, taps + k * pitch + at);
        }
        Found best[kRows];
        MeetRows<kRows, kPlace>(row, ih, best);
        Put<kStores>(best, at - first_lane, out, end, dst, argmax);
      }
      ih += kRows * kStride;
      in += kRows * kStride * width;
      dst += kRows * out;
      argmax += kRows * out;
    }
    return hn::AllTrue(D(), hn::Eq(sum, sum));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_NEIGHBOUR_WINDOWS_INL_H
