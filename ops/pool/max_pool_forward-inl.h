// max_pool and min_pool forward.

#if defined(GRADPROOF_MAX_POOL_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_MAX_POOL_FORWARD_INL_H
#undef GRADPROOF_MAX_POOL_FORWARD_INL_H
#else
#define GRADPROOF_MAX_POOL_FORWARD_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "ops/pool/max_pool.h"
#include "ops/pool/neighbour_rows-inl.h"
#include "ops/pool/neighbour_sweep-inl.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/pool/window_maxima-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// How to reduce rows, and where among the lanes window 0 is.
struct AlongRows {
  RowFunction run;
  Index first_lane = 0;
  Index vectors;  // of a row

  explicit AlongRows(const PoolAxis& w) : vectors((w.out + Lanes() - 1) / Lanes()) {}
};

template <class Order, Index kStride, Index kTaps, Index kStart>
void UseNeighbours(const PoolAxis& w, AlongRows& along) {
  using Neighbours = NeighboursAlongRow<Order, kStride, kTaps, kStart, WideTaps>;
  along.run = BestsOfNeighbours<Order, kStride, kTaps, kStart, WideTaps>;
  along.first_lane = Neighbours::FirstLane(w);
  along.vectors = Neighbours::Vectors(w);
}

template <class Order>
AlongRows ChooseAlongRows(const PoolAxis& w) {
  AlongRows along(w);
  along.run = w.stride == 1   ? BestsAlongRows<Order, 1>
              : w.stride == 2 ? BestsAlongRows<Order, 2>
                              : BestsAlongRows<Order, 0>;
  const auto neighbours = [&](Index stride, Index taps) {
    return w.dilation == 1 && w.stride == stride && w.kernel == taps;
  };
  if (neighbours(1, 2)) UseNeighbours<Order, 1, 2, -1>(w, along);
  if (neighbours(1, 3)) UseNeighbours<Order, 1, 3, -2>(w, along);
  if (neighbours(2, 2)) w.pad == 0 ? UseNeighbours<Order, 2, 2, 0>(w, along) : UseNeighbours<Order, 2, 2, -1>(w, along);
  if (neighbours(2, 3)) w.pad == 0 ? UseNeighbours<Order, 2, 3, 0>(w, along) : UseNeighbours<Order, 2, 3, -1>(w, along);
  return along;
}

// The best along a row of taps is found once for all windows that share it, a few rows at a time, and then the best of
// those along columns.
template <class Order, typename T>
class MaxPoolForward final : public PoolKernel {
 public:
  MaxPoolForward(const MaxPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads),
        along_rows_(ChooseAlongRows<Order>(g_.w)),
        pitch_(WholeLines(std::max(along_rows_.vectors * Lanes(), along_rows_.first_lane + g_.w.out + Lanes()))),
        first_taps_(Filled(pitch_, std::int32_t{0})) {
    for (Index o = 0; o < g_.w.out; ++o)
      first_taps_.get()[o + along_rows_.first_lane] = static_cast<std::int32_t>(g_.w.first_tap(o));
    for (Index o = 0; o < g_.h.out; ++o)
      taps_inside_.push_back({g_.h.first_tap(o), g_.h.first_tap(o) + g_.h.taps_inside(o)});
    const Index row_bytes = 4 * g_.h.stride * g_.w.in;
    PlanBands(g_.h.out, row_bytes, kSweptBytes);
    step_rows_ = std::clamp<Index>(kStepBytes / row_bytes, 1, band_rows_);
    slice_rows_ = std::min((step_rows_ - 1) * g_.h.stride + g_.h.extent(), g_.h.in);
    const Index bests = g_.d.kernel * slice_rows_ * pitch_;
    // Windows 1 or 2 apart are read in whole vectors, beyond the last one too.
    const Index windows = g_.w.stride > 2 ? g_.w.out : g_.w.out + 2 * Lanes();
    const Index spare = g_.w.pad + std::max(g_.w.in, windows * g_.w.stride + g_.w.extent());
    for (int thread = 0; thread < threads_; ++thread)
      workspaces_.push_back({Filled(bests, 0.0F), Filled(bests, std::int32_t{0}),
                             Filled(WholeLines(spare), Order::kWorst),
                             Filled(WholeLines(step_rows_ * g_.w.out) + kLineFloats, 0.0F),
                             std::vector<TapRow>(At(g_.d.kernel * g_.h.kernel))});
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    T* argmax = static_cast<T*>(arguments[2].data);
    ForEachBand(g_.d.out, [&](Index thread, const Band& band) {
      Workspace& space = workspaces_[At(thread)];
      const Index at = ((band.plane * g_.d.out + band.slice) * g_.h.out + band.row) * g_.w.out;
      LineStream out(stores_, space.staged.get(), dst + at);
      Range before{0, 0};
      for (Index row = 0; row < band.rows; row += step_rows_) {
        const Band step{band.plane, band.slice, band.row + row, std::min(step_rows_, band.rows - row)};
        before = ReduceRows(src + band.plane * g_.in_count(), step, before, space);
        ReduceColumns(step, space, out, argmax + at + row * g_.w.out);
      }
      out.finish();
    });
  }

