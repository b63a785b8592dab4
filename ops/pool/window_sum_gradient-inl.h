// Rows of inputs from rows of windows: the gradient of what sums windows.

#if defined(GRADPROOF_WINDOW_SUM_GRADIENT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SUM_GRADIENT_INL_H
#undef GRADPROOF_WINDOW_SUM_GRADIENT_INL_H
#else
#define GRADPROOF_WINDOW_SUM_GRADIENT_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/sources.h"
#include "ops/pool/sum_sweep-inl.h"
#include "ops/pool/window_sum_kernel-inl.h"
#include "ops/pool/window_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Each window sends its share to every input that it sees, so that an input
// gathers a box of windows. Every element is written once.
class WindowSumGradient : public WindowSumKernel {
 protected:
  // What a window sends is its diff_dst as it is (`direct`), or what is made of that.
  WindowSumGradient(const PoolGeometry& g, bool direct, int threads)
      : WindowSumKernel(g, threads),
        slices_(Sources::windows_over_inputs(g_.d)),
        rows_of_(Sources::windows_over_inputs(g_.h)),
        direct_(direct),
        sweeps_(AreSmallSquares(g_)),
        gap_(WholeLines(g_.w.extent() / g_.w.stride + 1)),
        share_pitch_(direct ? g_.w.out : WholeLines(std::max(g_.w.out, Lanes()))),
        zeros_(Filled(WholeLines(g_.w.out + Lanes()), 0.0F)) {
    sweeps_ ? PlanSweep() : PlanPieces();
    share_rows_ = (band_rows_ + g_.h.extent()) / g_.h.stride + 2;
    if (direct_) return;
    for (Workspace& space : workspaces_) space.shares = Filled(g_.d.kernel * share_rows_ * share_pitch_, 0.0F);
  }

