// Weight gradient and channel sums.
#include "ops/conv/outer_conv.h"
#include "ops/conv/planes.h"
#include "ops/simd/block_sums.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

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
        chunk_rows_(ChunkRows()),
        goes_by_stretches_(stretch_ < stack_.images * PixelCount()),
        tiles_first_(exchanged && !goes_by_stretches_ && s.oc_per_group() * stretch_ <= kNearColumns),
        columns_(zeroed_floats((goes_by_stretches_ ? threads : s.g * tiles_) * stretch_ * TileWidth())),
        reads_far_(exceeds_l2(static_cast<size_t>(4 * stack_.images * s.ic * geometry_.planes.source_count()))),
        keeps_sums_(s.mb > stack_.images || goes_by_stretches_),
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
      const Stack stack{stack_.base(source), diff_dst + n * shape_.oc * PixelCount(), images * PixelCount(), n > 0,
                        n + images == shape_.mb ? diff_weights : nullptr};
      if (goes_by_stretches_)
        SumByStretches(stack);
      else
        SumAtOnce(stack);
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
  // Vectors of columns are shared out evenly: a tile of one runs at 0.7 of the rate of one of two.
  Index TileColumn(Index tile) const {
    const Index vectors = (shape_.oc_per_group() + LaneCount() - 1) / LaneCount();
    return std::min(vectors * tile / tiles_ * LaneCount(), shape_.oc_per_group());
  }
  Index TileColumns(Index tile) const { return TileColumn(tile + 1) - TileColumn(tile); }
  // Four parts a thread at least, as far as rows go round: of as many rows as fill register blocks of 8 and of 12.
  Index ChunkRows() const {
    constexpr Index kBlocks = 24;
    const Index wanted = threads_ == 1 ? 1 : 4 * threads_;
    const Index rows = shape_.g * tiles_ * Rows() / wanted;
    return std::clamp((rows + kBlocks - 1) / kBlocks * kBlocks, kBlocks, kChunkRows);
  }
  Index Chunks() const { return (Rows() + chunk_rows_ - 1) / chunk_rows_; }
  Index Item(const Part& part) const { return part.group * tiles_ + part.tile; }

  // Images that are summed together. With diff_weights their sums complete those of the ones before.
  struct Stack {
    const float* planes;
    const float* diff_dst;
    Index pixels;
    bool accumulates;
    float* diff_weights;
  };

  // Of the pixels [first, end) of a stack, for one tile.
  void TransposeColumns(const Stack& stack, Index item, Index first, Index end, float* columns) const {
    const Index tile = item % tiles_;
    const Index oc = item / tiles_ * shape_.oc_per_group() + TileColumn(tile);
    for (Index pixel = first; pixel < end;) {
      const Index n = pixel / PixelCount();
      const Index at = pixel % PixelCount();
      const Index count = std::min(end - pixel, PixelCount() - at);
      Transpose(stack.diff_dst + (n * shape_.oc + oc) * PixelCount() + at, PixelCount(), TileColumns(tile), count,
                columns + (pixel - first) * TileWidth(), TileWidth());
      pixel += count;
    }
  }

  // All columns, then all sums: threads share what is transposed, in pieces, so that few tiles keep all of them busy.
  void SumAtOnce(const Stack& stack) {
    constexpr Index kPiece = 512;
    const Index pieces = (stack.pixels + kPiece - 1) / kPiece;
    const auto columns = [&](Index item) { return columns_.get() + item * stretch_ * TileWidth(); };
    parallel_tiles(threads_, shape_.g * tiles_ * pieces, [&](Index index) {
      const Index first = index % pieces * kPiece;
      TransposeColumns(stack, index / pieces, first, std::min(first + kPiece, stack.pixels),
                       columns(index / pieces) + first * TileWidth());
    });
    ForEachPart([&](Index thread, Index first_part, Index end_part) {
      for (Index i = first_part; i < end_part; ++i) {
        const Part part = PartOf(i);
        SumPart(stack, part, thread, columns(Item(part)), 0, stack.pixels);
      }
    });
  }

  // Each thread transposes what it needs, and waits for no other: with a busy processor every wait may cost its turn
  // (two threads beside another process: 50 ms for 8, VGG-16's first layer).
  void SumByStretches(const Stack& stack) {
    ForEachPart([&](Index thread, Index first_part, Index end_part) {
      float* columns = columns_.get() + thread * stretch_ * TileWidth();
      for (Index first = 0; first < stack.pixels; first += stretch_) {
        const Index end = std::min(first + stretch_, stack.pixels);
        Index transposed = -1;
        for (Index i = first_part; i < end_part; ++i) {
          const Part part = PartOf(i);
          if (Item(part) != transposed) TransposeColumns(stack, transposed = Item(part), first, end, columns);
          SumPart(stack, part, thread, columns, first, end);
        }
      }
    });
  }

  // Calls run(thread, first part, end) for each thread's share: one thread owns an element and walks the pixels in
  // order.
  template <class F>
  void ForEachPart(const F& run) const {
    const Index parts = shape_.g * tiles_ * Chunks();
    parallel_tiles(threads_, threads_,
                   [&](Index thread) { run(thread, parts * thread / threads_, parts * (thread + 1) / threads_); });
  }

  // Adds the pixels [first, end), and stores the sums after the last one.
  void SumPart(const Stack& stack, const Part& part, Index thread, const float* columns, Index first, Index end) const {
    const Index width = TileColumns(part.tile);
    OuterProblem problem;
    problem.rows = std::min(Rows() - part.row, chunk_rows_);
    problem.depth = end - first;
    problem.a = stack.planes + part.group * shape_.ic_per_group() * stack_.channel_pitch;
    problem.a_rows = a_rows_.data() + part.row;
    problem.a_offsets = a_offsets_.data() + first;
    if (reads_far_) problem.a_ahead = outer_block_depth(problem.depth);  // of the next block
    problem.b = columns;
    problem.b_offsets = b_offsets_.data();
    problem.accumulate = stack.accumulates || first > 0;
    if (exchanged_ && !keeps_sums_ && width % LaneCount() == 0)
      return OuterTile(problem, width, Output(part, stack.diff_weights), shape_.oc_per_group());
    float* sums = sums_.get() + (keeps_sums_ ? Item(part) * Rows() + part.row : thread * kChunkRows) * TileWidth();
    OuterTile(problem, width, sums, TileWidth());
    if (stack.diff_weights != nullptr && end == stack.pixels)
      Store(sums, problem.rows, width, Output(part, stack.diff_weights));
  }

  // The chunks of a tile follow one another, which share its columns, and without exchanged roles store one behind the
  // other. Else, where all columns are there and near, the tiles of a chunk do, so that what is stored lies together.
  Part PartOf(Index i) const {
    const Index chunks = Chunks();
    const Index group = i / (tiles_ * chunks);
    const Index at = i % (tiles_ * chunks);
    return tiles_first_ ? Part{group, at % tiles_, at / tiles_ * chunk_rows_}
                        : Part{group, at / chunks, at % chunks * chunk_rows_};
  }

  float* Output(const Part& part, float* diff_weights) const {
    const Index columns = shape_.oc_per_group();
    const Index column = TileColumn(part.tile);
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
  Index chunk_rows_;  // at most kChunkRows
  bool goes_by_stretches_;
  bool tiles_first_;  // see PartOf
  AlignedMemory<float> columns_;
  // What is read from the planes comes from beyond the L2 cache, in pieces of a block that no hardware prefetches (64
  // to 256 channels, 56x56, 8 images: 0.63 of the time with what is needed next prefetched).
  bool reads_far_;
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
