// Weight gradient of convolutions with few output channels a group: depthwise ones, small groups, first layers.
#include "ops/conv/dot_weights.h"

#include <cstring>

#include "ops/conv/planes.h"
#include "ops/simd/dot_block.h"
#include "ops/simd/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/dot_weights_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/dot_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// diff_weights[oc][ic][k] is the dot product of diff_dst[oc] and the planes of ic from the tap's offset on, along the
// flat pixel axis: diff_dst is copied into rows of the planes' pitch, with zeros in the gaps. A thread owns a group.
class DotWeights final : public ConvSum {
 public:
  DotWeights(const ConvShape& s, int threads)
      : shape_(s),
        threads_(threads),
        geometry_(ConvGeometry::forward(s.window)),
        phase_pitch_(geometry_.planes.phase_pitch(1)),
        plane_rows_(rows_of_planes(geometry_.planes, phase_pitch_)),
        channel_pitch_(RoundUp(phase_pitch_ * geometry_.planes.phase_count())),
        length_(RoundUp(flat_pixels(geometry_))),
        planes_size_(s.ic_per_group() * channel_pitch_ + RoundUp(Reach()) + kBlockLanes),
        workspace_size_(planes_size_ + s.oc_per_group() * length_),
        workspace_(zeroed_floats(threads * workspace_size_)) {
    for (const Tap& tap : geometry_.subs[0].taps)
      offsets_.push_back(static_cast<std::int32_t>(tap.phase * phase_pitch_ + tap.offset));
  }

  void run(const float* src, const float* diff_dst, const float*, float* diff_weights) override {
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* planes = workspace_.get() + thread * workspace_size_;
      for (Index group = shape_.g * thread / threads_; group < shape_.g * (thread + 1) / threads_; ++group)
        RunGroup(group, src, diff_dst, planes, planes + planes_size_, diff_weights);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static Index RoundUp(Index value) { return (value + kBlockLanes - 1) / kBlockLanes * kBlockLanes; }
  Index Taps() const { return shape_.window.taps(); }
  // Rounding the flat axis up reads that much behind the last pixel of a tap.
  Index Reach() const { return length_ - flat_pixels(geometry_); }

  void RunGroup(Index group, const float* src, const float* diff_dst, float* planes, float* rows, float* diff_weights) {
    const Index channels = shape_.ic_per_group();
    const Index outputs = shape_.oc_per_group();
    const Index in_count = geometry_.planes.source_count();
    const Index out_count = shape_.window.out_count();
    float* sums = diff_weights + group * outputs * channels * Taps();
    std::fill_n(sums, outputs * channels * Taps(), 0.0F);
    for (Index n = 0; n < shape_.mb; ++n) {
      for (Index ic = 0; ic < channels; ++ic)
        PackChannel(plane_rows_, src + (n * shape_.ic + group * channels + ic) * in_count,
                    planes + ic * channel_pitch_);
      for (Index oc = 0; oc < outputs; ++oc)
        SpreadRows(diff_dst + (n * shape_.oc + group * outputs + oc) * out_count, rows + oc * length_);
      for (Index i = 0; i < length_; i += kDotBlock)
        for (Index ic = 0; ic < channels; ++ic) {
          DotProblem problem;
          problem.a = rows + i;
          problem.a_stride = length_;
          problem.b = planes + ic * channel_pitch_ + i;
          problem.b_offsets = offsets_.data();
          problem.length = std::min(kDotBlock, length_ - i);
          problem.sums = sums + ic * Taps();
          problem.sums_stride = channels * Taps();
          DotTiles(problem, outputs, Taps());
        }
    }
  }

  // Output rows at the places of their pixels; the gaps between them stay zero.
  void SpreadRows(const float* in, float* out) const {
    const auto& sizes = geometry_.output;
    for (Index d = 0; d < sizes[0]; ++d)
      for (Index h = 0; h < sizes[1]; ++h, in += sizes[2])
        CopyStrided(in, 1, sizes[2], out + geometry_.planes.offset(d, h, 0));
  }

  ConvShape shape_;
  int threads_;
  ConvGeometry geometry_;
  Index phase_pitch_;
  std::vector<PlaneRows> plane_rows_;  // of a channel
  Index channel_pitch_;
  Index length_;  // of the flat pixel axis
  Index planes_size_, workspace_size_;
  AlignedMemory<float> workspace_;  // a thread: planes of a group, rows of its output channels
  std::vector<std::int32_t> offsets_;
};

std::unique_ptr<ConvSum> PlanDotWeights(const ConvShape& shape, int threads) {
  return std::make_unique<DotWeights>(shape, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanDotWeights);

std::unique_ptr<ConvSum> plan_dot_weights(const ConvShape& shape, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanDotWeights)(shape, threads);
}

double dot_weights_depth(const ConvShape& shape) {
  const Index pixels = flat_pixels(ConvGeometry::forward(shape.window));
  return dot_block_depth(pixels) + static_cast<double>((shape.mb - 1) * ((pixels + kDotBlock - 1) / kDotBlock));
}

}  // namespace gradproof
#endif  // HWY_ONCE
