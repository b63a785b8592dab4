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
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/routed_taps-inl.h"
#include "ops/simd/every_second-inl.h"
#include "ops/simd/line_stream-inl.h"
#include "ops/simd/shifted_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of inputs come in pairs. Where p is the padding above, pair R is rows 2 * R - p and the next of windows of 2
// taps, which the windows of row R alone read; of 3 taps it is rows 2 * R + 1 - p and the next: tap 1 of row R reads
// the upper one, tap 2 of row R and tap 0 of row R + 1 the lower one. A pair may start above the input, and end below.
struct InputPairs {
  Index offset;        // pair R starts at input 2 * R + offset
  Index first, count;  // those with a row in the input

  explicit InputPairs(const PoolAxis& h)
      : offset(h.kernel - 2 - h.pad), first((2 - offset) / 2 - 1), count((h.in + 1 - offset) / 2 - first) {}
};

// A slice of windows; the inputs at hand are read by its taps from first_tap on.
struct WindowSlice {
  const float* diff;
  const std::uint8_t* argmax;
  std::int32_t first_tap = 0;
};

// What a vector of windows sends to the pairs of inputs of its columns: columns 2 * i and 2 * i + 1 for window i. With
// a column of padding tap 0 of a window reads the last column of the window before it; without one tap 2 reads the
// first column of the window behind. Those sums wait until that window is met: from right to left, or left to right.
template <Index kTaps, Index kPadW>
struct SentSums {
  static constexpr Index kRows = kTaps - 1;  // of windows over a pair of rows
  static constexpr bool kSendsBeside = kTaps == 3 || kPadW == 1;
  static constexpr Index kBesideColumn = kPadW;

  HWY_INLINE SentSums()
      : own{{hn::Zero(D()), hn::Zero(D())}, {hn::Zero(D()), hn::Zero(D())}}, beside{hn::Zero(D()), hn::Zero(D())} {}

  hn::Vec<D> own[2][2];  // [row][column]
  hn::Vec<D> beside[2];

  // Row kRow of the windows over the pair.
  template <Index kRow, Index kTap = 0>
  HWY_INLINE void Add(hn::Vec<D> diff, hn::Vec<DI> taps) {
    if constexpr (kTap < kTaps * kTaps) {
      constexpr Index kInputRow = kTap / kTaps + 2 * kRow - (kTaps - 2);
      if constexpr (kInputRow == 0 || kInputRow == 1) {
        constexpr Index kColumn = kTap % kTaps - kPadW;
        auto& sum = kColumn == 0 || kColumn == 1 ? own[kInputRow][kColumn & 1] : beside[kInputRow];
        const auto chosen = hn::RebindMask(D(), hn::Eq(taps, hn::Set(DI(), std::int32_t{kTap})));
        sum = hn::IfThenElse(chosen, hn::Add(sum, diff), sum);
      }
      Add<kRow, kTap + 1>(diff, taps);
    }
  }
};

// One or two vectors of a row, of which `count` elements belong to it.
template <Stores kStores>
HWY_INLINE void PutPair(hn::Vec<D> even, hn::Vec<D> odd, Index count, float* to) {
  const D d;
  const Interleaved<hn::Vec<D>> both(even, odd);
  if constexpr (kStores == Stores::kStreaming) {
    TranslateAhead(to);
    hn::Stream(both.first, d, to);
    if (count > Lanes()) hn::Stream(both.second, d, to + Lanes());
  } else if (HWY_LIKELY(count >= 2 * Lanes())) {
    hn::StoreU(both.first, d, to);
    hn::StoreU(both.second, d, to + Lanes());
  } else if (count >= Lanes()) {
    hn::StoreU(both.first, d, to);
    if (count > Lanes()) StoreFirst(both.second, d, to + Lanes(), At(count - Lanes()));
  } else if (count > 0) {
    StoreFirst(both.first, d, to, At(count));
  }
}

