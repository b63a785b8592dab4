// Weight gradient and channel sums.
#include "ops/conv/outer_conv.h"
#include "ops/conv/planes.h"
#include "ops/simd/block_sums.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/outer_weights_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/outer_kernel-inl.h"
#include "ops/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

ConvShape ExchangedRoles(ConvShape shape) {
  std::swap(shape.ic, shape.oc);
  return shape;
}

// The rows are (input channel, tap), read straight from the planes; the columns are output channels, from a transposed
// copy of diff_dst in tiles [group][tile][pixel][column]; the sum runs over the pixels of all images, whose places in
// the planes an offset table names, so that gaps take no part.
//
// Pointwise, both operands are alike: with `exchanged` the roles are the other way round (src is transposed, and the
// shape's ic and oc say so), and the sums come out as the rows of diff_weights.
class OuterWeights final : public ConvSum {
 public:
  OuterWeights(const ConvShape& s, bool exchanged, int threads)
      : shape_(s),
        exchanged_(exchanged),
        threads_(threads),
        geometry_(ConvGeometry::forward(s.window)),
        stack_(geometry_.planes.is_dense()
                   ? PlaneStack::in_place(geometry_.planes, s.ic)
                   : PlaneStack::copied(geometry_.planes, s.ic, images_per_stack(geometry_.planes, s.ic, s.mb), 0)),
        tiles_((s.oc_per_group() + TileWidth() - 1) / TileWidth()),
        stretch_(outer_weights_stretch(exchanged ? ExchangedRoles(s) : s, stack_.images)),
        tiles_first_(exchanged && s.oc_per_group() * stretch_ <= kNearColumns),
        columns_(zeroed_floats(s.g * tiles_ * stretch_ * TileWidth())),
        keeps_sums_(s.mb > stack_.images || stretch_ < stack_.images * PixelCount()),
        sums_(zeroed_floats((keeps_sums_ ? s.g * tiles_ * Rows() : threads * kChunkRows) * TileWidth())),
        a_rows_(stack_.term_offsets(geometry_.subs[0].taps, s.ic_per_group())) {
    const auto& out = geometry_.output;
    for (Index n = 0; n < stack_.images; ++n)
      for (Index d = 0; d < out[0]; ++d)
        for (Index h = 0; h < out[1]; ++h)
          for (Index w = 0; w < out[2]; ++w)
            a_offsets_.push_back(
                static_cast<std::int32_t>(n * geometry_.planes.image_pitch() + geometry_.planes.offset(d, h, w)));
    for (Index p = 0; p < stretch_; ++p) b_offsets_.push_back(static_cast<std::int32_t>(p * TileWidth()));
  }

