// Rows of windows from rows of inputs, and the way back: what pools share that sum windows.

#if defined(GRADPROOF_WINDOW_SUM_KERNELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SUM_KERNELS_INL_H
#undef GRADPROOF_WINDOW_SUM_KERNELS_INL_H
#else
#define GRADPROOF_WINDOW_SUM_KERNELS_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/sources.h"
#include "ops/pool/window_sums-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows are computed a few at a time: their sums down the columns have left the store buffer when they are read at an
// offset, and memory takes them in while the next are summed.
constexpr Index kPieceBytes = Index{2} << 10;
// Elements of a band from which on it is streamed (Zen 3, averages of 2 x 2, 26 to 51 MB: gradients of 14 x 14 elements
// took 19 ms streamed and 9 cached, of 28 x 28 about the same).
constexpr Index kStreamedElements = 1024;

// What both directions share. A row of the result is the sum down the columns of its rows of sources, between zeros,
// and then along that row. Each window is summed afresh: a running sum that drops what leaves it rounds more with every
// step, and keeps a NaN for good.
class WindowSumKernel : public PoolKernel {
 protected:
  struct Workspace {
    AlignedMemory<float> columns;  // [row of a piece][pitch]
    AlignedMemory<float> stage;
    AlignedMemory<float> shares;  // see WindowSumGradient
    Terms slices, rows;
    std::vector<Terms> taps;  // in the first row of `columns`; those of each phase
  };

  using PoolKernel::PoolKernel;

  // Rows of `width` results; computing one may overwrite `overrun` elements behind it. `columns` elements hold a row of
  // sums with its zeros.
  void PlanRows(Index width, Index overrun, Index columns) {
    width_ = width;
    pitch_ = WholeLines(columns);
    tail_rows_ = (overrun + width - 1) / width;
    piece_rows_ = std::max({Index{1}, kPieceBytes / (4 * std::max(g_.w.in, g_.w.out)), tail_rows_});
    const Index stage = WholeLines(piece_rows_ * width + overrun) + kLineFloats;
    for (int thread = 0; thread < threads_; ++thread) {
      workspaces_.push_back({Filled(piece_rows_ * pitch_, 0.0F), Filled(stage, 0.0F), nullptr, {}, {}, {}});
      workspaces_.back().slices.reserve(At(g_.d.kernel));
      workspaces_.back().rows.reserve(At(g_.d.kernel * g_.h.kernel));
    }
  }

  // After PlanRows and PlanBands. The ends of a band are partial cache lines, which streaming does not like: it pays
  // for long bands only.
  void PlanStores() {
    if (band_rows_ * width_ < kStreamedElements) stores_ = Stores::kCached;
  }

  // Writes `count` rows from `out` on: write(row, rows, to) computes a piece. In place, where the next row overwrites
  // what it overruns; otherwise by way of the stage.
  template <class WriteRows>
  void WritePieces(Index count, Workspace& space, float* out, const WriteRows& write) const {
    const Index direct = stores_ == Stores::kStreaming ? count : std::max<Index>(0, count - tail_rows_);
    LineStream body(stores_, space.stage.get(), out);
    for (Index row = 0; row < direct; row += piece_rows_) {
      const Index rows = std::min(piece_rows_, direct - row);
      write(row, rows, body.next());
      body.push(rows * width_);
    }
    body.finish();
    if (direct == count) return;
    write(direct, count - direct, space.stage.get());
    Map(Copy(), Stores::kCached, At((count - direct) * width_), out + direct * width_, space.stage.get());
  }

  // Sums down the columns for targets row ... row + rows - 1: of `width` elements. Sources are rows of space.slices,
  // `pitch` apart, and perhaps prefetched.
  ColumnSums SumColumns(const Sources& sources, Index row, Index rows, Rows<float> to, Index width, Index pitch,
                        bool prefetched, Workspace& space) const {
    const Index step = sources.step() * pitch;
    for (Index done = 0; done < rows;) {
      space.rows.clear();
      for (const float* slice : space.slices)
        for (const Index source : sources.of(row + done)) space.rows.push_back(slice + source * pitch);
      const bool none = space.rows.empty();
      const RowRun run{std::min(sources.run(row + done), rows - done), width, step, to.pitch,
                       prefetched && !none ? step : 0};
      SumRows(run, space.rows, to.data + done * to.pitch);
      done += run.rows;
    }
    return {rows, to.pitch};
  }

  Index width_ = 0;
  Index pitch_ = 0;       // of rows of columns
  Index tail_rows_ = 0;   // that overrun the last row of a band
  Index piece_rows_ = 0;  // of a piece, at most
  std::vector<Workspace> workspaces_;
};

// A row of windows: at (od, oh) of its image, and `row` of all.
struct WindowRow {
  Index od, oh, row;
};

