// max_pool and min_pool forward for square windows of 2 or 3 neighbours, in one sweep from the input to the output.

#if defined(GRADPROOF_NEIGHBOUR_SWEEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_NEIGHBOUR_SWEEP_INL_H
#undef GRADPROOF_NEIGHBOUR_SWEEP_INL_H
#else
#define GRADPROOF_NEIGHBOUR_SWEEP_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "ops/pool/joined_planes-inl.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/neighbour_rows-inl.h"
#include "ops/pool/paired_max_pool-inl.h"
#include "ops/pool/pool_kernel-inl.h"
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

// How a NeighbourSweep sweeps, and where among its lanes window 0 is.
struct SweepFunctions {
  using Prime = bool (*)(const PoolGeometry&, const SweptPlane&, Index oh);
  using Run = bool (*)(const PoolGeometry&, const SweptPlane&, Index oh, Index rows, float* HWY_RESTRICT dst,
                       std::uint8_t* HWY_RESTRICT argmax);
  Prime prime = nullptr;
  Run run, run_among_numbers, run_among_numbers_fetched, run_among_numbers_streamed;
  Index first_lane, vectors;
};

template <class Order, Index kStride, Index kTaps, Index kStart>
SweepFunctions SweepOf(const PoolAxis& w) {
  using Sweep = NeighbourSweep<Order, kStride, kTaps, kStart>;
  using AmongNumbersSweep = NeighbourSweep<AmongNumbers<Order>, kStride, kTaps, kStart>;
  return {Sweep::Prime,
          Sweep::template Run<Stores::kCached, Input::kCached>,
          AmongNumbersSweep::template Run<Stores::kCached, Input::kCached>,
          AmongNumbersSweep::template Run<Stores::kCached, Input::kFetched>,
          AmongNumbersSweep::template Run<Stores::kStreaming, Input::kFetched>,
          Sweep::Along::FirstLane(w),
          Sweep::Along::Vectors(w)};
}

// No function where windows are not square neighbours.
template <class Order>
SweepFunctions ChooseSweep(const PoolGeometry& g) {
  const PoolAxis& w = g.w;
  if (g.d.kernel != 1) return {};
  if (g.has_neighbours(1)) return w.kernel == 2 ? SweepOf<Order, 1, 2, -1>(w) : SweepOf<Order, 1, 3, -2>(w);
  if (!g.has_neighbours(2)) return {};
  if (w.kernel == 2) return w.pad == 0 ? SweepOf<Order, 2, 2, 0>(w) : SweepOf<Order, 2, 2, -1>(w);
  return w.pad == 0 ? SweepOf<Order, 2, 3, 0>(w) : SweepOf<Order, 2, 3, -1>(w);
}

// Input of a band: high ones repeat few rows.
constexpr Index kSweptBytes = Index{64} << 10;
// Input of a step, after which what was found is streamed, or computed again if there was a NaN; and rows of windows at
// least (Zen 5, 224 x 224, of the rate of a copy: 4 rows 0.62, 8 rows 0.62, 9 rows 0.68, 12 rows 0.60).
constexpr Index kStepBytes = Index{8} << 10;
constexpr Index kStepRows = 9;

template <class Order>
class MaxPoolSweep final : public PoolKernel {
 public:
  // first_taps: of each window of a row, the first tap within the input.
  MaxPoolSweep(const PoolGeometry& g, const std::vector<std::int32_t>& first_taps, int threads)
      : PoolKernel(g, threads),
        sweep_(ChooseSweep<Order>(g)),
        run_among_numbers_(is_fetched(g) ? sweep_.run_among_numbers_fetched : sweep_.run_among_numbers),
        pitch_(WholeLines(sweep_.vectors * Lanes())),
        first_taps_(Filled(pitch_, ByteTaps::Number{0})),
        padding_(Filled(WholeLines(std::max(g_.w.in, g_.w.stride * pitch_)), Order::kWorst)) {
    std::transform(first_taps.begin(), first_taps.end(), first_taps_.get() + sweep_.first_lane,
                   [](std::int32_t tap) { return static_cast<ByteTaps::Number>(tap); });
    // Where no window reaches beyond a row, lanes may hold what follows it, as far as it is there.
    const Index overrun = std::max<Index>(g_.w.stride * sweep_.vectors * Lanes() - g_.w.in, 0);
    const bool pads = g_.w.input_of(g_.w.out - 1, g_.w.kernel - 1) >= g_.w.in;
    unpadded_rows_ = pads && overrun > 0 ? 0 : g_.planes * g_.d.in * g_.h.in - (overrun + g_.w.in - 1) / g_.w.in;
    const Index row_bytes = 4 * g_.h.stride * g_.w.in;
    PlanBands(g_.h.out, row_bytes, kSweptBytes);
    step_rows_ = is_fetched(g) ? std::min(std::max(kStepBytes / row_bytes, kStepRows), band_rows_) : band_rows_;
    const Index shared = g_.h.kernel * pitch_;
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({Filled(shared, 0.0F), Filled(shared, ByteTaps::Number{0}),
                             Filled(WholeLines(step_rows_ * g_.w.out) + kLineFloats, 0.0F)});
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    std::uint8_t* argmax = arguments[2].bytes();
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index from = band.plane * g_.d.in + g_.d.input_of(band.slice, 0);
      const Index at = ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      const RowBests<ByteTaps> shared{space.values.get(), space.taps.get(), pitch_};
      const bool streams = stores_ == Stores::kStreaming && sweep_.first_lane == 0 && AreWholeLines(dst + at, g_.w.out);
      const auto run_among_numbers = streams ? sweep_.run_among_numbers_streamed : run_among_numbers_;
      const SweptPlane plane{src + from * g_.h.in * g_.w.in, padding_.get(),
                             std::clamp<Index>(unpadded_rows_ - from * g_.h.in, 0, g_.h.in), first_taps_.get(),
                             &shared};
      LineStream out(streams ? Stores::kCached : stores_, space.staged.get(), dst + at);
      bool numbers = sweep_.prime(g_, plane, band.row);
      for (Index row = 0; row < band.rows; row += step_rows_) {
        const Index oh = band.row + row;
        const Index rows = std::min(step_rows_, band.rows - row);
        std::uint8_t* to_argmax = argmax + at + row * g_.w.out;
        numbers = numbers && run_among_numbers(g_, plane, oh, rows, out.next(), to_argmax);
        if (!numbers) {
          if (streams) hwy::FlushStream();
          sweep_.prime(g_, plane, oh);
          sweep_.run(g_, plane, oh, rows, out.next(), to_argmax);
        }
        out.push(rows * g_.w.out);
      }
      out.finish();
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> values;           // [shared row][pitch_], of the best along rows
    AlignedMemory<ByteTaps::Number> taps;  // as values
    AlignedMemory<float> staged;
  };

