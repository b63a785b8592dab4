#include "ops/conv/pixel_conv.h"

#include "ops/conv/geometry.h"
#include "ops/conv/planes.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/pixel_conv_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/lane_planes-inl.h"
#include "ops/simd/outer_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Output channels at a time: a vector of 16, or two of 8, so that few rows of pixels share a broadcast with AVX2 too.
constexpr Index kVectors = kChannelLanes == 8 ? 2 : 1;
constexpr Index kChannels = kVectors * kChannelLanes;

// A block of output channels at a time. Each element is the chain of multiply-adds that the outer kernel makes of it
// with rows and columns exchanged.
class PixelConv final : public ConvSum {
 public:
  PixelConv(const ConvShape& s, int threads)
      : shape_(s),
        threads_(threads),
        geometry_(ConvGeometry::forward(s.window)),
        stack_(MakeStack()),
        pixels_(geometry_.subs[0].pixels()),
        terms_(s.ic_per_group() * s.window.taps()),
        plane_offsets_(stack_.term_offsets(geometry_.subs[0].taps, s.ic_per_group())),
        weights_(zeroed_floats(s.oc * terms_)),
        sums_(zeroed_floats(threads * pixels_ * kChannels)) {
    const auto& [depth, height, width] = geometry_.output;
    for (Index d = 0; d < depth; ++d)
      for (Index h = 0; h < height; ++h)
        for (Index w = 0; w < width; ++w)
          pixel_offsets_.push_back(static_cast<std::int32_t>(geometry_.planes.offset(d, h, w)));
    for (Index k = 0; k < terms_; ++k) weights_offsets_.push_back(static_cast<std::int32_t>(k * kChannels));
  }

  void run(const float* source, const float* weights, const float* bias, float* output) override {
    const Index blocks = shape_.oc / kChannels;
    const Index source_image = shape_.ic * geometry_.planes.source_count();
    parallel_tiles(threads_, shape_.oc / kChannelLanes, [&](Index vector) {
      const Index first = vector * kChannelLanes;
      RowsToLanes({weights, shape_.weights_channels() * shape_.window.taps(), first, shape_.oc}, 0, terms_,
                  weights_.get() + first / kChannels * kChannels * terms_ + first % kChannels, kChannels);
    });
    for (Index n = 0; n < shape_.mb; n += stack_.images) {
      const Index images = std::min(stack_.images, shape_.mb - n);
      const float* from = source + n * source_image;
      if (stack_.is_copy()) PackPlanes(stack_, from, images, threads_);
      const Index items = images * blocks;
      parallel_tiles(threads_, threads_, [&](Index thread) {
        float* sums = sums_.get() + thread * pixels_ * kChannels;
        for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item)
          RunBlock(stack_.base(from) + item / blocks * geometry_.planes.image_pitch(), item % blocks, bias, sums,
                   output + (n + item / blocks) * shape_.oc * pixels_);
      });
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  PlaneStack MakeStack() const {
    const Planes& planes = geometry_.planes;
    if (planes.is_dense()) return PlaneStack::in_place(planes, shape_.ic);
    return PlaneStack::copied(planes, shape_.ic, images_per_stack(planes, shape_.ic, shape_.mb), 0);
  }

  // `output`: of the image.
  void RunBlock(const float* planes, Index block, const float* bias, float* sums, float* output) const {
    const Index channel = block * kChannels;
    const Index group = channel / shape_.oc_per_group();
    OuterProblem problem;
    problem.rows = pixels_;
    problem.depth = terms_;
    problem.a = planes + group * shape_.ic_per_group() * stack_.channel_pitch;
    problem.a_rows = pixel_offsets_.data();
    problem.a_offsets = plane_offsets_.data();
    problem.b = weights_.get() + channel * terms_;
    problem.b_offsets = weights_offsets_.data();
    OuterTile(problem, kChannels, sums, kChannels);
    if (bias != nullptr) AddBias(bias + channel, sums);
    for (Index first = 0; first < kChannels; first += kChannelLanes)
      LanesToRows(sums + first, pixels_, ChannelRows<float>(output, pixels_, channel + first, shape_.oc), kChannels);
  }

  void AddBias(const float* bias, float* sums) const {
    const hn::ScalableTag<float> d;
    for (Index first = 0; first < kChannels; first += kChannelLanes) {
      const auto added = hn::LoadU(d, bias + first);
      for (Index i = first; i < pixels_ * kChannels; i += kChannels)
        hn::StoreU(hn::Add(hn::LoadU(d, sums + i), added), d, sums + i);
    }
  }

  const ConvShape shape_;
  const int threads_;
  const ConvGeometry geometry_;
  const PlaneStack stack_;
  const Index pixels_, terms_;
  std::vector<std::int32_t> pixel_offsets_, plane_offsets_, weights_offsets_;
  AlignedMemory<float> weights_;  // [block of channels][term][channel]
  AlignedMemory<float> sums_;     // a thread: [pixel][channel]
};

std::unique_ptr<ConvSum> PlanPixelConv(const ConvShape& shape, int threads) {
  return std::make_unique<PixelConv>(shape, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanPixelConv);

// Channels fill vectors of every instruction set, so that all of them add in the same order.
bool is_pixel_conv(const ConvShape& shape) {
  constexpr Index kLanes = 16, kMostChannels = 48, kMostPixels = 256;
  return shape.oc_per_group() % kLanes == 0 && shape.oc_per_group() <= kMostChannels &&
         shape.window.out_count() <= kMostPixels;
}

std::unique_ptr<ConvSum> plan_pixel_conv(const ConvShape& shape, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanPixelConv)(shape, threads);
}

}  // namespace gradproof
#endif  // HWY_ONCE
