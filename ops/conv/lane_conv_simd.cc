// Forward pass and data gradient of depthwise convolutions, a channel in each lane.
#include "ops/conv/lane_conv.h"

#include "ops/conv/planes.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/lane_conv_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lane_planes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Neighbours of a row: out[j] = bias + sum over taps t of weights[t] * plane[offsets[t] + j * step].
struct LanePixels {
  const float* plane;
  Index step;
  const std::int32_t* offsets;
  const float* weights;  // [tap][lane]
  Index taps;
  const float* bias;  // [lane]
  float* out;
  Index out_step;
};

// Taps come in runs of kRun neighbours; where that is more than one, the step is one pixel, and an element is loaded
// once for all taps of a run that see it (0.84 of the time with AVX2, 0.95 with AVX-512, 7x7 and 14x14, Zen 5).
template <Index kCount, Index kRun>
HWY_NOINLINE void SumPixels(const LanePixels& pixels) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  V sum[kCount];
#pragma GCC unroll 8
  for (Index j = 0; j < kCount; ++j) sum[j] = hn::Zero(d);
  const Index step = kRun > 1 ? kChannelLanes : pixels.step;
  const Index taps = pixels.taps;
  const float* weights = pixels.weights;
  for (Index t = 0; t < taps; t += kRun, weights += kRun * kChannelLanes) {
    const float* x = pixels.plane + pixels.offsets[t];
    V weight[kRun];
#pragma GCC unroll 8
    for (Index r = 0; r < kRun; ++r) weight[r] = hn::Load(d, weights + r * kChannelLanes);
#pragma GCC unroll 16
    for (Index i = 0; i < kCount + kRun - 1; ++i) {
      const V element = hn::Load(d, x + i * step);
#pragma GCC unroll 8
      for (Index r = 0; r < kRun; ++r)
        if (i >= r && i - r < kCount) sum[i - r] = hn::MulAdd(weight[r], element, sum[i - r]);
    }
  }
  const V bias = hn::Load(d, pixels.bias);
#pragma GCC unroll 8
  for (Index j = 0; j < kCount; ++j) hn::Store(hn::Add(sum[j], bias), d, pixels.out + j * pixels.out_step);
}

// An image's block of channels at a time: transposed into planes with their padding, [pixel][lane]; then the taps of
// every output; then transposed back.
class LaneConv final : public ConvSum {
 public:
  LaneConv(const ConvShape& s, bool forward, int threads)
      : shape_(s),
        threads_(threads),
        geometry_(forward ? ConvGeometry::forward_unphased(s.window) : ConvGeometry::data_gradient(s.window)),
        steps_{1, forward ? s.window.axes[1].stride : 1, forward ? s.window.axes[2].stride : 1},
        phase_pitch_(geometry_.planes.phase_pitch(1)),
        plane_rows_(rows_of_planes(geometry_.planes, phase_pitch_)),
        out_at_(phase_pitch_ * geometry_.planes.phase_count()),
        workspace_size_((out_at_ + PixelCount()) * kChannelLanes),
        workspace_(zeroed_floats(threads * workspace_size_)),
        blocks_((s.g + kChannelLanes - 1) / kChannelLanes),
        bias_at_(2 * s.window.taps()),
        weights_size_((bias_at_ + 1) * kChannelLanes),
        weights_(zeroed_floats(blocks_ * weights_size_)),
        prefetches_(stores_for(static_cast<size_t>(4 * s.mb * s.g * (s.window.in_count() + s.window.out_count()))) ==
                    Stores::kStreaming) {
    for (const SubConv& conv : geometry_.subs) subs_.push_back(PlanSub(conv));
  }

  void run(const float* source, const float* weights, const float* bias, float* output) override {
    parallel_tiles(threads_, blocks_, [&](Index block) { LoadWeights(block, weights, bias); });
    const Index items = shape_.mb * blocks_;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* space = workspace_.get() + thread * workspace_size_;
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item)
        RunBlock(item / blocks_, item % blocks_, source, output, space);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static constexpr Index kMostPixels = 8;  // sums at a time: chains enough for two multiply-adds a cycle

  using PixelSums = std::array<void (*)(const LanePixels&), kMostPixels>;  // for one pixel, two, ...