template <Index kTaps, Index kPadW>
struct RoutedSweep {
  using Sums = SentSums<kTaps, kPadW>;
  using Beside = OneBeside<D, kPadW == 1 ? 1 : -1>;

  // Pairs `first` ... first + count - 1 of rows; row 2 * first + offset of the inputs would be at `to`. Rows outside
  // the input are written to `spare`; windows outside the output are those of `none`. kSlices is their number, or 0.
  template <Index kSlices, Stores kStores>
  static HWY_NOINLINE void Run(const PoolGeometry& g, const std::vector<WindowSlice>& slices, const WindowSlice& none,
                               Index first, Index count, float* HWY_RESTRICT to, float* HWY_RESTRICT spare) {
    const Index slice_count = kSlices > 0 ? kSlices : static_cast<Index>(slices.size());
    const Index width = g.w.in;
    const Index vectors = (std::max(g.w.out, (width + 1) / 2) + Lanes() - 1) / Lanes();
    const Index offset = InputPairs(g.h).offset;
    for (Index pair = first; pair < first + count; ++pair, to += 2 * width) {
      const auto windows = [&](Index slice, Index r) HWY_ATTR { return RowOf(g, slices[At(slice)], none, pair + r); };
      const WindowSlice first_row = kSlices == 1 ? windows(0, 0) : none;
      const WindowSlice second_row = kSlices == 1 ? windows(0, 1) : none;
      float* HWY_RESTRICT upper = 2 * pair + offset >= 0 ? to : spare;
      float* HWY_RESTRICT lower = 2 * pair + offset + 1 < g.h.in ? to + width : spare;
      Beside beside[2] = {Beside(0.0F), Beside(0.0F)};
      for (Index vector = 0; vector < vectors; ++vector) {
        const Index at = (kPadW == 1 ? vectors - 1 - vector : vector) * Lanes();
        Sums sums;
        for (Index slice = 0; slice < slice_count; ++slice) {
          AddRow<0>(kSlices == 1 ? first_row : windows(slice, 0), at, g.w.out - at, sums);
          if constexpr (Sums::kRows == 2)
            AddRow<1>(kSlices == 1 ? second_row : windows(slice, 1), at, g.w.out - at, sums);
        }
        if constexpr (Sums::kSendsBeside) {
#pragma GCC unroll 2
          for (Index r = 0; r < 2; ++r) {
            auto& sum = sums.own[r][Sums::kBesideColumn];
            sum = hn::Add(sum, beside[r](sums.beside[r]));
          }
        }
        PutPair<kStores>(sums.own[0][0], sums.own[0][1], width - 2 * at, upper + 2 * at);
        PutPair<kStores>(sums.own[1][0], sums.own[1][1], width - 2 * at, lower + 2 * at);
      }
    }
  }

 private:
  // Field by field: a struct that is chosen as one goes through memory (1.15 of the time).
  static HWY_INLINE WindowSlice RowOf(const PoolGeometry& g, const WindowSlice& slice, const WindowSlice& none,
                                      Index row) {
    const bool exists = row >= 0 && row < g.h.out;
    const Index at = row * g.w.out;
    return {exists ? slice.diff + at : none.diff, exists ? slice.argmax + at : none.argmax, slice.first_tap};
  }

  // `rest` windows are left of the row from `at` on, perhaps none.
  template <Index kRow>
  static HWY_INLINE void AddRow(const WindowSlice& row, Index at, Index rest, Sums& sums) {
    const auto first_tap = hn::Set(DI(), row.first_tap);
    if (kRow + 1 == Sums::kRows) {
      hwy::Prefetch(row.diff + at + kPrefetchAhead);
      hwy::Prefetch(row.argmax + at + kPrefetchAhead);
    }
    if (HWY_LIKELY(rest >= Lanes())) {
      sums.template Add<kRow>(hn::LoadU(D(), row.diff + at), LoadTaps(row.argmax + at) - first_tap);
    } else if (rest > 0) {
      sums.template Add<kRow>(LoadFirst(D(), row.diff + at, At(rest)), LoadTaps(row.argmax + at, At(rest)) - first_tap);
    }
  }
};

