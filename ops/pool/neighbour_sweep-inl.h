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
#include "ops/pool/neighbour_windows-inl.h"
#include "ops/pool/paired_max_pool-inl.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

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
