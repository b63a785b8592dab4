// Weight gradient of depthwise convolutions, a channel in each lane.
#include "ops/conv/lane_conv.h"
#include "ops/conv/planes.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/lane_weights_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lane_planes-inl.h"

#ifndef GRADPROOF_LANE_WEIGHTS_ONCE
#define GRADPROOF_LANE_WEIGHTS_ONCE
namespace gradproof {
namespace {

// Rows of outputs, depth and height taken together, in bands of about 128 outputs: the chain of additions of a sum.
struct OutputBands {
  Index all_rows, rows, count;
  explicit OutputBands(const Window& window)
      : all_rows(window.axes[0].out() * window.axes[1].out()),
        rows(std::clamp<Index>(128 / window.axes[2].out(), 1, all_rows)),
        count((all_rows + rows - 1) / rows) {}
};

}  // namespace
}  // namespace gradproof
#endif  // GRADPROOF_LANE_WEIGHTS_ONCE

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// sums[t] += sum over rows q and pixels i of a[q][i] * plane[places[q] + i * step + offsets[t]].
struct LaneDots {
  const float* a;  // [row][pixel][lane]
  const float* plane;
  const Index* places;  // of the rows
  Index rows, width, step;
  const std::int32_t* offsets;
  float* sums;  // [tap][lane]
};

template <Index kTaps>
HWY_NOINLINE void AddDots(const LaneDots& dots) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> sum[kTaps];
  Index offset[kTaps];
#pragma GCC unroll 16
  for (Index t = 0; t < kTaps; ++t) {
    sum[t] = hn::Zero(d);
    offset[t] = dots.offsets[t];
  }
  const float* a = dots.a;
  const Index step = dots.step, width = dots.width;
  for (Index q = 0; q < dots.rows; ++q) {
    const float* x = dots.plane + dots.places[q];
    for (Index i = 0; i < width; ++i, a += kChannelLanes, x += step) {
      const auto left = hn::Load(d, a);
#pragma GCC unroll 16
      for (Index t = 0; t < kTaps; ++t) sum[t] = hn::MulAdd(left, hn::Load(d, x + offset[t]), sum[t]);
    }
  }
#pragma GCC unroll 16
  for (Index t = 0; t < kTaps; ++t) {
    float* to = dots.sums + t * kChannelLanes;
    hn::Store(hn::Add(hn::Load(d, to), sum[t]), d, to);
  }
}

// An image's block of channels at a time: src transposed into planes with their padding, diff_dst as it lies,
// both [pixel][lane]. Every sum is a chain a band, bands and images added in order.
class LaneWeights final : public ConvSum {
 public:
  LaneWeights(const ConvShape& s, int threads)
      : shape_(s),
        threads_(threads),
        geometry_(ConvGeometry::forward_unphased(s.window)),
        bands_(s.window),
        phase_pitch_(geometry_.planes.phase_pitch(1)),
        plane_rows_(rows_of_planes(geometry_.planes, phase_pitch_)),
        out_at_(phase_pitch_ * geometry_.planes.phase_count()),
        workspace_size_((out_at_ + s.window.out_count()) * kChannelLanes),
        workspace_(zeroed_floats(threads * workspace_size_)),
        sums_(zeroed_floats((s.g + kChannelLanes - 1) / kChannelLanes * s.window.taps() * kChannelLanes)),
        prefetches_(stores_for(static_cast<size_t>(4 * s.mb * s.g * (s.window.in_count() + s.window.out_count()))) ==
                    Stores::kStreaming) {
    for (const Tap& tap : geometry_.subs[0].taps)
      offsets_.push_back(static_cast<std::int32_t>((tap.phase * phase_pitch_ + tap.offset) * kChannelLanes));
    for (Index d = 0; d < geometry_.output[0]; ++d)
      for (Index h = 0; h < geometry_.output[1]; ++h)
        places_.push_back(geometry_.planes.offset(d, s.window.axes[1].stride * h, 0) * kChannelLanes);
  }

