// max_pool forward.

#if defined(GRADPROOF_MAX_POOL_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_MAX_POOL_FORWARD_INL_H
#undef GRADPROOF_MAX_POOL_FORWARD_INL_H
#else
#define GRADPROOF_MAX_POOL_FORWARD_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/max_pool.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/window_maxima-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Each band of output rows: maxima along the input rows, then maxima of those along columns and depth. A maximum in a
// row is found once for all windows that share the row. Vectors of windows whose taps all lie in the row read it where
// it is; the others, at its ends, read a padded copy.
template <typename T>
class MaxPoolForward final : public PoolKernel {
 public:
  MaxPoolForward(const MaxPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads),
        vectors_(g_.w.out),
        pitch_(WholeLines(vectors_.count * Lanes())),
        row_maxima_(ChooseRowMaxima(g_.w)),
        first_taps_(Filled(pitch_, std::int32_t{0})) {
    PlanEnds();
    PlanFirstTaps();
    PlanBands(g_.h.out, 8 * pitch_ * g_.h.stride * g_.d.kernel + 5 * g_.w.out);
    slice_rows_ = (band_rows_ - 1) * g_.h.stride + g_.h.extent();
    const Index maxima = g_.d.kernel * slice_rows_ * pitch_;
    const Index staged = WholeLines(band_rows_ * g_.w.out + Lanes());
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({Filled(slice_rows_ * padded_pitch_, kLowest), Filled(maxima, 0.0F),
                             Filled(maxima, std::int32_t{0}), Filled(staged, 0.0F), Filled(staged, T{0}),
                             std::vector<TapRow>(At(g_.d.kernel * g_.h.kernel))});
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    const bool staged = stores_ == Stores::kStreaming || g_.w.out < Lanes();
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index at = ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      const size_t count = At(band.rows * g_.w.out);
      AlongRows(src + band.plane * g_.in_count(), band, space);
      AlongColumns(band, space, staged ? space.dst.get() : dst + at, staged ? space.argmax.get() : argmax + at);
      if (!staged) return;
      Map(Copy(), stores_, count, dst + at, space.dst.get());
      Map(Copy(), stores_, count, argmax + at, space.argmax.get());
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> padded;       // [input row][padded_pitch], from the first tap of window 0 on
    AlignedMemory<float> best;         // [kd][input row][vector][lane]
    AlignedMemory<std::int32_t> taps;  // as best
    AlignedMemory<float> dst;          // [row][ow]
    AlignedMemory<T> argmax;
    std::vector<TapRow> tap_rows;
  };
  struct Range {
    Index first, end;
  };

  // Which vectors have all their taps in the row, and what of the row the others read.
  void PlanEnds() {
    const auto first_input = [&](Index vector) { return g_.w.input_of(vectors_.Position(vector), 0); };
    const auto end_input = [&](Index vector) {
      return g_.w.input_of(vectors_.Position(vector) + Lanes() - 1, g_.w.kernel - 1) + 1;
    };
    Index& first = inside_.first;
    Index& end = inside_.end;
    while (first < vectors_.count && (first_input(first) < 0 || end_input(first) > g_.w.in)) ++first;
    for (end = first; end < vectors_.count && end_input(end) <= g_.w.in;) ++end;
    if (first > 0) copied_.push_back({0, std::min(end_input(first - 1), g_.w.in)});
    if (end < vectors_.count) copied_.push_back({std::max<Index>(first_input(end), 0), g_.w.in});
    padded_pitch_ = WholeLines(g_.w.pad + std::max(g_.w.in, end_input(vectors_.count - 1)) + Lanes());
  }

  void PlanFirstTaps() {
    for (Index i = 0; i < vectors_.count * Lanes(); ++i) {
      const Index o = vectors_.Position(i / Lanes()) + ElementOfLane(g_.w.stride, i % Lanes());
      if (o < g_.w.out) first_taps_[At(i)] = static_cast<std::int32_t>(g_.w.first_tap(o));
    }
  }