// Rows of windows, from rows of inputs.
class WindowSumForward : public WindowSumKernel {
 protected:
  WindowSumForward(const PoolGeometry& g, int threads)
      : WindowSumKernel(g, threads),
        slices_(Sources::inputs_of_windows(g_.d)),
        rows_of_(Sources::inputs_of_windows(g_.h)) {
    const Index read = (std::max(g_.w.out, Lanes()) - 1) * g_.w.stride + g_.w.extent();
    const Index written = g_.w.pad + std::max(g_.w.in, Lanes());
    PlanRows(g_.w.out, std::max<Index>(0, Lanes() - g_.w.out), std::max(read, written) + Lanes());
    PlanBands(g_.h.out, 4 * (g_.h.stride * g_.w.in + g_.w.out));
    PlanStores();
    for (Workspace& space : workspaces_) {
      space.taps.resize(1);
      for (Index k = 0; k < g_.w.kernel; ++k) space.taps[0].push_back(space.columns.get() + k * g_.w.dilation);
    }
  }

  // dst = finish_of(row)(sum, ow), where finish_of tells it of a row and those behind it.
  template <class FinishOf>
  void WriteWindows(const float* src, float* dst, const FinishOf& finish_of) {
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
};

// Rows of inputs, from rows of windows: each window sends its share to every input that it sees, so that an input
// gathers a box of windows. Every element is written once.
class WindowSumGradient : public WindowSumKernel {
 protected:
  // What a window sends is its diff_dst as it is (`direct`), or what is made of that.
  WindowSumGradient(const PoolGeometry& g, bool direct, int threads)
      : WindowSumKernel(g, threads),
        slices_(Sources::windows_over_inputs(g_.d)),
        rows_of_(Sources::windows_over_inputs(g_.h)),
        direct_(direct),
        gap_(WholeLines(g_.w.extent() / g_.w.stride + 1)),
        share_pitch_(direct ? g_.w.out : std::max(g_.w.out, Lanes())) {
    const Index groups = std::max((g_.w.in + g_.w.stride - 1) / g_.w.stride, Lanes());
    PlanRows(g_.w.in, groups * g_.w.stride - g_.w.in,
             gap_ + std::max(g_.w.out, groups + g_.w.pad / g_.w.stride + 2) + Lanes());
    PlanBands(g_.h.in, 4 * (g_.w.in + g_.d.kernel * g_.w.out / g_.h.stride));
    PlanStores();
    share_rows_ = (band_rows_ + g_.h.extent()) / g_.h.stride + 2;
    for (Workspace& space : workspaces_) {
      if (!direct) space.shares = Filled(g_.d.kernel * share_rows_ * share_pitch_, 0.0F);
      space.taps = PhasesOf(space.columns.get() + gap_);
    }
  }

  // A window sends share_of(row)(diff_dst, ow), where share_of tells it of a row and those behind it.
  template <class ShareOf>
  void Gather(const float* diff_dst, float* diff_src, const ShareOf& share_of) {
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      FindShares(diff_dst, band, share_of, space);
      float* to = diff_src + ((band.plane * g_.d.in + band.slice) * g_.h.in + band.row) * g_.w.in;
      WritePieces(band.rows, space, to, [&](Index row, Index rows, float* at) {
        const Rows<float> into{space.columns.get() + gap_, pitch_};
        const ColumnSums columns =
            SumColumns(rows_of_, band.row + row, rows, into, g_.w.out, share_pitch_, direct_, space);
        SumPhases(columns, space.taps, g_.w.in, at);
      });
    });
  }

 private:
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
  template <class ShareOf>
  void FindShares(const float* diff_dst, const Band& band, const ShareOf& share_of, Workspace& space) const {
    const Index first = std::clamp<Index>(g_.h.first_window(band.row), 0, g_.h.out);
    const Index end = std::clamp<Index>((band.row + band.rows - 1 + g_.h.pad) / g_.h.stride + 1, first, g_.h.out);
    space.slices.clear();
    for (const Index od : slices_.of(band.slice)) {
      const Index row = (band.plane * g_.d.out + od) * g_.h.out;
      const float* slice = diff_dst + row * g_.w.out;
      if (!direct_) {
        const Index number = static_cast<Index>(space.slices.size());
        float* shares = space.shares.get() + (number * share_rows_ - first) * share_pitch_;
        const auto share = share_of(WindowRow{od, first, row + first});
        for (Index oh = first; oh < end; ++oh)
          FinishRow(slice + oh * g_.w.out, g_.w.out, share.OfRow(oh - first), shares + oh * share_pitch_);
        slice = shares;
      }
      space.slices.push_back(slice);
    }
  }

  const Sources slices_, rows_of_;  // windows over inputs
  const bool direct_;
  const Index gap_;  // zeros in front of the sums of the columns
  const Index share_pitch_;
  Index share_rows_ = 0;  // rows of windows that a band sees of a slice
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUM_KERNELS_INL_H