  template <Index kRun>
  static constexpr PixelSums kSums = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return PixelSums{&SumPixels<kIndex + 1, kRun>...};
  }
  (std::make_index_sequence<kMostPixels>());

  struct Sub {
    SubConv conv;
    std::vector<std::int32_t> offsets;  // of the taps, ascending as in the stencils
    std::vector<Index> numbers;
    Index first_tap = 0;  // among those of all sub-convolutions
    const PixelSums* sums = nullptr;
  };

  Index PixelCount() const { return geometry_.output[0] * geometry_.output[1] * geometry_.output[2]; }

  Sub PlanSub(const SubConv& conv) const {
    Sub sub;
    sub.conv = conv;
    if (!subs_.empty()) sub.first_tap = subs_.back().first_tap + static_cast<Index>(subs_.back().numbers.size());
    const auto offset = [&](const Tap& tap) { return tap.phase * phase_pitch_ + tap.offset; };
    std::sort(sub.conv.taps.begin(), sub.conv.taps.end(),
              [&](const Tap& a, const Tap& b) { return offset(a) < offset(b); });
    for (const Tap& tap : sub.conv.taps) {
      sub.offsets.push_back(static_cast<std::int32_t>(offset(tap) * kChannelLanes));
      sub.numbers.push_back(tap.number);
    }
    sub.sums = steps_[2] == 1 && AreTriples(sub.offsets) ? &kSums<3> : &kSums<1>;
    return sub;
  }

  // A block's weights in the order of the sub-convolutions' taps, and its bias.
  void LoadWeights(Index block, const float* weights, const float* bias) {
    const Index taps = shape_.window.taps(), first = block * kChannelLanes;
    float* ordered = weights_.get() + block * weights_size_;
    float* loaded = ordered + taps * kChannelLanes;
    float* last = ordered + bias_at_ * kChannelLanes;
    RowsToLanes(ChannelRows<const float>(weights, taps, first, shape_.g), 0, taps, loaded);
    for (const Sub& sub : subs_)
      for (Index number : sub.numbers) ordered = std::copy_n(loaded + number * kChannelLanes, kChannelLanes, ordered);
    for (Index lane = 0; lane < kChannelLanes; ++lane)  // x + -0 is x, also for x = -0
      last[lane] = bias == nullptr ? -0.0F : bias[std::min(first + lane, shape_.g - 1)];
  }

  void RunBlock(Index n, Index block, const float* source, float* output, float* space) const {
    const Index source_count = geometry_.planes.source_count(), first = block * kChannelLanes;
    const ChannelRows<const float> in(source + n * shape_.g * source_count, source_count, first, shape_.g);
    for (const PlaneRows& rows : plane_rows_)
      for (Index row = 0; row < rows.rows; ++row)
        RowsToLanes(in, rows.source + row * rows.source_pitch, rows.count,
                    space + (rows.place + row * rows.place_pitch) * kChannelLanes);
    const bool has_next = prefetches_ && (n + 1 < shape_.mb || block + 1 < blocks_);
    for (const Sub& sub : subs_)
      RunSub(sub, weights_.get() + block * weights_size_, space,
             has_next && &sub == subs_.data() ? in.of[kChannelLanes - 1] + source_count : nullptr);
    LanesToRows(space + out_at_ * kChannelLanes, PixelCount(),
                ChannelRows<float>(output + n * shape_.g * PixelCount(), PixelCount(), first, shape_.g));
  }

  // Meanwhile memory delivers the source of the next block, if named.
  void RunSub(const Sub& sub, const float* weights, float* space, const float* next) const {
    LanePixels pixels;
    pixels.step = steps_[2] * kChannelLanes;
    pixels.offsets = sub.offsets.data();
    pixels.weights = weights + sub.first_tap * kChannelLanes;
    pixels.taps = static_cast<Index>(sub.offsets.size());
    pixels.bias = weights + bias_at_ * kChannelLanes;
    pixels.out_step = sub.conv.step[2] * kChannelLanes;
    for (Index d = 0; d < sub.conv.count[0]; ++d)
      for (Index h = 0; h < sub.conv.count[1]; ++h) {
        if (next != nullptr && d == 0) PrefetchSource(next, h, sub.conv.count[1]);
        pixels.plane = space + geometry_.planes.offset(d, steps_[1] * h, 0) * kChannelLanes;
        pixels.out = space + (out_at_ + OutputAt(sub.conv, d, h)) * kChannelLanes;
        SumRow(*sub.sums, pixels, sub.conv.count[2]);
      }
  }

  // The part of a block's source that falls to row h of `rows`.
  HWY_INLINE void PrefetchSource(const float* source, Index h, Index rows) const {
    const Index size = kChannelLanes * geometry_.planes.source_count();
    for (Index i = size * h / rows / kLineFloats * kLineFloats; i < size * (h + 1) / rows; i += kLineFloats)
      hwy::Prefetch(source + i);
  }

  Index OutputAt(const SubConv& sub, Index d, Index h) const {
    const Index row = (sub.start[0] + d * sub.step[0]) * geometry_.output[1] + sub.start[1] + h * sub.step[1];
    return row * geometry_.output[2] + sub.start[2];
  }

  // Whether the taps are rows of three neighbours.
  static bool AreTriples(const std::vector<std::int32_t>& offsets) {
    bool result = offsets.size() % 3 == 0;
    for (size_t t = 0; result && t < offsets.size(); ++t)
      result = offsets[t] == offsets[t - t % 3] + static_cast<std::int32_t>(t % 3) * kChannelLanes;
    return result;
  }

  // Shared out evenly: 14 pixels are 7 + 7.
  static void SumRow(const PixelSums& sums, LanePixels pixels, Index count) {
    for (Index blocks = (count + kMostPixels - 1) / kMostPixels; blocks > 0; --blocks) {
      const Index width = (count + blocks - 1) / blocks;
      sums[static_cast<size_t>(width - 1)](pixels);
      pixels.plane += width * pixels.step;
      pixels.out += width * pixels.out_step;
      count -= width;
    }
  }

  ConvShape shape_;
  int threads_;
  ConvGeometry geometry_;
  std::array<Index, 3> steps_;  // between outputs, in elements of the planes
  Index phase_pitch_;
  std::vector<PlaneRows> plane_rows_;  // of a channel
  Index out_at_;                       // in the workspace, behind the planes, in vectors
  Index workspace_size_;
  AlignedMemory<float> workspace_;
  Index blocks_;                  // of channels
  Index bias_at_, weights_size_;  // of a block: weights in order, as loaded, and the bias
  AlignedMemory<float> weights_;
  bool prefetches_;  // the tensors exceed the caches
  std::vector<Sub> subs_;
};

std::unique_ptr<ConvSum> PlanLaneConv(const ConvShape& shape, bool forward, int threads) {
  return std::make_unique<LaneConv>(shape, forward, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanLaneConv);

std::unique_ptr<ConvSum> plan_lane_conv(const ConvShape& shape, bool forward, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanLaneConv)(shape, forward, threads);
}

}  // namespace gradproof
#endif  // HWY_ONCE
