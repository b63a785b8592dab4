// local_conv forward, and what its passes share.

#if defined(GRADPROOF_LOCAL_CONV_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LOCAL_CONV_FORWARD_INL_H
#undef GRADPROOF_LOCAL_CONV_FORWARD_INL_H
#else
#define GRADPROOF_LOCAL_CONV_FORWARD_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <functional>
#include <span>

#include "ops/conv/local_conv.h"
#include "ops/conv/local_conv_plan.h"
#include "ops/conv/local_conv_sums-inl.h"
#include "ops/conv/pack_planes-inl.h"
#include "ops/conv/planes.h"
#include "ops/core/implementation.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Weights below which a second thread does not pay: some 20 microseconds.
constexpr Index kSerialWeights = 65536;

// What the passes share: weights in the order (output channel, term, pixel), terms in the order (input channel, tap).
class LocalConv : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  LocalConv(const LocalConvAttributes& a, const std::vector<Argument>& arguments, Index channels, Index images,
            int threads)
      : a_(a),
        arguments_(arguments),
        threads_(a.oc * a.terms() * a.outputs() < kSerialWeights ? 1 : threads),
        pixels_(a.outputs()),
        geometry_(ConvGeometry::forward(a.window)),
        stretches_(stretches_of(geometry_)),
        tiles_(tiles_of(stretches_)),
        images_(images),
        columns_(column_count(stretches_)),
        sample_columns_(spread_pitch(a.oc * columns_)),
        stack_(PlaneStack::copied(geometry_.planes, channels, images, kColumnUnit)),
        term_offsets_(stack_.term_offsets(geometry_.subs[0].taps, channels)) {}

  float* Floats(std::span<const TensorRef> tensors, std::string_view name) const {
    const int index = argument_index(arguments_, name);
    return index < 0 ? nullptr : tensors[static_cast<size_t>(index)].floats();
  }

  // columns[n][oc][column] = diff_dst[n][oc][pixel]; columns beyond a stretch stay zero.
  void PackColumns(const float* diff_dst, Index images, float* columns) const {
    parallel_tiles(threads_, images * a_.oc, [&](Index map) {
      const float* from = diff_dst + map * pixels_;
      float* to = columns + map / a_.oc * sample_columns_ + map % a_.oc * columns_;
      for (const PixelStretch& stretch : stretches_)
        std::copy_n(from + stretch.pixel, stretch.length, to + stretch.column);
    });
  }

  StretchTile AllStretches() const { return {stretches_.data(), stretches_.data() + stretches_.size()}; }
  Index TileCount() const { return static_cast<Index>(tiles_.size()); }

  std::span<const StretchTile> TilePart(Index part, Index parts) const {
    const Index first = TileCount() * part / parts, last = TileCount() * (part + 1) / parts;
    return std::span(tiles_).subspan(static_cast<size_t>(first), static_cast<size_t>(last - first));
  }

  // Calls body(thread) on every thread.
  template <class F>
  void OnEveryThread(const F& body) const {
    parallel_tiles(threads_, threads_, std::cref(body));
  }

  const LocalConvAttributes a_;
  const std::vector<Argument> arguments_;
  const int threads_;
  const Index pixels_;
  const ConvGeometry geometry_;
  const std::vector<PixelStretch> stretches_;
  const std::vector<StretchTile> tiles_;
  const Index images_;          // in the stack
  const Index columns_;         // of a map of diff_dst
  const Index sample_columns_;  // from one sample to the next
  PlaneStack stack_;
  const std::vector<std::int32_t> term_offsets_;
};

// `total` in parts of nearly equal size, at most `most`: the size of a part.
Index BalancedPart(Index total, Index most) {
  const Index parts = (total + most - 1) / most;
  return (total + parts - 1) / parts;
}

// Calls body(image, images) for the samples of a block, as many at a time as share a vector of weights.
template <class F>
void ForEachFewImages(Index images, const F& body) {
  const Index few = BalancedPart(images, kLocalImages);
  for (Index image = 0; image < images; image += few) body(image, std::min(few, images - image));
}

