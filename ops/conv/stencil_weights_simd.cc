#include "ops/conv/stencil_weights.h"

#include "ops/conv/planes.h"
#include "ops/simd/dot_block.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/stencil_weights_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/dot_block-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/stencil_dots-inl.h"

#ifndef GRADPROOF_STENCIL_WEIGHTS_ONCE
#define GRADPROOF_STENCIL_WEIGHTS_ONCE
namespace gradproof {
namespace {

// Rows of outputs, shared out evenly over bands of at most 128: the longest chain of additions in a strip.
struct Bands {
  Index count, rows;
  explicit Bands(Index height) : count((height + 127) / 128), rows((height + count - 1) / count) {}
};

}  // namespace
}  // namespace gradproof
#endif  // GRADPROOF_STENCIL_WEIGHTS_ONCE

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// diff_weights[oc][k] is a transposed stencil of diff_dst[oc] and the plane of its input channel, packed with its
// padding. Strips are added up for an image, images for the batch, and the lanes at the end. A thread owns a group.
class StencilWeights final : public ConvSum {
 public:
  StencilWeights(const ConvShape& s, int threads)
      : shape_(s),
        threads_(threads),
        stride_(s.window.axes[2].stride),
        geometry_(ConvGeometry::forward_unphased(s.window)),
        bands_(geometry_.output[1]),
        plane_rows_(rows_of_planes(geometry_.planes, geometry_.planes.phase_pitch(1))),
        // Behind it what a strip reads that is wider than its rows.
        plane_size_(WholeLines(geometry_.planes.phase_pitch(1) + 2 * kBlockLanes)),
        sums_size_(WholeLines(s.oc_per_group() * s.window.taps() * kBlockLanes)),
        narrow_size_(geometry_.output[2] < kBlockLanes ? geometry_.output[1] * kBlockLanes : 0),
        workspace_size_(plane_size_ + sums_size_ + WholeLines(narrow_size_)),
        workspace_(zeroed_floats(threads * workspace_size_)),
        batch_(zeroed_floats(s.g * sums_size_)),
        in_place_(IsInPlace(s.window)),
        padding_(zeroed_floats(geometry_.output[2])) {}

