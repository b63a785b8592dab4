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
#include "ops/pool/window_sums-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Output that is streamed at a time, so that memory takes it in while the next is summed.
constexpr Index kPieceBytes = Index{2} << 10;

// What both directions share: divisors, and rows of output that end amid a vector.
class WindowSumKernel : public PoolKernel {
 protected:
  WindowSumKernel(const LinearPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads), average_(a.average), divisors_(a.divisors()) {
    // Axes that were merged have one tap a window.
    divisors_[0].resize(At(g_.d.out), 1.0F);
    divisors_[1].resize(At(g_.h.out), 1.0F);
    divisors_[2].resize(At(g_.w.out + Lanes()), 1.0F);
  }

  // Rows of `width` outputs; computing one may overwrite `overrun` elements behind it.
  void PlanRows(Index width, Index overrun) {
    width_ = width;
    tail_rows_ = (overrun + width - 1) / width;
    piece_rows_ = std::max<Index>(1, kPieceBytes / (4 * width));
    stage_size_ = WholeLines(std::max(piece_rows_, tail_rows_) * width + overrun) + kLineFloats;
  }

  // Writes `count` rows from `out` on: write(row, to) computes one. In place, where the next row overwrites what it
  // overruns; otherwise by way of `stage`.
  template <class WriteRow>
  void WriteRows(Index count, float* stage, float* out, const WriteRow& write) const {
    const Index direct = stores_ == Stores::kStreaming ? count : std::max<Index>(0, count - tail_rows_);
    LineStream body(stores_, stage, out);
    for (Index row = 0; row < direct; row += piece_rows_) {
      const Index rows = std::min(piece_rows_, direct - row);
      for (Index i = 0; i < rows; ++i) write(row + i, body.next() + i * width_);
      body.push(rows * width_);
    }
    body.finish();
    for (Index row = direct; row < count; ++row) write(row, stage + (row - direct) * width_);
    Map(Copy(), Stores::kCached, At((count - direct) * width_), out + direct * width_, stage);
  }

  const bool average_;
  std::array<std::vector<float>, 3> divisors_;  // of windows, along each axis
  Index width_ = 0;
  Index tail_rows_ = 0;   // that overrun the last row of a band
  Index piece_rows_ = 0;  // streamed at a time
  Index stage_size_ = 0;
};

// A row of windows: the sum down the columns of its rows of taps, between zeros, and then along that row. Each window
// is summed afresh: a running sum that drops what leaves it rounds more with every step, and keeps a NaN for good.
class WindowSumForward final : public WindowSumKernel {
 public:
  WindowSumForward(const LinearPoolAttributes& a, int threads) : WindowSumKernel(a, threads) {
    PlanRows(g_.w.out, std::max<Index>(0, Lanes() - g_.w.out));
    PlanBands(g_.h.out, 4 * (g_.h.stride * g_.w.in + g_.w.out));
    const Index read = (std::max(g_.w.out, Lanes()) - 1) * g_.w.stride + g_.w.extent();
    const Index written = g_.w.pad + std::max(g_.w.in, Lanes());
    for (int thread = 0; thread < threads_; ++thread) {
      Workspace space{Filled(WholeLines(std::max(read, written) + Lanes()), 0.0F), Filled(stage_size_, 0.0F), {}, {}};
      for (Index k = 0; k < g_.w.kernel; ++k) space.taps.push_back(space.columns.get() + k * g_.w.dilation);
      space.rows.reserve(At(g_.d.kernel * g_.h.kernel));
      workspaces_.push_back(std::move(space));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      float* to = dst + ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      WriteRows(band.rows, space.stage.get(), to, [&](Index row, float* at) {
        SumWindows(src + band.plane * g_.in_count(), band.slice, band.row + row, space, at);
      });
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> columns;  // their sums, from the first tap of window 0 on
    AlignedMemory<float> stage;
    Terms rows, taps;
  };

  void SumWindows(const float* src, Index od, Index oh, Workspace& space, float* to) const {
    space.rows.clear();
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index id = g_.d.input_of(od, kd);
      if (!g_.d.holds(id)) continue;
      for (Index kh = 0; kh < g_.h.kernel; ++kh) {
        const Index ih = g_.h.input_of(oh, kh);
        if (g_.h.holds(ih)) space.rows.push_back(src + (id * g_.h.in + ih) * g_.w.in);
      }
    }
    SumRows(space.rows, g_.w.in, space.columns.get() + g_.w.pad);
    if (average_) {
      const Divide divide{divisors_[0][At(od)] * divisors_[1][At(oh)]};
      SumTaps(space.taps, g_.w.stride, g_.w.out, Quotient{divisors_[2].data(), divide}, to);
    } else {
      SumTaps(space.taps, g_.w.stride, g_.w.out, Whole(), to);
    }
  }

