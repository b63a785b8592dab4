// Rows of windows from rows of inputs.

#if defined(GRADPROOF_WINDOW_SUM_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SUM_FORWARD_INL_H
#undef GRADPROOF_WINDOW_SUM_FORWARD_INL_H
#else
#define GRADPROOF_WINDOW_SUM_FORWARD_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/sources.h"
#include "ops/pool/sum_sweep-inl.h"
#include "ops/pool/window_sum_kernel-inl.h"
#include "ops/pool/window_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Small squares are swept in one pass, others take one down the columns and one along the rows of sums.
class WindowSumForward : public WindowSumKernel {
 protected:
  WindowSumForward(const PoolGeometry& g, int threads)
      : WindowSumKernel(g, threads),
        slices_(Sources::inputs_of_windows(g_.d)),
        rows_of_(Sources::inputs_of_windows(g_.h)),
        sweeps_(AreSmallSquares(g_)),
        zeros_(Filled(WholeLines(g_.w.in + Lanes()), 0.0F)) {
    sweeps_ ? PlanSweep() : PlanPieces();
  }

  // dst = finish_of(row)(sum, ow), where finish_of tells it of a row and those behind it.
  template <class FinishOf>
  void WriteWindows(const float* src, float* dst, const FinishOf& finish_of) {
    if (sweeps_) return SweepInto(src, dst, finish_of);
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      FindSlices(src, band, space);
      const Index first = FirstRow(band);
      WritePieces(band.rows, space, dst + first * g_.w.out, [&](Index row, Index rows, float* to) {
        const auto finish = finish_of(WindowRow{band.slice, band.row + row, first + row});
        SumWindows(band.row + row, rows, finish, space, to);
      });
    });
  }

  // Calls visit(row, rows, sums) for pieces of all rows: `rows` of them, one behind the other.
  template <class Visit>
  void VisitWindows(const float* src, const Visit& visit) {
    if (sweeps_) return SweepAndVisit(src, visit);
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      FindSlices(src, band, space);
      for (Index row = 0; row < band.rows; row += piece_rows_) {
        const Index rows = std::min(piece_rows_, band.rows - row);
        SumWindows(band.row + row, rows, Whole(), space, space.stage.get());
        visit(FirstRow(band) + row, rows, space.stage.get());
      }
    });
  }

 private:
  void PlanSweep() {
    const bool streams = stores_ == Stores::kStreaming;
    PlanBands(g_.h.out, 4 * g_.h.stride * g_.w.in, streams ? kSweptSumBytes : kBandBytes);
    if (streams) WholeLineBands(g_.w.out);
    PlanStores(g_.w.out, kStreamedSweep);
    const Index stage = WholeLines(band_rows_ * g_.w.out + Lanes());
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({nullptr, Filled(stage, 0.0F), nullptr, {}, {}, {}});
  }

  void PlanPieces() {
    const Index read = (std::max(g_.w.out, Lanes()) - 1) * g_.w.stride + g_.w.extent();
    const Index written = g_.w.pad + std::max(g_.w.in, Lanes());
    PlanRows(g_.w.out, std::max<Index>(0, Lanes() - g_.w.out), std::max(read, written) + Lanes());
    PlanBands(g_.h.out, 4 * (g_.h.stride * g_.w.in + g_.w.out));
    PlanStores(g_.w.out, kStreamedElements);
    for (Workspace& space : workspaces_) {
      space.taps.resize(1);
      for (Index k = 0; k < g_.w.kernel; ++k) space.taps[0].push_back(space.columns.get() + k * g_.w.dilation);
    }
  }

  // Whole lines are streamed as they are computed; others are staged.
  template <class FinishOf>
  void SweepInto(const float* src, float* dst, const FinishOf& finish_of) {
    using Finish = decltype(finish_of(WindowRow()));
    const bool streams = stores_ == Stores::kStreaming;
    const bool direct = streams && AreWholeLines(dst, g_.w.out);
    const auto sweep = direct ? ChooseSumSweep<TapsOfWindows, Stores::kStreaming, Finish>(g_.w)
                              : ChooseSumSweep<TapsOfWindows, Stores::kCached, Finish>(g_.w);
    ForEachBandByTurns(g_.d.out, [&](Index thread, const Band& band, const Upcoming& upcoming) {
      const Index first = FirstRow(band);
      float* out = dst + first * g_.w.out;
      float* to = streams && !direct ? workspaces_[At(thread)].stage.get() : out;
      const Finish finish = finish_of(WindowRow{band.slice, band.row, first});
      sweep(RowsOf(src, band), g_.h.pad, {band.row, band.rows, g_.w.out}, finish, AheadOf(src, upcoming), to);
      if (streams && !direct) Map(Copy(), stores_, At(band.rows * g_.w.out), out, to);
    });
  }

  template <class Visit>
  void SweepAndVisit(const float* src, const Visit& visit) {
    const auto sweep = ChooseSumSweep<TapsOfWindows, Stores::kCached, Whole>(g_.w);
    ForEachBandByTurns(g_.d.out, [&](Index thread, const Band& band, const Upcoming& upcoming) {
      float* sums = workspaces_[At(thread)].stage.get();
      sweep(RowsOf(src, band), g_.h.pad, {band.row, band.rows, g_.w.out}, Whole(), AheadOf(src, upcoming), sums);
      visit(FirstRow(band), band.rows, sums);
    });
  }

  SweptRows RowsOf(const float* src, const Band& band) const {
    return {FlatSlice(src, band), g_.w.in, g_.w.in, g_.h.in, zeros_.get()};
  }

  // Of src, what the windows of a band see, which are in one slice.
  const float* FlatSlice(const float* src, const Band& band) const {
    return src + (band.plane * g_.d.in + g_.d.input_of(band.slice, 0)) * g_.h.in * g_.w.in;
  }

  // While a band is computed, the second half of the next is fetched and the first of the one after: of rows that no
  // band above has read.
  Ahead AheadOf(const float* src, const Upcoming& upcoming) const {
    const auto fresh = [&](const Band& band) {
      const Index row = band.row == 0 ? 0 : g_.h.input_of(band.row - 1, g_.h.kernel - 1) + 1;
      return FlatSlice(src, band) + row * g_.w.in;
    };
    return {fresh(upcoming.next) + band_rows_ * g_.h.stride * g_.w.in / 2, fresh(upcoming.after), kFetchedBeyond};
  }

  Index FirstRow(const Band& band) const { return (band.plane * g_.d.out + band.slice) * g_.h.out + band.row; }

  void FindSlices(const float* src, const Band& band, Workspace& space) const {
    space.slices.clear();
    for (const Index id : slices_.of(band.slice))
      space.slices.push_back(src + (band.plane * g_.d.in + id) * g_.h.in * g_.w.in);
  }

  // The sums along a row of columns start with the first tap of window 0.
  template <class Finish>
  void SumWindows(Index oh, Index rows, const Finish& finish, Workspace& space, float* to) const {
    const Rows<float> into{space.columns.get() + g_.w.pad, pitch_};
    const ColumnSums columns = SumColumns(rows_of_, oh, rows, into, g_.w.in, g_.w.in, true, space);
    SumTaps(columns, space.taps[0], g_.w.stride, g_.w.out, finish, to);
  }

  const Sources slices_, rows_of_;  // inputs of windows
  const bool sweeps_;
  const AlignedMemory<float> zeros_;  // a row of padding
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUM_FORWARD_INL_H