struct RoutedSweepFunctions {
  using Run = void (*)(const PoolGeometry&, const std::vector<WindowSlice>&, const WindowSlice&, Index first,
                       Index count, float* HWY_RESTRICT to, float* HWY_RESTRICT spare);
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
  const bool square = g.h.kernel == g.w.kernel && g.h.stride == 2 && g.w.stride == 2;
  const bool dense = g.h.dilation == 1 && g.w.dilation == 1;
  if (!square || !dense || g.w.pad > 1) return {};
  if (g.w.kernel == 2) return g.w.pad == 0 ? RoutedSweepOf<2, 0>() : RoutedSweepOf<2, 1>();
  if (g.w.kernel == 3) return g.w.pad == 0 ? RoutedSweepOf<3, 0>() : RoutedSweepOf<3, 1>();
  return {};
}

// Inputs of a band, between which a thread may stop.
constexpr Index kRoutedBytes = Index{64} << 10;
// Inputs that are staged at a time where rows are not whole cache lines.
constexpr Index kStagedInputs = Index{2} << 10;

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
    step_pairs_ = std::clamp<Index>(kStagedInputs / pair_bytes, 1, band_rows_);
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({Filled(WholeLines(g_.w.in), 0.0F),
                             Filled(WholeLines((2 * step_pairs_ + 1) * g_.w.in) + kLineFloats, 0.0F),
                             {}});
  }

  void run(std::span<const TensorRef> arguments) override {
    const std::uint8_t* argmax = arguments[1].bytes();
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    const WindowSlice none{no_diff_.get(), no_argmax_.get()};
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index from = band.plane * g_.out_count();
      FindSlices({diff_dst + from, argmax + from}, band.slice, space.slices);
      float* to = diff_src + (band.plane * g_.d.in + band.slice) * g_.h.in * g_.w.in;
      const bool whole_lines =
          (g_.w.in | static_cast<Index>(reinterpret_cast<std::uintptr_t>(to) / sizeof(float))) % kLineFloats == 0;
      const Index first = pairs_.first + band.row;
      if (stores_ == Stores::kCached || (whole_lines && space.slices.size() == 1)) {
        Sweep(stores_, none, first, band.rows, to + FirstRow(first) * g_.w.in, space);
        return;
      }
      LineStream out(stores_, space.staged.get(), to + FirstRow(first) * g_.w.in);
      for (Index pair = 0; pair < band.rows; pair += step_pairs_) {
        const Index pairs = std::min(step_pairs_, band.rows - pair);
        Sweep(Stores::kCached, none, first + pair, pairs, out.next(), space);
        out.push((FirstRow(first + pair + pairs) - FirstRow(first + pair)) * g_.w.in);
      }
      out.finish();
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> spare;  // a row of inputs
    AlignedMemory<float> staged;
    std::vector<WindowSlice> slices;
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

  // The first row of the input that the pairs have is at `to`.
  void Sweep(Stores stores, const WindowSlice& none, Index first, Index count, float* to, Workspace& space) const {
    const auto run = space.slices.size() != 1    ? sweep_.slices
                     : stores == Stores::kCached ? sweep_.one_slice
                                                 : sweep_.one_slice_streamed;
    float* start = to + (2 * first + pairs_.offset - FirstRow(first)) * g_.w.in;
    run(g_, space.slices, none, first, count, start, space.spare.get());
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
  const JoinedWindows joined(g, threads);
  if (joined.count > 1) return MakeJoinedRoutedSweep(g, joined, threads);
  return std::make_unique<MaxPoolGradientSweep>(g, threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROUTED_SWEEP_INL_H