  std::vector<Workspace> workspaces_;
};

// A row of inputs: each window sends its share to every input that it sees, so that an input gathers a box of windows:
// the sum down their columns, between zeros, and then along that row. Every element is written once.
class WindowSumGradient final : public WindowSumKernel {
 public:
  WindowSumGradient(const LinearPoolAttributes& a, int threads)
      : WindowSumKernel(a, threads), gap_(WholeLines(g_.w.extent() / g_.w.stride + 1)) {
    const Index groups = std::max((g_.w.in + g_.w.stride - 1) / g_.w.stride, Lanes());
    PlanRows(g_.w.in, groups * g_.w.stride - g_.w.in);
    PlanBands(g_.h.in, 4 * (g_.w.in + g_.d.kernel * g_.w.out / g_.h.stride));
    share_rows_ = (band_rows_ + g_.h.extent()) / g_.h.stride + 2;
    const Index shares = average_ ? g_.d.kernel * share_rows_ * g_.w.out : 0;
    const Index columns = gap_ + std::max(g_.w.out, groups + g_.w.pad / g_.w.stride + 2) + Lanes();
    for (int thread = 0; thread < threads_; ++thread) {
      Workspace space{Filled(WholeLines(columns), 0.0F),
                      Filled(WholeLines(shares), 0.0F),
                      Filled(stage_size_, 0.0F),
                      {},
                      Terms(At(g_.d.kernel)),
                      {},
                      {}};
      space.phases = PhasesOf(space.columns.get() + gap_);
      space.rows.reserve(At(g_.d.kernel * g_.h.kernel));
      space.summed.reserve(space.rows.capacity());
      workspaces_.push_back(std::move(space));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    ForEachBand(g_.d.in, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      FindShares(diff_dst + band.plane * g_.out_count(), band, space);
      float* to = diff_src + ((band.plane * g_.d.in + band.slice) * g_.h.in + band.row) * g_.w.in;
      space.summed.clear();
      SumRows(space.summed, g_.w.out, space.columns.get() + gap_);
      WriteRows(band.rows, space.stage.get(), to, [&](Index row, float* at) { SumShares(band.row + row, space, at); });
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> columns;  // their sums, of windows 0, 1, ... behind a gap
    AlignedMemory<float> shares;   // quotients: [kd][row of windows][ow]
    AlignedMemory<float> stage;
    std::vector<Terms> phases;
    Terms slices;        // for each kd, where row 0 of the windows is whose taps kd read the slice; or null
    Terms rows, summed;  // rows of windows over a row of inputs; those that `columns` holds the sums of
  };

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
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const float*& slice = space.slices[At(kd)];
      const Index od = g_.d.window_of(band.slice, kd);
      slice = od < 0 ? nullptr : diff_dst + od * g_.h.out * g_.w.out;
      if (!average_ || od < 0) continue;
      float* shares = space.shares.get() + (kd * share_rows_ - first) * g_.w.out;
      for (Index oh = first; oh < end; ++oh)
        Map(Divide{divisors_[0][At(od)] * divisors_[1][At(oh)]}, Stores::kCached, At(g_.w.out), shares + oh * g_.w.out,
            slice + oh * g_.w.out, divisors_[2].data());
      slice = shares;
    }
  }

  void SumShares(Index ih, Workspace& space, float* to) const {
    space.rows.clear();
    for (const float* slice : space.slices) {
      if (slice == nullptr) continue;
      for (Index kh = 0; kh < g_.h.kernel; ++kh)
        if (const Index oh = g_.h.window_of(ih, kh); oh >= 0) space.rows.push_back(slice + oh * g_.w.out);
    }
    if (space.rows != space.summed) {
      SumRows(space.rows, g_.w.out, space.columns.get() + gap_);
      space.summed = space.rows;
    }
    SumPhases(space.phases, g_.w.in, to);
  }

  const Index gap_;       // zeros in front of the sums of the columns
  Index share_rows_ = 0;  // rows of windows that a band sees of a slice
  std::vector<Workspace> workspaces_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUM_KERNELS_INL_H