  // Half of what would be streamed comes in part from memory (Zen 4, 32 MiB of L3, 3 x 3: not to fetch it takes 0.75 to
  // 0.95 of the time up to 6 MB, the same at 8 MB, and 1.4 times as long at 12 MB).
  static bool is_fetched(const PoolGeometry& g) {
    return exceeds_caches(static_cast<size_t>(2 * 4 * g.planes * (g.in_count() + g.out_count())));
  }

  const SweepFunctions sweep_;
  const SweepFunctions::Run run_among_numbers_;
  const Index pitch_;                           // lanes of a row of windows
  AlignedMemory<ByteTaps::Number> first_taps_;  // of each lane
  AlignedMemory<float> padding_;                // a row of the input
  Index unpadded_rows_ = 0;                     // of all slices
  Index step_rows_ = 0;                         // rows of windows of a step
  std::vector<Workspace> workspaces_;
};

// Of the windows of a row of `count` images side by side, every `pitch` windows, the first taps within their image.
inline std::vector<std::int32_t> FirstTaps(const PoolAxis& w, Index count, Index pitch) {
  std::vector<std::int32_t> taps(At((count - 1) * pitch + w.out), 0);
  for (Index image = 0; image < count; ++image)
    for (Index o = 0; o < w.out; ++o) taps[At(image * pitch + o)] = static_cast<std::int32_t>(w.first_tap(o));
  return taps;
}

// Narrow images side by side.
template <class Order>
std::unique_ptr<Kernel> MakeJoinedSweep(const PoolGeometry& g, JoinedWindows joined, int threads) {
  const Index before = std::exchange(joined.geometry.w.pad, 0);
  joined.geometry.w.in += before;
  const PlaneRows src{g.h.in, g.w.in, joined.pitch};
  const PlaneRows dst{g.h.out, g.w.out, joined.windows_pitch};
  const Index out = joined.geometry.w.out;
  const auto make = [&] {
    return std::make_unique<MaxPoolSweep<Order>>(joined.geometry, FirstTaps(g.w, joined.count, joined.windows_pitch),
                                                 1);
  };
  return std::make_unique<JoinedPool>(
      g, joined,
      std::vector<JoinedTensor>{{0, ElementType::kFloat32, false, src, joined.geometry.w.in, before, Order::kWorst},
                                {1, ElementType::kFloat32, true, dst, out, 0, 0},
                                {2, ElementType::kUint8, true, dst, out, 0, 0}},
      make, threads);
}

// Nothing for other windows.
template <class Order>
std::unique_ptr<Kernel> MakeNeighbourSweep(const MaxPoolAttributes& a, int threads) {
  const PoolGeometry g(a.mb * a.c, a.window);
  if (ChooseSweep<Order>(g).prime == nullptr) return nullptr;
  if (auto paired = MakePairedMaxPool<Order>(g, threads)) return paired;
  const JoinedWindows joined(g, threads);
  if (joined.count > 1) return MakeJoinedSweep<Order>(g, joined, threads);
  return std::make_unique<MaxPoolSweep<Order>>(g, FirstTaps(g.w, 1, 0), threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_NEIGHBOUR_SWEEP_INL_H