 private:
  struct Workspace {
    AlignedMemory<float> values;       // [kd][input row of the step][pitch_], of the best along rows
    AlignedMemory<std::int32_t> taps;  // as values
    AlignedMemory<float> spare_row;
    AlignedMemory<float> staged;
    std::vector<TapRow> tap_rows;
  };

  // The input rows that the windows of a step see.
  Range InputRows(const Band& step) const {
    const Index end = g_.h.input_of(step.row + step.rows - 1, g_.h.kernel - 1) + 1;
    return {std::max<Index>(g_.h.input_of(step.row, 0), 0), std::min(end, g_.h.in)};
  }

  // Those of a step, of which some are known from the step before. Returns them.
  Range ReduceRows(const float* src, const Band& step, const Range& before, Workspace& space) const {
    const Range rows = InputRows(step);
    const Index known = std::max<Index>(before.end - rows.first, 0);
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      const Index id = g_.d.input_of(step.slice, kd);
      if (!g_.d.holds(id)) continue;
      const Index slab = kd * slice_rows_ * pitch_;
      if (known > 0) {
        const Index from = slab + (rows.first - before.first) * pitch_;
        std::copy_n(space.values.get() + from, known * pitch_, space.values.get() + slab);
        std::copy_n(space.taps.get() + from, known * pitch_, space.taps.get() + slab);
      }
      const Index to = slab + known * pitch_;
      const RowBests<> bests{space.values.get() + to, space.taps.get() + to, pitch_};
      const Index first = rows.first + known;
      along_rows_.run(g_.w, src + (id * g_.h.in + first) * g_.w.in, rows.end - first, first_taps_.get(), bests,
                      space.spare_row.get());
    }
    return rows;
  }

  void ReduceColumns(const Band& step, Workspace& space, LineStream& out, T* argmax) const {
    float* dst = out.next();
    for (Index row = 0; row < step.rows;) {
      PlanTaps(step, row, space.tap_rows);
      const Index rows = AlikeRows(step, row);
      const size_t count = space.tap_rows.size();
      const auto reduce = count == 2   ? BestsAlongColumns<Order, 2, T>
                          : count == 3 ? BestsAlongColumns<Order, 3, T>
                                       : BestsAlongColumns<Order, 0, T>;
      reduce({space.values.get() + along_rows_.first_lane, space.taps.get() + along_rows_.first_lane,
              space.tap_rows.data(), count, rows, g_.h.stride * pitch_, g_.w.out},
             dst, argmax);
      dst += rows * g_.w.out;
      argmax += rows * g_.w.out;
      row += rows;
    }
    out.push(step.rows * g_.w.out);
  }

  // The rows of taps in the input of the windows of a row.
  void PlanTaps(const Band& step, Index row, std::vector<TapRow>& rows) const {
    const Range taps = taps_inside_[At(step.row + row)];
    const Index first_row = g_.h.input_of(step.row + row, 0) - InputRows(step).first;  // negative in the padding
    rows.clear();
    for (Index kd = 0; kd < g_.d.kernel; ++kd) {
      if (!g_.d.holds(g_.d.input_of(step.slice, kd))) continue;
      for (Index kh = taps.first; kh < taps.end; ++kh)
        rows.push_back({(kd * slice_rows_ + first_row + kh * g_.h.dilation) * pitch_,
                        static_cast<std::int32_t>((kd * g_.h.kernel + kh) * g_.w.kernel)});
    }
  }

  // How many rows of windows from one on have the same taps in the input.
  Index AlikeRows(const Band& step, Index row) const {
    const Range* taps = taps_inside_.data() + step.row;
    Index end = row + 1;
    while (end < step.rows && taps[end].first == taps[row].first && taps[end].end == taps[row].end) ++end;
    return end - row;
  }

  const AlongRows along_rows_;
  const Index pitch_;                       // from the bests of one row to the next
  AlignedMemory<std::int32_t> first_taps_;  // of each lane
  std::vector<Range> taps_inside_;          // along h, of each row of windows
  Index step_rows_ = 0;                     // rows of windows of a step
  Index slice_rows_ = 0;                    // input rows that a step sees of a slice
  std::vector<Workspace> workspaces_;
};

template <class Order>
std::unique_ptr<Kernel> MakeForward(const MaxPoolAttributes& a, int threads) {
  if (auto sweep = MakeNeighbourSweep<Order>(a, threads)) return sweep;
  if (a.argmax_type() == ElementType::kUint8) return std::make_unique<MaxPoolForward<Order, std::uint8_t>>(a, threads);
  return std::make_unique<MaxPoolForward<Order, std::int32_t>>(a, threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_MAX_POOL_FORWARD_INL_H