  void run(const float* src, const float* diff_dst, const float*, float* diff_weights) override {
    const Index blocks = (shape_.g + kChannelLanes - 1) / kChannelLanes;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      RunBlocks(blocks * thread / threads_, blocks * (thread + 1) / threads_, src, diff_dst,
                workspace_.get() + thread * workspace_size_, diff_weights);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kMostTaps = 9;  // sums in registers; with nine the latency of multiply-adds is hidden

  // Image by image, as they lie in memory.
  void RunBlocks(Index first, Index last, const float* src, const float* diff_dst, float* space, float* diff_weights) {
    const Index taps = shape_.window.taps();
    std::fill_n(Sums(first), Sums(last) - Sums(first), 0.0F);
    for (Index n = 0; n < shape_.mb; ++n)
      for (Index block = first; block < last; ++block) AddBlock(n, block, src, diff_dst, space);
    for (Index block = first; block < last; ++block)
      LanesToRows(Sums(block), taps, ChannelRows<float>(diff_weights, taps, block * kChannelLanes, shape_.g));
  }

  float* Sums(Index block) const { return sums_.get() + block * shape_.window.taps() * kChannelLanes; }

  void AddBlock(Index n, Index block, const float* src, const float* diff_dst, float* space) const {
    const Index in_count = shape_.window.in_count(), out_count = shape_.window.out_count();
    const Index first = block * kChannelLanes;
    const ChannelRows<const float> in(src + n * shape_.g * in_count, in_count, first, shape_.g);
    const ChannelRows<const float> out(diff_dst + n * shape_.g * out_count, out_count, first, shape_.g);
    for (const PlaneRows& rows : plane_rows_)
      for (Index row = 0; row < rows.rows; ++row)
        RowsToLanes(in, rows.source + row * rows.source_pitch, rows.count,
                    space + (rows.place + row * rows.place_pitch) * kChannelLanes);
    RowsToLanes(out, 0, out_count, space + out_at_ * kChannelLanes);
    const bool has_next = prefetches_ && (n + 1) * shape_.g > first + kChannelLanes;
    for (Index row = 0; row < bands_.all_rows; row += bands_.rows) {
      const Index rows = std::min(bands_.rows, bands_.all_rows - row);
      if (has_next) {
        PrefetchPlanes(in.of[kChannelLanes - 1] + in_count, in_count, row, rows);
        PrefetchPlanes(out.of[kChannelLanes - 1] + out_count, out_count, row, rows);
      }
      AddBand(row, rows, space, Sums(block));
    }
  }

  // The part of the next block's planes of `count` elements that falls to rows [row, row + rows).
  HWY_INLINE void PrefetchPlanes(const float* planes, Index count, Index row, Index rows) const {
    const Index size = kChannelLanes * count;
    const Index end = size * (row + rows) / bands_.all_rows;
    for (Index i = size * row / bands_.all_rows / kLineFloats * kLineFloats; i < end; i += kLineFloats)
      hwy::Prefetch(planes + i);
  }

  void AddBand(Index first_row, Index rows, float* space, float* sums) const {
    static constexpr auto kTable = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
      return std::array<void (*)(const LaneDots&), kMostTaps>{&AddDots<kIndex + 1>...};
    }
    (std::make_index_sequence<kMostTaps>());
    const Index width = geometry_.output[2];
    const Index taps = shape_.window.taps();
    for (Index tap = 0; tap < taps; tap += kMostTaps) {
      LaneDots dots;
      dots.a = space + (out_at_ + first_row * width) * kChannelLanes;
      dots.plane = space;
      dots.places = places_.data() + first_row;
      dots.rows = rows;
      dots.width = width;
      dots.step = shape_.window.axes[2].stride * kChannelLanes;
      dots.offsets = offsets_.data() + tap;
      dots.sums = sums + tap * kChannelLanes;
      kTable[static_cast<size_t>(std::min(kMostTaps, taps - tap) - 1)](dots);
    }
  }

  ConvShape shape_;
  int threads_;
  ConvGeometry geometry_;
  OutputBands bands_;
  Index phase_pitch_;
  std::vector<PlaneRows> plane_rows_;  // of a channel
  Index out_at_;                       // in the workspace, behind the planes, in vectors
  Index workspace_size_;
  AlignedMemory<float> workspace_;
  AlignedMemory<float> sums_;  // [block][tap][lane]
  bool prefetches_;            // the tensors exceed the caches
  std::vector<std::int32_t> offsets_;
  std::vector<Index> places_;  // of the rows of outputs
};

std::unique_ptr<ConvSum> PlanLaneWeights(const ConvShape& shape, int threads) {
  return std::make_unique<LaneWeights>(shape, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanLaneWeights);

std::unique_ptr<ConvSum> plan_lane_weights(const ConvShape& shape, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanLaneWeights)(shape, threads);
}

// A chain a band (one rounding more where multiply and add do not fuse), and an addition a band and image.
double lane_weights_depth(const ConvShape& shape) {
  const OutputBands bands(shape.window);
  return static_cast<double>(bands.rows * shape.window.axes[2].out() + 1 + bands.count * shape.mb);
}

}  // namespace gradproof
#endif  // HWY_ONCE