  void run(const float* src, const float* diff_dst, const float*, float* diff_weights) override {
    if (exchanged_) std::swap(src, diff_dst);
    for (Index n = 0; n < shape_.mb; n += stack_.images) {
      const Index images = std::min(stack_.images, shape_.mb - n);
      const float* source = src + n * shape_.ic * geometry_.planes.source_count();
      if (stack_.is_copy()) PackPlanes(stack_, source, images, threads_);
      const Index pixels = images * PixelCount();
      for (Index first = 0; first < pixels; first += stretch_) {
        const Index end = std::min(first + stretch_, pixels);
        TransposeColumns(diff_dst + n * shape_.oc * PixelCount(), first, end);
        const bool is_last = n + images == shape_.mb && end == pixels;
        SumPixels(stack_.base(source), first, end, n + first > 0, is_last ? diff_weights : nullptr);
      }
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  // Sums of a chunk, 24 KiB with AVX2, stay in the cache from block to block of pixels, and until they are stored.
  static constexpr Index kChunkRows = 256;
  // Columns of a group that stay in the L2 cache.
  static constexpr Index kNearColumns = Index{64} << 10;

  // Where a chunk of rows meets a tile of columns.
  struct Part {
    Index group, tile, row;
  };

  Index Rows() const { return shape_.ic_per_group() * shape_.window.taps(); }
  Index PixelCount() const { return geometry_.output[0] * geometry_.output[1] * geometry_.output[2]; }
  Index TileColumns(Index column) const { return std::min(TileWidth(), shape_.oc_per_group() - column); }
  float* Columns(Index item) const { return columns_.get() + item * stretch_ * TileWidth(); }

  // Of pixels first to end of a stack. Pieces of an image are handed out, so that few groups and tiles keep all threads
  // busy.
  void TransposeColumns(const float* diff_dst, Index first, Index end) {
    constexpr Index kPiece = 512;
    const Index pieces = (end - first + kPiece - 1) / kPiece;
    parallel_tiles(threads_, shape_.g * tiles_ * pieces, [&](Index index) {
      const Index item = index / pieces;
      const Index column = item % tiles_ * TileWidth();
      const Index oc = item / tiles_ * shape_.oc_per_group() + column;
      Index pixel = first + index % pieces * kPiece;
      for (const Index stop = std::min(pixel + kPiece, end); pixel < stop;) {
        const Index n = pixel / PixelCount();
        const Index at = pixel % PixelCount();
        const Index count = std::min(stop - pixel, PixelCount() - at);
        Transpose(diff_dst + (n * shape_.oc + oc) * PixelCount() + at, PixelCount(), TileColumns(column), count,
                  Columns(item) + (pixel - first) * TileWidth(), TileWidth());
        pixel += count;
      }
    });
  }

  // Chunks of rows are handed out: one thread owns an element and walks the pixels in order. With `diff_weights` the
  // sums are complete, and stored there.
  void SumPixels(const float* planes, Index first, Index end, bool accumulate, float* diff_weights) {
    const Index chunks = (Rows() + kChunkRows - 1) / kChunkRows;
    const Index parts = shape_.g * tiles_ * chunks;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      for (Index i = parts * thread / threads_; i < parts * (thread + 1) / threads_; ++i) {
        const Part part = PartOf(i, chunks);
        const Index item = part.group * tiles_ + part.tile;
        const Index width = TileColumns(part.tile * TileWidth());
        OuterProblem problem;
        problem.rows = std::min(Rows() - part.row, kChunkRows);
        problem.depth = end - first;
        problem.a = planes + part.group * shape_.ic_per_group() * stack_.channel_pitch;
        problem.a_rows = a_rows_.data() + part.row;
        problem.a_offsets = a_offsets_.data() + first;
        problem.b = Columns(item);
        problem.b_offsets = b_offsets_.data();
        problem.accumulate = accumulate;
        if (exchanged_ && !keeps_sums_ && width % LaneCount() == 0) {
          OuterTile(problem, width, Output(part, diff_weights), shape_.oc_per_group());
          continue;
        }
        float* sums = sums_.get() + (keeps_sums_ ? item * Rows() + part.row : thread * kChunkRows) * TileWidth();
        OuterTile(problem, width, sums, TileWidth());
        if (diff_weights != nullptr) Store(sums, problem.rows, width, Output(part, diff_weights));
      }
    });
  }

  // The chunks of a tile follow one another, which share its columns, and without exchanged roles store one behind the
  // other. Else, where all columns are near, the tiles of a chunk do, so that what is stored lies together.
  Part PartOf(Index i, Index chunks) const {
    const Index group = i / (tiles_ * chunks);
    const Index at = i % (tiles_ * chunks);
    return tiles_first_ ? Part{group, at % tiles_, at / tiles_ * kChunkRows}
                        : Part{group, at / chunks, at % chunks * kChunkRows};
  }

  float* Output(const Part& part, float* diff_weights) const {
    const Index columns = shape_.oc_per_group();
    const Index column = part.tile * TileWidth();
    return diff_weights + part.group * columns * Rows() +
           (exchanged_ ? part.row * columns + column : column * Rows() + part.row);
  }

  void Store(const float* sums, Index rows, Index width, float* out) const {
    if (!exchanged_) return Transpose(sums, TileWidth(), rows, width, out, Rows());
    for (Index row = 0; row < rows; ++row)
      CopyStrided(sums + row * TileWidth(), 1, width, out + row * shape_.oc_per_group());
  }