  // A window sends share_of(row)(diff_dst, ow), where share_of tells it of a row and those behind it.
  template <class ShareOf>
  void Gather(const float* diff_dst, float* diff_src, const ShareOf& share_of) {
    if (sweeps_) return SweepInto(diff_dst, diff_src, share_of);
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      FindShares<true>(diff_dst, band, share_of, space);
      WritePieces(band.rows, space, diff_src + FirstInput(band), [&](Index row, Index rows, float* at) {
        const Rows<float> into{space.columns.get() + gap_, pitch_};
        const ColumnSums columns =
            SumColumns(rows_of_, band.row + row, rows, into, g_.w.out, share_pitch_, direct_, space);
        SumPhases(columns, space.taps, g_.w.in, at);
      });
    });
  }

 private:
  void PlanSweep() {
    PlanBands(g_.h.in, 4 * g_.w.in, kSpreadBytes);
    if (stores_ == Stores::kStreaming) WholeLineBands(g_.w.in);
    PlanStores(g_.w.in, kStreamedSweep);
    const Index stage = WholeLines(band_rows_ * g_.w.in);
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({nullptr, Filled(stage, 0.0F), nullptr, {}, {}, {}});
  }

  void PlanPieces() {
    const Index groups = std::max((g_.w.in + g_.w.stride - 1) / g_.w.stride, Lanes());
    PlanRows(g_.w.in, groups * g_.w.stride - g_.w.in,
             gap_ + std::max(g_.w.out, groups + g_.w.pad / g_.w.stride + 2) + Lanes());
    PlanBands(g_.h.in, 4 * (g_.w.in + g_.d.kernel * g_.w.out / g_.h.stride));
    PlanStores(g_.w.in, kStreamedElements);
    for (Workspace& space : workspaces_) space.taps = PhasesOf(space.columns.get() + gap_);
  }

  // Whole lines are streamed as they are computed; others are staged.
  template <class ShareOf>
  void SweepInto(const float* diff_dst, float* diff_src, const ShareOf& share_of) {
    const bool streams = stores_ == Stores::kStreaming;
    const bool direct = streams && AreWholeLines(diff_src, g_.w.in);
    const auto sweep = direct ? ChooseSumSweep<TapsOfInputs, Stores::kStreaming, Whole>(g_.w)
                              : ChooseSumSweep<TapsOfInputs, Stores::kCached, Whole>(g_.w);
    ForEachBandByTurns(g_.d.in, [&](Index thread, const Band& band, const Upcoming& upcoming) {
      Workspace& space = workspaces_[At(thread)];
      FindShares<false>(diff_dst, band, share_of, space);
      const bool none = space.slices.empty();
      const SweptRows shares{none ? nullptr : space.slices[0], share_pitch_, g_.w.out, none ? 0 : g_.h.out,
                             zeros_.get()};
      float* out = diff_src + FirstInput(band);
      float* to = streams && !direct ? space.stage.get() : out;
      sweep(shares, g_.h.pad, {band.row, band.rows, g_.w.in}, Whole(), AheadOf(diff_dst, upcoming), to);
      if (to != out) Map(Copy(), stores_, At(band.rows * g_.w.in), out, to);
    });
  }

  // While a band is computed, the second half of the next is fetched and the first of the one after: of windows that
  // no band above has read.
  Ahead AheadOf(const float* diff_dst, const Upcoming& upcoming) const {
    const auto fresh = [&](const Band& band) {
      const Index od = std::max<Index>(g_.d.window_of(band.slice, 0), 0);
      const Index row = band.row == 0 ? 0 : (band.row - 1 + g_.h.pad) / g_.h.stride + 1;
      return diff_dst + ((band.plane * g_.d.out + od) * g_.h.out + row) * g_.w.out;
    };
    return {fresh(upcoming.next) + band_rows_ / g_.h.stride * g_.w.out / 2, fresh(upcoming.after), kFetchedBeyond};
  }

  Index FirstInput(const Band& band) const {
    return ((band.plane * g_.d.in + band.slice) * g_.h.in + band.row) * g_.w.in;
  }
  Index FirstWindow(const Band& band) const { return std::clamp<Index>(g_.h.first_window(band.row), 0, g_.h.out); }

  // Input stride * j + phase is read by tap k of window j + (phase + pad - k * dilation) / stride, if it divides.
  std::vector<Terms> PhasesOf(const float* columns) const {
    std::vector<Terms> phases(At(g_.w.stride));
    for (Index phase = 0; phase < g_.w.stride; ++phase)
      for (Index k = 0; k < g_.w.kernel; ++k) {
        const Index start = phase + g_.w.pad - k * g_.w.dilation;
        if (start % g_.w.stride == 0) phases[At(phase)].push_back(columns + start / g_.w.stride);
      }
    return phases;
  }

  // What the windows over a band send to each of their inputs.
  template <bool kFetches, class ShareOf>
  void FindShares(const float* diff_dst, const Band& band, const ShareOf& share_of, Workspace& space) const {
    const Index first = FirstWindow(band);
    const Index end = std::clamp<Index>((band.row + band.rows - 1 + g_.h.pad) / g_.h.stride + 1, first, g_.h.out);
    space.slices.clear();
    for (const Index od : slices_.of(band.slice)) {
      const Index row = (band.plane * g_.d.out + od) * g_.h.out;
      const float* slice = diff_dst + row * g_.w.out;
      if (!direct_) {
        const Index number = static_cast<Index>(space.slices.size());
        float* shares = space.shares.get() + (number * share_rows_ - first) * share_pitch_;
        FinishRows<kFetches>(slice + first * g_.w.out, end - first, g_.w.out,
                             share_of(WindowRow{od, first, row + first}), shares + first * share_pitch_, share_pitch_);
        slice = shares;
      }
      space.slices.push_back(slice);
    }
  }

  const Sources slices_, rows_of_;  // windows over inputs
  const bool direct_;
  const bool sweeps_;
  const Index gap_;  // zeros in front of the sums of the columns
  const Index share_pitch_;
  const AlignedMemory<float> zeros_;  // a row of windows that are not there
  Index share_rows_ = 0;              // rows of windows that a band sees of a slice
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUM_GRADIENT_INL_H
