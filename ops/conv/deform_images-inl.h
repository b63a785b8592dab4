// What the passes of a deformable convolution share: source images packed by pixels, and wide outer products.

#if defined(GRADPROOF_DEFORM_IMAGES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DEFORM_IMAGES_INL_H
#undef GRADPROOF_DEFORM_IMAGES_INL_H
#else
#define GRADPROOF_DEFORM_IMAGES_INL_H
#endif

#include <hwy/highway.h>

#include "ops/conv/deform_engine.h"
#include "ops/conv/deform_samples-inl.h"
#include "ops/simd/outer_kernel-inl.h"
#include "ops/simd/parallel.h"
#include "ops/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// A quarter of the smaller L2 caches.
constexpr Index kColumnBytes = Index{128} << 10;

// Pixels of a tile whose columns, `pixel_elements` for each pixel, fill kColumnBytes; no more than leaves every thread
// two tiles. Whole vectors and register blocks. Results do not depend on it.
inline Index TilePixels(Index pixel_elements, Index pixels, Index images, int threads) {
  const Index unit = std::max<Index>(LaneCount(), kRowBlock);
  const Index fits = kColumnBytes / (4 * pixel_elements) / unit * unit;
  const Index shared = threads == 1 ? pixels : (images * pixels + 2 * threads - 1) / (2 * threads);
  return std::clamp<Index>(std::min(fits, round_up(std::min(shared, pixels), unit)), unit, 64);
}

// Calls body(thread, item) for every item; a thread takes one run of items.
template <class Body>
void ForEachItem(int threads, Index items, const Body& body) {
  parallel_tiles(threads, threads, [&](Index thread) {
    for (Index item = items * thread / threads; item < items * (thread + 1) / threads; ++item) body(thread, item);
  });
}

// OuterTile for any width. Columns are split into tiles of nearly equal numbers of vectors.
inline void OuterColumns(OuterProblem problem, Index width, float* c, Index c_stride) {
  const Index vectors = (width + LaneCount() - 1) / LaneCount();
  const Index tiles = (vectors + kVectorBlock - 1) / kVectorBlock;
  const Index tile = (vectors + tiles - 1) / tiles * LaneCount();
  const float* b = problem.b;
  for (Index column = 0; column < width; column += tile) {
    problem.b = b + column;
    OuterTile(problem, std::min(tile, width - column), c + column, c_stride);
  }
}

// 0, step, 2 step, ...
inline std::vector<std::int32_t> Multiples(Index count, Index step) {
  std::vector<std::int32_t> result;
  for (Index i = 0; i < count; ++i) result.push_back(static_cast<std::int32_t>(i * step));
  return result;
}

// Some images of src as [image][pixel][block, padded to whole vectors], each with its zero pixel.
class PackedImages {
 public:
  explicit PackedImages(const DeformPlan& plan)
      : plan_(plan),
        image_pitch_((plan.in_pixels() + 1) * plan.pixel_pitch),
        most_(std::clamp<Index>(kStackBytes / (4 * image_pitch_), 1, plan.a.mb)),
        memory_(zeroed_floats(most_ * image_pitch_)) {}

  // How many images there is room for.
  Index most() const { return most_; }
  const float* image(Index n) const { return memory_.get() + n * image_pitch_; }

  // Images 0 to `images` of `src`. Zeros between them are never written.
  void Pack(const float* src, Index images, int threads) {
    const Index rows = plan_.a.height().in, width = plan_.a.width().in, size = plan_.in_pixels();
    parallel_tiles(threads, images * rows, [&](Index item) {
      const Index n = item / rows, row = item % rows;
      float* out = memory_.get() + n * image_pitch_ + row * width * plan_.pixel_pitch;
      for (const ChannelBlock& block : plan_.blocks)
        Transpose(src + (n * plan_.a.ic + block.first) * size + row * width, size, block.count, width,
                  out + block.column, plan_.pixel_pitch);
    });
  }

 private:
  static constexpr Index kStackBytes = Index{4} << 20;

  const DeformPlan& plan_;
  Index image_pitch_, most_;
  AlignedMemory<float> memory_;
};

// Where a tap of an offset group finds its offsets and its mask in an image.
inline TapFields FieldsOf(const DeformShape& shape, const DeformTensors& t, Index n, Index group, Index tap,
                          Index pixel) {
  const Index pixels = shape.attributes.window.out_count();
  const Index channel = group * shape.attributes.window.taps() + tap;
  const float* offset = t.offset + n * shape.offset_image + 2 * channel * pixels + pixel;
  const float* mask = t.mask == nullptr ? nullptr : t.mask + n * shape.mask_image + channel * pixels + pixel;
  return {offset, offset + pixels, mask};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DEFORM_IMAGES_INL_H
