// What pools that sum windows share forward and back.

#if defined(GRADPROOF_WINDOW_SUM_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SUM_KERNEL_INL_H
#undef GRADPROOF_WINDOW_SUM_KERNEL_INL_H
#else
#define GRADPROOF_WINDOW_SUM_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
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
// And where it is swept (Zen 5, gradients of 14 x 14 elements, 3 x 3 windows: 0.4 of the speed streamed).
constexpr Index kStreamedSweep = 256;

// The larger side of a band that is swept: what is fetched during one must still be in the L1 cache when its turn
// comes. Gradients fetch less than they write.
constexpr Index kSweptSumBytes = Index{8} << 10;
constexpr Index kSpreadBytes = Index{16} << 10;

// Of what a band reads a bit more is fetched than it has: it need not start and end with a line, and a line that is
// missing is waited for.
constexpr Index kFetchedBeyond = 2 * kLineFloats;

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

  // After PlanBands. The ends of a band are partial cache lines, which streaming does not like: it pays for long bands
  // only.
  void PlanStores(Index row_elements, Index least) {
    if (band_rows_ * row_elements < least) stores_ = Stores::kCached;
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

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUM_KERNEL_INL_H