  ConvShape shape_;
  bool exchanged_;
  int threads_;
  ConvGeometry geometry_;
  PlaneStack stack_;
  Index tiles_;       // of output channels, a group
  Index stretch_;     // pixels whose columns are transposed at a time
  bool tiles_first_;  // see PartOf
  AlignedMemory<float> columns_;
  bool keeps_sums_;  // of all chunks, for further stacks of images
  AlignedMemory<float> sums_;
  std::vector<std::int32_t> a_rows_, a_offsets_, b_offsets_;
};

// sums[c] = sum of x[n][c][i] over n and i.
class ChannelSums final : public ConvSum {
 public:
  ChannelSums(Index mb, Index channels, Index size, int threads)
      : channels_(channels), threads_(threads), channel_{mb, size, channels * size} {}

  void run(const float* x, const float*, const float*, float* sums) override {
    parallel_tiles(threads_, channels_,
                   [&](Index c) { sums[c] = static_cast<float>(ChannelTotal(channel_, x + c * channel_.length)); });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  Index channels_;
  int threads_;
  Channel channel_;
};

std::unique_ptr<ConvSum> PlanWeights(const ConvShape& shape, int threads) {
  if (outer_weights_transposes_src(shape)) return std::make_unique<OuterWeights>(ExchangedRoles(shape), true, threads);
  return std::make_unique<OuterWeights>(shape, false, threads);
}

std::unique_ptr<ConvSum> PlanSums(Index mb, Index channels, Index size, int threads) {
  return std::make_unique<ChannelSums>(mb, channels, size, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanWeights);
HWY_EXPORT(PlanSums);

std::unique_ptr<ConvSum> plan_outer_weights(const ConvShape& shape, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanWeights)(shape, threads);
}

std::unique_ptr<ConvSum> plan_channel_sums(Index mb, Index channels, Index size, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanSums)(mb, channels, size, threads);
}

bool outer_weights_transposes_src(const ConvShape& shape) {
  if (shape.window.taps() != 1 || !ConvGeometry::forward(shape.window).planes.is_dense()) return false;
  const Index pixels = shape.mb * shape.window.out_count();
  return shape.ic * pixels < shape.oc * pixels + shape.oc * shape.ic_per_group();
}

Index outer_weights_stretch(const ConvShape& shape, Index images) {
  constexpr Index kColumnFloats = Index{64} << 10, kSumFloats = Index{16} << 10;
  const Index columns = outer_weights_transposes_src(shape) ? shape.ic : shape.oc;
  const Index pixels = images * shape.window.out_count();
  const bool sums_are_near = shape.oc * shape.ic_per_group() * shape.window.taps() <= kSumFloats;
  if (!sums_are_near || pixels * columns <= kColumnFloats) return pixels;
  return std::min(pixels, std::max(kColumnFloats / columns / kDepthBlock, Index{2}) * kDepthBlock);
}

// The pixels of each stretch are cut into blocks, and those of all stretches and stacks added.
double outer_weights_depth(const ConvShape& shape) {
  const ConvGeometry geometry = ConvGeometry::forward(shape.window);
  const Index images = geometry.planes.is_dense() ? 1 : images_per_stack(geometry.planes, shape.ic, shape.mb);
  const Index stretch = outer_weights_stretch(shape, images);
  Index chain = 0, blocks = 0;
  for (Index n = 0; n < shape.mb; n += images) {
    const Index pixels = std::min(images, shape.mb - n) * shape.window.out_count();
    for (Index first = 0; first < pixels; first += stretch) {
      const Index count = std::min(stretch, pixels - first);
      chain = std::max(chain, outer_block_depth(count));
      blocks += outer_blocks(count);
    }
  }
  return static_cast<double>(chain + blocks);
}

double channel_sums_depth() { return 1 + kSumDepth; }  // summed in double, rounded once

}  // namespace gradproof
#endif  // HWY_ONCE
