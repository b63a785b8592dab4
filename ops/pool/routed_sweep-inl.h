// The gradient of max_pool for square windows of 2 or 3 neighbours, 2 apart: one sweep from the windows to the inputs.

#if defined(GRADPROOF_ROUTED_SWEEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ROUTED_SWEEP_INL_H
#undef GRADPROOF_ROUTED_SWEEP_INL_H
#else
#define GRADPROOF_ROUTED_SWEEP_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "ops/pool/joined_planes-inl.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/paired_max_pool-inl.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/routed_pairs-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct RoutedSweepFunctions {
  using Run = void (*)(const PoolGeometry&, const WindowSlices&, Index first, Index count, float* HWY_RESTRICT to,
                       float* HWY_RESTRICT spare);
  Run one_slice = nullptr;
  Run one_slice_streamed, slices;
};

template <Index kTaps, Index kPadW>
RoutedSweepFunctions RoutedSweepOf() {
  using Sweep = RoutedSweep<kTaps, kPadW>;
  // Two vectors fill a cache line where they are as long as half of it, or two lines.
  constexpr bool kPairsFillLines = HWY_TARGET == HWY_AVX2 || HWY_TARGET <= HWY_AVX3;
  constexpr Stores kStreams = kPairsFillLines ? Stores::kStreaming : Stores::kCached;
  return {Sweep::template Run<1, Stores::kCached>, Sweep::template Run<1, kStreams>,
          Sweep::template Run<0, Stores::kCached>};
}

// No function where windows are not such neighbours.
inline RoutedSweepFunctions ChooseRoutedSweep(const PoolGeometry& g) {
  if (!g.has_neighbours(2) || g.w.pad > 1) return {};
  if (g.w.kernel == 2) return g.w.pad == 0 ? RoutedSweepOf<2, 0>() : RoutedSweepOf<2, 1>();
  return g.w.pad == 0 ? RoutedSweepOf<3, 0>() : RoutedSweepOf<3, 1>();
}

// Inputs of a band, between which a thread may stop.
constexpr Index kRoutedBytes = Index{64} << 10;

class MaxPoolGradientSweep final : public PoolKernel {
 public:
  MaxPoolGradientSweep(const PoolGeometry& g, int threads)
      : PoolKernel(g, threads),
        sweep_(ChooseRoutedSweep(g)),
        pairs_(g_.h),
        no_diff_(Filled(WholeLines(g_.w.out), 0.0F)),
        no_argmax_(Filled(WholeLines(g_.w.out), std::uint8_t{0})) {
    const Index pair_bytes = 8 * g_.w.in;
    PlanBands(pairs_.count, pair_bytes, kRoutedBytes);
    step_pairs_ = std::clamp<Index>(kStagedBytes / pair_bytes, 1, band_rows_);
    const Index staged = WholeLines((2 * step_pairs_ + 1) * g_.w.in) + kLineFloats;
    const Index spare = WholeLines(g_.w.in) + 2 * Lanes();
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back(
          {{{}, {no_diff_.get(), no_argmax_.get()}, nullptr}, Filled(spare, 0.0F), Filled(staged, 0.0F)});
  }

  void run(std::span<const TensorRef> arguments) override {
    const std::uint8_t* argmax = arguments[1].bytes();
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index from = band.plane * g_.out_count();
      FindSlices({diff_dst + from, argmax + from}, band.slice, space.slices.found);
      space.slices.end = diff_dst + g_.planes * g_.out_count();
      const Index first = pairs_.first + band.row;
      const Index row = (band.plane * g_.d.in + band.slice) * g_.h.in + FirstRow(first);
      RouteBand(first, band.rows, diff_src + row * g_.w.in, space);
    });
  }

 private:
  struct Workspace {
    WindowSlices slices;
    AlignedMemory<float> spare;  // a row of inputs
    AlignedMemory<float> staged;
  };

  // The first row of the input that pairs from this one on have.
  Index FirstRow(Index pair) const { return std::clamp<Index>(2 * pair + pairs_.offset, 0, g_.h.in); }

  // The slices of windows that read slice id of the inputs.
  void FindSlices(const WindowSlice& plane, Index id, std::vector<WindowSlice>& slices) const {
    slices.clear();
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index od = g_.d.window_of(id, kd);
      if (od < 0) continue;
      const Index at = od * g_.h.out * g_.w.out;
      slices.push_back({plane.diff + at, plane.argmax + at, static_cast<std::int32_t>(kd * g_.h.kernel * g_.w.kernel)});
    }
  }

  // Pairs `first` ... first + count - 1 of rows, a few at a time where they are not whole cache lines.
  void RouteBand(Index first, Index count, float* to, Workspace& space) const {
    if (stores_ == Stores::kCached || (AreWholeLines(to, g_.w.in) && space.slices.found.size() == 1)) {
      Sweep(stores_, first, count, to, space);
      return;
    }
    LineStream out(stores_, space.staged.get(), to);
    for (Index pair = first; pair < first + count; pair += step_pairs_) {
      const Index pairs = std::min(step_pairs_, first + count - pair);
      Sweep(Stores::kCached, pair, pairs, out.next(), space);
      out.push((FirstRow(pair + pairs) - FirstRow(pair)) * g_.w.in);
    }
    out.finish();
  }

  // The first row of the input that the pairs have is at `to`.
  void Sweep(Stores stores, Index first, Index count, float* to, Workspace& space) const {
    const auto run = space.slices.found.size() != 1 ? sweep_.slices
                     : stores == Stores::kCached    ? sweep_.one_slice
                                                    : sweep_.one_slice_streamed;
    float* start = to + (2 * first + pairs_.offset - FirstRow(first)) * g_.w.in;
    run(g_, space.slices, first, count, start, space.spare.get());
  }

  const RoutedSweepFunctions sweep_;
  const InputPairs pairs_;
  AlignedMemory<float> no_diff_;  // rows of windows that there are not
  AlignedMemory<std::uint8_t> no_argmax_;
  Index step_pairs_ = 0;  // staged at a time
  std::vector<Workspace> workspaces_;
};

// Narrow images side by side.
inline std::unique_ptr<Kernel> MakeJoinedRoutedSweep(const PoolGeometry& g, const JoinedWindows& joined, int threads) {
  const PlaneRows windows{g.h.out, g.w.out, joined.windows_pitch};
  const PlaneRows src{g.h.in, g.w.in, joined.pitch};
  const Index out = joined.geometry.w.out;
  const auto make = [&] { return std::make_unique<MaxPoolGradientSweep>(joined.geometry, 1); };
  return std::make_unique<JoinedPool>(
      g, joined,
      std::vector<JoinedTensor>{{1, ElementType::kUint8, false, windows, out, 0, 0},
                                {2, ElementType::kFloat32, false, windows, out, 0, 0},
                                {3, ElementType::kFloat32, true, src, joined.geometry.w.in, 0, 0}},
      make, threads);
}

// Nothing for other windows.
inline std::unique_ptr<Kernel> MakeRoutedSweep(const MaxPoolAttributes& a, int threads) {
  const PoolGeometry g(a.mb * a.c, a.window);
  if (ChooseRoutedSweep(g).one_slice == nullptr) return nullptr;
  if (auto paired = MakePairedMaxPoolGradient(g, threads)) return paired;
  const JoinedWindows joined(g, threads);
  if (joined.count > 1) return MakeJoinedRoutedSweep(g, joined, threads);
  return std::make_unique<MaxPoolGradientSweep>(g, threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROUTED_SWEEP_INL_H
