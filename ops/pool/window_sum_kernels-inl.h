// Sums or averages of windows, and their gradients.

#if defined(GRADPROOF_WINDOW_SUM_KERNELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SUM_KERNELS_INL_H
#undef GRADPROOF_WINDOW_SUM_KERNELS_INL_H
#else
#define GRADPROOF_WINDOW_SUM_KERNELS_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/linear_pool.h"
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

  WindowSumKernel(const LinearPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads), average_(a.average), divisors_(a.divisors()) {
    // Axes that were merged have one tap a window.
    divisors_[0].resize(At(g_.d.out), 1.0F);
    divisors_[1].resize(At(g_.h.out), 1.0F);
    divisors_[2].resize(At(g_.w.out + Lanes()), 1.0F);
  }

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

  const bool average_;
  std::array<std::vector<float>, 3> divisors_;  // of windows, along each axis
  Index width_ = 0;
  Index pitch_ = 0;       // of rows of columns
  Index tail_rows_ = 0;   // that overrun the last row of a band
  Index piece_rows_ = 0;  // of a piece, at most
  std::vector<Workspace> workspaces_;
};

// Rows of windows, from rows of inputs.
class WindowSumForward final : public WindowSumKernel {
 public:
  WindowSumForward(const LinearPoolAttributes& a, int threads)
      : WindowSumKernel(a, threads),
        slices_(Sources::inputs_of_windows(g_.d)),
        rows_of_(Sources::inputs_of_windows(g_.h)) {
    const Index read = (std::max(g_.w.out, Lanes()) - 1) * g_.w.stride + g_.w.extent();
    const Index written = g_.w.pad + std::max(g_.w.in, Lanes());
    PlanRows(g_.w.out, std::max<Index>(0, Lanes() - g_.w.out), std::max(read, written) + Lanes());
    PlanBands(g_.h.out, 4 * (g_.h.stride * g_.w.in + g_.w.out));
    for (Workspace& space : workspaces_) {
      space.taps.resize(1);
      for (Index k = 0; k < g_.w.kernel; ++k) space.taps[0].push_back(space.columns.get() + k * g_.w.dilation);
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      space.slices.clear();
      for (const Index id : slices_.of(band.slice))
        space.slices.push_back(src + (band.plane * g_.d.in + id) * g_.h.in * g_.w.in);
      float* to = dst + ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      WritePieces(band.rows, space, to,
                  [&](Index row, Index rows, float* at) { SumWindows(band.slice, band.row + row, rows, space, at); });
    });
  }

 private:
  // The sums along a row of columns start with the first tap of window 0.
  void SumWindows(Index od, Index oh, Index rows, Workspace& space, float* to) const {
    const Rows<float> into{space.columns.get() + g_.w.pad, pitch_};
    const ColumnSums columns = SumColumns(rows_of_, oh, rows, into, g_.w.in, g_.w.in, true, space);
    const Terms& taps = space.taps[0];
    if (average_) {
      const Quotient quotient{divisors_[2].data(), &divisors_[1][At(oh)], divisors_[0][At(od)]};
      SumTaps(columns, taps, g_.w.stride, g_.w.out, quotient, to);
    } else {
      SumTaps(columns, taps, g_.w.stride, g_.w.out, Whole(), to);
    }
  }

  const Sources slices_, rows_of_;  // inputs of windows
};

// Rows of inputs, from rows of windows: each window sends its share to every input that it sees, so that an input
// gathers a box of windows. Every element is written once.
class WindowSumGradient final : public WindowSumKernel {
 public:
  WindowSumGradient(const LinearPoolAttributes& a, int threads)
      : WindowSumKernel(a, threads),
        slices_(Sources::windows_over_inputs(g_.d)),
        rows_of_(Sources::windows_over_inputs(g_.h)),
        gap_(WholeLines(g_.w.extent() / g_.w.stride + 1)),
        share_pitch_(std::max(g_.w.out, Lanes())) {
    const Index groups = std::max((g_.w.in + g_.w.stride - 1) / g_.w.stride, Lanes());
    PlanRows(g_.w.in, groups * g_.w.stride - g_.w.in,
             gap_ + std::max(g_.w.out, groups + g_.w.pad / g_.w.stride + 2) + Lanes());
    PlanBands(g_.h.in, 4 * (g_.w.in + g_.d.kernel * g_.w.out / g_.h.stride));
    share_rows_ = (band_rows_ + g_.h.extent()) / g_.h.stride + 2;
    for (Workspace& space : workspaces_) {
      if (average_) space.shares = Filled(g_.d.kernel * share_rows_ * share_pitch_, 0.0F);
      space.taps = PhasesOf(space.columns.get() + gap_);
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    const Index pitch = average_ ? share_pitch_ : g_.w.out;
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      FindShares(diff_dst + band.plane * g_.out_count(), band, space);
      float* to = diff_src + ((band.plane * g_.d.in + band.slice) * g_.h.in + band.row) * g_.w.in;
      WritePieces(band.rows, space, to, [&](Index row, Index rows, float* at) {
        const Rows<float> into{space.columns.get() + gap_, pitch_};
        const ColumnSums columns = SumColumns(rows_of_, band.row + row, rows, into, g_.w.out, pitch, !average_, space);
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

  // What the windows over a band send to each of their inputs: their diff_dst, or the quotients of it.
  void FindShares(const float* diff_dst, const Band& band, Workspace& space) const {
    const Index first = std::clamp<Index>(g_.h.first_window(band.row), 0, g_.h.out);
    const Index end = std::clamp<Index>((band.row + band.rows - 1 + g_.h.pad) / g_.h.stride + 1, first, g_.h.out);
    space.slices.clear();
    for (const Index od : slices_.of(band.slice)) {
      const float* diff = diff_dst + od * g_.h.out * g_.w.out;
      if (average_) {
        float* shares =
            space.shares.get() + (static_cast<Index>(space.slices.size()) * share_rows_ - first) * share_pitch_;
        const Quotient quotient{divisors_[2].data(), divisors_[1].data(), divisors_[0][At(od)]};
        for (Index oh = first; oh < end; ++oh)
          DivideRow(diff + oh * g_.w.out, g_.w.out, quotient.OfRow(oh), shares + oh * share_pitch_);
        diff = shares;
      }
      space.slices.push_back(diff);
    }
  }

  const Sources slices_, rows_of_;  // windows over inputs
  const Index gap_;                 // zeros in front of the sums of the columns
  const Index share_pitch_;
  Index share_rows_ = 0;  // rows of windows that a band sees of a slice
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUM_KERNELS_INL_H
