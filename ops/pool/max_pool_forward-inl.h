// max_pool forward.

#if defined(GRADPROOF_MAX_POOL_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_MAX_POOL_FORWARD_INL_H
#undef GRADPROOF_MAX_POOL_FORWARD_INL_H
#else
#define GRADPROOF_MAX_POOL_FORWARD_INL_H
#endif

#include <hwy/highway.h>

#include "ops/pool/max_pool.h"
#include "ops/pool/phase_rows-inl.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/window_maxima-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Each band of output rows: input rows into phases, maxima along rows, maxima of those along columns and depth. A
// maximum in a row is found once for all windows that share the row, and each step is one sweep over all images of the
// band.
template <typename T>
class MaxPoolForward final : public PoolKernel {
 public:
  MaxPoolForward(const MaxPoolAttributes& a, int threads) : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads) {
    pitch_ = g_.w.out + g_.w.max_shift();
    PlanBands(g_.h.out, pitch_ * g_.h.phase_count() * (4 * g_.w.phase_count() + 8 * g_.d.kernel) + 10 * pitch_);
    cell_rows_ = band_rows_ + g_.h.max_shift();
    phase_size_ = images_ * cell_rows_ * pitch_;
    block_ = WithSlack(g_.h.phase_count() * phase_size_);
    plane_size_ = block_ + kSlack;
    for (Index tap = 0; tap < g_.w.kernel; ++tap)
      row_offsets_.push_back(g_.w.plane[At(tap)] * plane_size_ + g_.w.shift[At(tap)]);
    for (Index phase : g_.w.phases) runs_.push_back(g_.w.run(phase, pitch_));
    const Index dense = WithSlack(phase_size_);
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back(
          {Filled(g_.w.phase_count() * plane_size_, kLowest), Filled(g_.d.kernel * block_ + kSlack, kLowest),
           Filled(g_.d.kernel * block_ + kSlack, std::int32_t{0}), Filled(dense, 0.0F), Filled(dense, T{0}),
           Filled(dense, 0.0F), Filled(dense, T{0}), std::vector<TapRow>(At(g_.d.kernel * g_.h.kernel))});
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index rows = std::min(band_rows_, g_.h.out - band.row);
      Maxima(space, src + band.plane * g_.in_count(), band, rows);
      const Index at = ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      const auto count = static_cast<size_t>(band.images * rows * g_.w.out);
      Map(Copy(), stores_, count, dst + at, space.dst.get());
      Map(Copy(), stores_, count, argmax + at, space.argmax.get());
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> cells;        // [phase w][phase h][cell row][pitch]
    AlignedMemory<float> best;         // [kd][phase h][cell row][pitch]
    AlignedMemory<std::int32_t> taps;  // as best
    AlignedMemory<float> gapped;       // [row][pitch]
    AlignedMemory<T> gapped_argmax;
    AlignedMemory<float> dst;  // [row][ow]
    AlignedMemory<T> argmax;
    std::vector<TapRow> rows;
  };

  void Maxima(Workspace& space, const float* src, const Band& band, Index rows) const {
    Index tap_rows = 0;
    for (Index kd = 0, block = 0; kd < g_.d.kernel; ++kd) {
      const Index id = g_.d.input_of(band.slice, kd);
      if (id < 0 || id >= g_.d.in) continue;
      SplitRows(src + id * g_.h.in * g_.w.in, band, rows, space.cells.get());
      WithConstant(g_.w.kernel, [&](auto taps) HWY_ATTR {
        RowMaxima<taps()>(space.cells.get(), row_offsets_, g_.h.phase_count() * phase_size_, space.best.get() + block,
                          space.taps.get() + block);
      });
      for (Index kh = 0; kh < g_.h.kernel; ++kh)
        space.rows[At(tap_rows++)] = {block + g_.h.plane[At(kh)] * phase_size_ + g_.h.shift[At(kh)] * pitch_,
                                      static_cast<std::int32_t>((kd * g_.h.kernel + kh) * g_.w.kernel)};
      block += block_;
    }
    const bool gaps = pitch_ != g_.w.out || (band.images > 1 && g_.h.max_shift() > 0);
    float* dst = gaps ? space.gapped.get() : space.dst.get();
    T* argmax = gaps ? space.gapped_argmax.get() : space.argmax.get();
    bool lowest = false;
    WithConstant(tap_rows, [&](auto n) HWY_ATTR {
      lowest = ColumnMaxima<n()>(space.best.get(), space.taps.get(), space.rows.data(), tap_rows,
                                 ((band.images - 1) * cell_rows_ + rows) * pitch_, dst, argmax);
    });
    for (Index image = 0; gaps && image < band.images; ++image) {
      const Index from = image * cell_rows_ * pitch_;
      const Index to = image * rows * g_.w.out;
      CloseGaps(Rows<const float>{dst + from, pitch_}, rows, g_.w.out, space.dst.get() + to);
      CloseGaps(Rows<const T>{argmax + from, pitch_}, rows, g_.w.out, space.argmax.get() + to);
    }
    if (lowest) PreferInput(space, band, rows);
  }

  // Phases of the input rows that the windows of the band see, as far as there are such: above and below is padding.
  void SplitRows(const float* slice, const Band& band, Index rows, float* cells) const {
    const Index cell_rows = rows + g_.h.max_shift();
    for (Index phase : g_.h.phases) {
      const Index ih = band.row * g_.h.stride + phase - g_.h.pad;  // of the first cell row
      const Index above = std::clamp<Index>((g_.h.stride - 1 - ih) / g_.h.stride, 0, cell_rows);
      const Index inside = std::clamp<Index>((g_.h.in - ih + g_.h.stride - 1) / g_.h.stride, above, cell_rows);
      for (Index image = 0; image < band.images; ++image) {
        const float* in = slice + image * g_.in_count() + (ih + above * g_.h.stride) * g_.w.in;
        float* out = cells + image * cell_rows_ * pitch_;
        FillRows(out, above);
        SplitColumns({in, g_.h.stride * g_.w.in}, inside - above, out + above * pitch_);
        FillRows(out + inside * pitch_, cell_rows - inside);
      }
      cells += phase_size_;
    }
  }

  void FillRows(float* cells, Index rows) const {
    for (Index phase = 0; phase < g_.w.phase_count() && rows > 0; ++phase, cells += plane_size_)
      std::fill_n(cells, rows * pitch_, kLowest);
  }

  void SplitColumns(Rows<const float> in, Index rows, float* cells) const {
    const auto out = [&](size_t phase) {
      return Rows<float>{cells + static_cast<Index>(phase) * plane_size_ + runs_[phase].cell, pitch_};
    };
    if (g_.w.stride == 1) {
      TakeAll({in.data + runs_[0].input, in.pitch}, rows, out(0), runs_[0].count);
    } else if (g_.w.stride == 2 && runs_.size() == 2) {
      const size_t even = runs_[0].input == 0 ? 0 : 1;
      TakePhases(in, rows, out(even), runs_[even].count, out(1 - even), runs_[1 - even].count);
    } else {
      for (size_t phase = 0; phase < runs_.size(); ++phase)
        TakeEvery(g_.w.stride, {in.data + runs_[phase].input, in.pitch}, rows, out(phase), runs_[phase].count);
    }
  }

  // Padding is -inf like any other -inf, but is never chosen: where the maximum is -inf, all input in the window is,
  // and the first tap within the input is the answer. Rare, so scalar.
  void PreferInput(Workspace& space, const Band& band, Index rows) const {
    for (Index i = 0; i < band.images * rows * g_.w.out; ++i)
      if (space.dst[At(i)] == kLowest) {
        const Index kd = g_.d.first_tap(band.slice);
        const Index kh = g_.h.first_tap(band.row + i / g_.w.out % rows);
        space.argmax[At(i)] = static_cast<T>((kd * g_.h.kernel + kh) * g_.w.kernel + g_.w.first_tap(i % g_.w.out));
      }
  }

  Index pitch_ = 0;       // cells of a row of a phase
  Index cell_rows_ = 0;   // rows of a phase of an image
  Index phase_size_ = 0;  // cells of a phase of the rows, over all images
  Index block_ = 0;       // cells of all phases of the rows, with slack
  Index plane_size_ = 0;  // from one phase of the columns to the next
  std::vector<Index> row_offsets_;
  std::vector<PhaseAxis::Run> runs_;
  std::vector<Workspace> workspaces_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MAX_POOL_FORWARD_INL_H
