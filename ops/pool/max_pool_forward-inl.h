// max_pool and min_pool forward.

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
#include "ops/pool/window_sweep-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Input of a band that is swept: what is fetched during one must still be in the L1 cache when its turn comes. Higher
// ones would repeat fewer rows (Zen 3, both cores, of a copy's rate: 4 KiB 0.84, 13 KiB 0.78 for 2 x 2, 0.78 and 0.63
// for 3 x 3).
constexpr Index kSweptBytes = Index{4} << 10;

// The maximum along a row of taps is found once for all windows that share it: small windows in one sweep, others by
// way of the maxima along all rows of a band. Vectors of windows whose taps are all in the row read it where it is; the
// others, at its ends, read a padded copy.
template <class Order, typename T>
class MaxPoolForward final : public PoolKernel {
 public:
  MaxPoolForward(const MaxPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads),
        vectors_(g_.w.out),
        sweep_(ChooseSweep<Order, T>(g_)),
        pitch_(WholeLines(vectors_.count * Lanes())),
        first_taps_(Filled(pitch_, std::int32_t{0})) {
    PlanEnds();
    PlanFirstTaps();
    sweep_ ? PlanBands(g_.h.out, RowBytes(), stores_ == Stores::kStreaming ? kSweptBytes : kBandBytes)
           : PlanBands(g_.h.out, 8 * pitch_ * g_.h.stride * g_.d.kernel, kBandBytes);
    half_ = band_rows_ * RowBytes() / 8;
    slice_rows_ = (band_rows_ - 1) * g_.h.stride + g_.h.extent();
    const Index maxima = sweep_ ? 0 : g_.d.kernel * slice_rows_ * pitch_;
    const Index staged = WholeLines(band_rows_ * g_.w.out + Lanes());
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({Filled(slice_rows_ * padded_pitch_, Order::kWorst), Filled(maxima, 0.0F),
                             Filled(maxima, std::int32_t{0}), Filled(staged, 0.0F), Filled(staged, T{0}),
                             std::vector<TapRow>(At(g_.d.kernel * g_.h.kernel))});
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    const bool staged = stores_ == Stores::kStreaming || g_.w.out < Lanes();
    ForEachBandByTurns(g_.d.out, [&](Index thread, const Band& band, const Upcoming& upcoming) {
      Workspace& space = workspaces_[At(thread)];
      const Index at = ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      const size_t count = At(band.rows * g_.w.out);
      float* to = staged ? space.dst.get() : dst + at;
      T* to_argmax = staged ? space.argmax.get() : argmax + at;
      const float* in = src + band.plane * g_.in_count();
      if (sweep_) {
        const InputRows rows = Pad(in + SweptSlice(band) * g_.h.in * g_.w.in, band, space);
        Ahead ahead{InputOf(src, upcoming.next) + half_, InputOf(src, upcoming.after)};
        sweep_(g_, rows, FirstRow(band), band.rows, first_taps_.get(), ahead, to, to_argmax);
      } else {
        AlongRows(in, band, space);
        AlongColumns(band, space, to, to_argmax);
      }
      if (!staged) return;
      Map(Copy(), stores_, count, dst + at, space.dst.get());
      Map(Copy(), Stores::kCached, count, argmax + at, space.argmax.get());
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

  // Input that a row of windows adds to those above.
  Index RowBytes() const { return 4 * g_.h.stride * g_.w.in; }

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

  // The input rows of a band, from FirstRow on as far as they exist; the ends that need it are copied.
  InputRows Pad(const float* slice, const Band& band, Workspace& space) const {
    const Range rows = RowsInside(band);
    const Rows<const float> in{slice + FirstRow(band) * g_.w.in - g_.w.pad, g_.w.in};
    const Index skipped = rows.first - FirstRow(band);
    for (const Range& range : copied_)
      CopyPadded({slice + rows.first * g_.w.in, g_.w.in}, rows.end - rows.first, g_.w.in, range, Order::kWorst,
                 {space.padded.get() + skipped * padded_pitch_ + g_.w.pad, padded_pitch_});
    return {in, {space.padded.get(), padded_pitch_}, inside_};
  }

  // Those of the rows that a band sees that are not padding.
  Range RowsInside(const Band& band) const {
    const Index end = g_.h.input_of(band.row + band.rows - 1, g_.h.kernel - 1) + 1;
    return {std::max<Index>(FirstRow(band), 0), std::min(end, g_.h.in)};
  }

  // The one that a sweep reads.
  Index SweptSlice(const Band& band) const { return g_.d.input_of(band.slice, 0); }

  const float* InputOf(const float* src, const Band& band) const {
    return src + ((band.plane * g_.d.in + SweptSlice(band)) * g_.h.in + RowsInside(band).first) * g_.w.in;
  }

  void AlongRows(const float* src, const Band& band, Workspace& space) const {
    const auto maxima = g_.w.stride == 1   ? RowMaxima<Order, 1>
                        : g_.w.stride == 2 ? RowMaxima<Order, 2>
                                           : RowMaxima<Order, 0>;
    const Range inside = RowsInside(band);
    const Index skipped = inside.first - FirstRow(band);
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index id = g_.d.input_of(band.slice, kd);
      if (!g_.d.holds(id)) continue;
      InputRows rows = Pad(src + id * g_.h.in * g_.w.in, band, space);
      rows.in.data += skipped * rows.in.pitch;
      rows.padded.data += skipped * rows.padded.pitch;
      const Index at = (kd * slice_rows_ + skipped) * pitch_;
      maxima(g_.w, rows, inside.end - inside.first, first_taps_.get(), {space.best.get() + at, pitch_},
             {space.taps.get() + at, pitch_});
    }
  }

  void AlongColumns(const Band& band, Workspace& space, float* dst, T* argmax) const {
    const auto maxima = g_.w.stride == 2 ? ColumnMaxima<Order, 2, T> : ColumnMaxima<Order, 1, T>;
    for (Index row = 0; row < band.rows; ++row) {
      PlanTaps(band, row, space.tap_rows);
      maxima(space.best.get(), space.taps.get(), space.tap_rows, g_.w.out, dst + row * g_.w.out,
             argmax + row * g_.w.out);
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
  const SweepFunction<T> sweep_;
  const Index pitch_;                       // lanes of the vectors
  AlignedMemory<std::int32_t> first_taps_;  // [vector][lane]
  Range inside_{0, 0};                      // vectors with all their taps in the row
  std::vector<Range> copied_;               // parts of the row that the others read
  Index padded_pitch_ = 0;
  Index half_ = 0;        // of the input of a band
  Index slice_rows_ = 0;  // input rows that a band sees of a slice
  std::vector<Workspace> workspaces_;
};

template <class Order>
std::unique_ptr<Kernel> MakeForward(const MaxPoolAttributes& a, int threads) {
  if (a.argmax_type() == ElementType::kUint8) return std::make_unique<MaxPoolForward<Order, std::uint8_t>>(a, threads);
  return std::make_unique<MaxPoolForward<Order, std::int32_t>>(a, threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MAX_POOL_FORWARD_INL_H