  void run(const float* src, const float* diff_dst, const float*, float* diff_weights) override {
    parallel_tiles(threads_, threads_, [&](Index thread) {
      RunGroups(shape_.g * thread / threads_, shape_.g * (thread + 1) / threads_, src, diff_dst,
                workspace_.get() + thread * workspace_size_, diff_weights);
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static Index WholeLines(Index floats) { return (floats + kLineFloats - 1) / kLineFloats * kLineFloats; }
  Index Taps() const { return shape_.window.taps(); }

  // Windows that leave rows their size, of strips at least, meet them where they lie: copying each plane between its
  // padding took a fifth of the time (144 channels of 56x56, Zen 4).
  static bool IsInPlace(const Window& window) {
    const auto& [d, h, w] = window.axes;
    const auto keeps_size = [](const WindowAxis& axis) { return axis.pad_lo == 1 && axis.out() == axis.in; };
    return kMasksMemory<float> && w.stride == 1 && d.pad_lo == 0 && d.out() == d.in && keeps_size(h) && keeps_size(w) &&
           w.in >= kBlockLanes;
  }

  // Image by image, as they lie in memory.
  void RunGroups(Index first, Index last, const float* src, const float* diff_dst, float* plane,
                 float* diff_weights) const {
    float* image = plane + plane_size_;
    std::fill_n(batch_.get() + first * sums_size_, (last - first) * sums_size_, 0.0F);
    for (Index n = 0; n < shape_.mb; ++n)
      for (Index group = first; group < last; ++group) {
        std::fill_n(image, sums_size_, 0.0F);
        AddGroup(n * shape_.g + group, src, diff_dst, plane, image);
        float* batch = batch_.get() + group * sums_size_;
        for (Index i = 0; i < sums_size_; ++i) batch[i] += image[i];
      }
    const Index count = shape_.oc_per_group() * Taps();
    for (Index group = first; group < last; ++group)
      for (Index i = 0; i < count; ++i)
        diff_weights[group * count + i] = SumOfLanes(batch_.get() + group * sums_size_ + i * kBlockLanes);
  }

  // Adds the sums of group `item` of all images' groups.
  void AddGroup(Index item, const float* src, const float* diff_dst, float* plane, float* sums) const {
    const Index outputs = shape_.oc_per_group();
    const Index in_count = shape_.window.in_count();
    const Index out_count = shape_.window.out_count();
    const float* channel = src + item * in_count;
    if (!in_place_) PackChannel(plane_rows_, channel, plane);
    const bool is_last = item + 1 == shape_.mb * shape_.g;
    const float* next_src = src + (is_last ? item : item + 1) * in_count;
    for (Index out = item * outputs; out < (item + 1) * outputs; ++out, sums += Taps() * kBlockLanes)
      AddOutput(diff_dst + out * out_count, channel, plane, is_last ? 0 : outputs * out_count, next_src, sums);
  }

  // Meanwhile memory delivers next_src and, next_diff_dst elements further on, diff_dst.
  void AddOutput(const float* diff_dst, const float* channel, float* plane, Index next_diff_dst, const float* next_src,
                 float* sums) const {
    const auto& [depth, height, width] = geometry_.output;
    for (Index d = 0; d < depth; ++d)
      for (Index h = 0; h < height; h += bands_.rows) {
        const Index at = (d * height + h) * width;
        StencilDotRows rows{.a = diff_dst + at,
                            .a_pitch = width,
                            .first_b = nullptr,
                            .b = nullptr,
                            .last_b = nullptr,
                            .b_pitch = 0,
                            .rows = std::min(bands_.rows, height - h),
                            .columns = width,
                            .sums = sums,
                            .next_a = diff_dst + at + next_diff_dst,
                            .next_b = next_src + stride_ * stride_ * at};
        if (narrow_size_ > 0) Widen(rows, plane + plane_size_ + sums_size_);
        if (in_place_)
          AddInPlace(rows, channel + d * height * width, h);
        else
          AddPadded(rows, plane + geometry_.planes.offset(d, stride_ * h, 0));
      }
  }

  void AddPadded(StencilDotRows& rows, const float* first_b) const {
    rows.b_pitch = geometry_.planes.axes[2].pitch;
    rows.first_b = first_b;
    rows.b = first_b + rows.b_pitch;
    rows.last_b = first_b + (stride_ * (rows.rows - 1) + 2) * rows.b_pitch;
    (stride_ == 2 ? StencilDots<2, 3, 3, StencilInput::kPadded> : StencilDots<1, 3, 3, StencilInput::kPadded>)(rows);
  }

  // Rows of a from h on.
  void AddInPlace(StencilDotRows& rows, const float* slice, Index h) const {
    const Index height = geometry_.output[1], end = h + rows.rows;
    rows.b_pitch = rows.columns;
    rows.first_b = h > 0 ? slice + (h - 1) * rows.columns : padding_.get();
    rows.b = slice + h * rows.columns;
    rows.last_b = end < height ? slice + end * rows.columns : padding_.get();
    StencilDots<1, 3, 3, StencilInput::kInPlace>(rows);
  }

  // Rows shorter than a strip are copied: nothing behind a tensor may be read. What is behind the rows is left out.
  static void Widen(StencilDotRows& rows, float* to) {
    for (Index q = 0; q < rows.rows; ++q) CopyStrided(rows.a + q * rows.a_pitch, 1, rows.columns, to + q * kBlockLanes);
    rows.a = to;
    rows.a_pitch = kBlockLanes;
  }

  static float SumOfLanes(const float* sums) {
    const hn::CappedTag<float, kBlockLanes> d;
    constexpr Index kLanes = hn::MaxLanes(d);
    hn::Vec<decltype(d)> parts[kBlockLanes / kLanes];
    for (Index part = 0; part < kBlockLanes / kLanes; ++part) parts[part] = hn::LoadU(d, sums + part * kLanes);
    return TreeSum(d, parts);
  }

  ConvShape shape_;
  int threads_;
  Index stride_;
  ConvGeometry geometry_;
  Bands bands_;
  std::vector<PlaneRows> plane_rows_;  // of a channel
  Index plane_size_, sums_size_, narrow_size_, workspace_size_;
  AlignedMemory<float> workspace_;  // a thread: a plane, sums of an image, narrow rows
  AlignedMemory<float> batch_;      // a group: sums of the batch
  bool in_place_;
  AlignedMemory<float> padding_;  // a row
};

std::unique_ptr<ConvSum> PlanStencilWeights(const ConvShape& shape, int threads) {
  return std::make_unique<StencilWeights>(shape, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanStencilWeights);

bool is_weights_stencil(const ConvShape& shape) {
  const auto& [depth, height, width] = shape.window.axes;
  const auto are_neighbours = [](const WindowAxis& axis, Index taps, Index stride) {
    return axis.kernel == taps && axis.dilation == 1 && axis.stride == stride;
  };
  const Index stride = width.stride;
  return stride <= 2 && are_neighbours(depth, 1, 1) && are_neighbours(height, 3, stride) &&
         are_neighbours(width, 3, stride) && shape.ic_per_group() == 1 && height.out() >= 2;
}

std::unique_ptr<ConvSum> plan_stencil_weights(const ConvShape& shape, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanStencilWeights)(shape, threads);
}

// A chain down a strip (one rounding more where multiply and add do not fuse), additions of strips and of images, and
// the tree of lanes.
double stencil_weights_depth(const ConvShape& shape) {
  const auto& [depth, height, width] = shape.window.axes;
  const Bands bands(height.out());
  const Index strips = depth.out() * bands.count * ((width.out() + kBlockLanes - 1) / kBlockLanes);
  return static_cast<double>(bands.rows + 1 + strips + shape.mb + 3);
}

}  // namespace gradproof
#endif  // HWY_ONCE