  // The first input row of a band; negative in the padding.
  Index FirstRow(const Band& band) const { return g_.h.input_of(band.row, 0); }

  void AlongRows(const float* src, const Band& band, Workspace& space) const {
    const Index first = std::max<Index>(FirstRow(band), 0);
    const Index end = std::min(g_.h.input_of(band.row + band.rows - 1, g_.h.kernel - 1) + 1, g_.h.in);
    const Index skipped = first - FirstRow(band);
    const Rows<float> padded{space.padded.get() + skipped * padded_pitch_, padded_pitch_};
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index id = g_.d.input_of(band.slice, kd);
      if (!g_.d.holds(id)) continue;
      const Rows<const float> in{src + (id * g_.h.in + first) * g_.w.in, g_.w.in};
      const Index at = (kd * slice_rows_ + skipped) * pitch_;
      const auto maxima = [&](Rows<const float> rows, Range vectors) {
        if (vectors.first < vectors.end)
          row_maxima_(g_.w, rows, end - first, vectors.first, vectors.end, first_taps_.get(),
                      {space.best.get() + at, space.taps.get() + at, pitch_});
      };
      for (const Range& range : copied_)
        CopyPadded(in, end - first, g_.w.in, range.first, range.end, kLowest, {padded.data + g_.w.pad, padded.pitch});
      maxima({padded.data, padded.pitch}, {0, inside_.first});
      maxima({in.data - g_.w.pad, in.pitch}, inside_);
      maxima({padded.data, padded.pitch}, {inside_.end, vectors_.count});
    }
  }

  void AlongColumns(const Band& band, Workspace& space, float* dst, T* argmax) const {
    const auto inside = [&](Index row) {
      return row < band.rows && g_.h.holds(g_.h.input_of(band.row + row, 0)) &&
             g_.h.holds(g_.h.input_of(band.row + row, g_.h.kernel - 1));
    };
    for (Index row = 0; row < band.rows;) {
      Index end = row + 1;  // of rows whose windows have the same taps in the input
      while (inside(row) && inside(end)) ++end;
      PlanTaps(band, row, space.tap_rows);
      const Index out = g_.w.out;
      WithConstant(space.tap_rows.size(), [&](auto n) HWY_ATTR {
        const auto maxima = g_.w.stride == 2 ? ColumnMaxima<2, n(), T> : ColumnMaxima<1, n(), T>;
        maxima(space.best.get(), space.taps.get(), space.tap_rows, g_.h.stride * pitch_, end - row, out,
               dst + row * out, argmax + row * out);
      });
      row = end;
    }
  }

  // The rows of taps in the input of the windows of a row.
  void PlanTaps(const Band& band, Index row, std::vector<TapRow>& rows) const {
    rows.clear();
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      if (!g_.d.holds(g_.d.input_of(band.slice, kd))) continue;
      for (Index kh = 0; kh < g_.h.kernel; ++kh) {
        const Index ih = g_.h.input_of(band.row + row, kh);
        if (g_.h.holds(ih))
          rows.push_back({(kd * slice_rows_ + ih - FirstRow(band)) * pitch_,
                          static_cast<std::int32_t>((kd * g_.h.kernel + kh) * g_.w.kernel)});
      }
    }
  }

  const RowVectors vectors_;  // of a row of windows
  const Index pitch_;         // lanes of those
  const RowMaximaFunction row_maxima_;
  AlignedMemory<std::int32_t> first_taps_;  // [vector][lane]
  Range inside_{0, 0};                      // vectors with all their taps in the row
  std::vector<Range> copied_;               // parts of the row that the others read
  Index padded_pitch_ = 0;
  Index slice_rows_ = 0;  // input rows that a band sees of a slice
  std::vector<Workspace> workspaces_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MAX_POOL_FORWARD_INL_H