// Forward: rows are output channels. A block of kDepthBlock terms meets one pair of channels after the other, so that
// its planes stay in the L2 cache while the weights stream by; dst is the sum of the blocks.
class LocalForward final : public LocalConv {
 public:
  LocalForward(const LocalConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : LocalConv(a, arguments, a.ic, BalancedPart(a.mb, kLocalBlock), threads),
        sums_pitch_(spread_pitch(columns_)),
        sums_(zeroed_floats(threads_ * ThreadSums())) {}

  void run(std::span<const TensorRef> tensors) override {
    // With fewer channels than threads, the tiles are divided too.
    const Index parts = std::clamp<Index>((threads_ + a_.oc - 1) / a_.oc, 1, TileCount());
    for (Index n = 0; n < a_.mb; n += images_) {
      const Index images = std::min(images_, a_.mb - n);
      PackPlanes(stack_, Floats(tensors, "src") + n * a_.ic * a_.window.in_count(), images, threads_);
      const Tensors t{images, Floats(tensors, "weights"), Floats(tensors, "bias"),
                      Floats(tensors, "dst") + n * a_.oc * pixels_};
      OnEveryThread([&](Index thread) {
        const Index end = a_.oc * parts * (thread + 1) / threads_;
        for (Index item = a_.oc * parts * thread / threads_; item < end;) {
          const Index first = item % a_.oc;
          const Index last = std::min(a_.oc, first + end - item);
          RunChannels(t, first, last, TilePart(item / a_.oc, parts), sums_.get() + thread * ThreadSums());
          item += last - first;
        }
      });
    }
  }

 private:
  struct Tensors {
    Index images;
    const float* weights;
    const float* bias;
    float* dst;
  };

  Index ThreadSums() const { return kLocalRows * images_ * sums_pitch_; }

  void RunChannels(const Tensors& t, Index first, Index last, std::span<const StretchTile> tiles, float* sums) const {
    for (Index block = 0; block < a_.terms(); block += kDepthBlock)
      for (Index oc = first; oc < last; oc += kLocalRows) {
        const Index rows = std::min(kLocalRows, last - oc);
        SumTerms(t, oc, rows, block, tiles, sums);
        for (Index row = 0; row < rows; ++row)
          for (Index n = 0; n < t.images; ++n)
            Store(t, n, oc + row, block, tiles, sums + (row * images_ + n) * sums_pitch_);
      }
  }

  // A block of terms for a pair of channels. The next group's weights are prefetched, as they lie; behind the block
  // those of the next pair.
  void SumTerms(const Tensors& t, Index oc, Index rows, Index block, std::span<const StretchTile> tiles,
                float* sums) const {
    const Index end = std::min(a_.terms(), block + kDepthBlock);
    for (Index term = block; term < end; term += kForwardGroup) {
      const bool is_last = term + kForwardGroup >= end;
      const float* weights = t.weights + (oc * a_.terms() + term) * pixels_;
      const float* next = weights + (is_last ? kLocalRows * a_.terms() - (term - block) : kForwardGroup) * pixels_;
      const Index depth = std::min(kForwardGroup, end - term);
      for (const StretchTile& tile : tiles)
        ForEachFewImages(t.images, [&](Index image, Index images) {
          SumOverTile({.rows = rows,
                       .images = images,
                       .depth = depth,
                       .weights = weights,
                       .weights_row = a_.terms() * pixels_,
                       .weights_step = pixels_,
                       .operand = stack_.memory.get() + image * geometry_.planes.image_pitch(),
                       .offsets = term_offsets_.data() + term,
                       .place = &PixelStretch::plane,
                       .operand_step = geometry_.planes.image_pitch(),
                       .sums = sums + image * sums_pitch_,
                       .sums_row = images_ * sums_pitch_,
                       .sums_step = sums_pitch_,
                       .accumulate = term > block,
                       .next = (image == 0 ? next : weights) + depth * tile.first->pixel,
                       .next_is_contiguous = true},
                      tile);
        });
    }
  }

  void Store(const Tensors& t, Index n, Index oc, Index block, std::span<const StretchTile> tiles,
             const float* sums) const {
    for (const StretchTile& tile : tiles)
      for (const PixelStretch* stretch = tile.first; stretch != tile.last; ++stretch) {
        float* to = t.dst + (n * a_.oc + oc) * pixels_ + stretch->pixel;
        const float* bias = t.bias == nullptr ? nullptr : t.bias + oc * pixels_ + stretch->pixel;
        StoreSums(sums + stretch->column, block > 0 ? to : bias, stretch->length, to);
      }
  }

  const Index sums_pitch_;
  AlignedMemory<float> sums_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LOCAL_CONV_FORWARD_INL_H
