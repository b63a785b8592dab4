// The gradients of a deformable convolution with respect to src, to offsets and mask, and to the weights.

#if defined(GRADPROOF_DEFORM_GRADIENTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DEFORM_GRADIENTS_INL_H
#undef GRADPROOF_DEFORM_GRADIENTS_INL_H
#else
#define GRADPROOF_DEFORM_GRADIENTS_INL_H
#endif

#include <hwy/highway.h>

#include "ops/conv/deform_images-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// The column gradient, column[p][tap][channel] = sum over the oc of the channel's group of diff_dst[oc][p] *
// weights[oc][channel][tap]: pixels are the rows of the outer product, channels its columns, so that it comes out as
// the corners of samples lie.
class ColumnGradient {
 public:
  ColumnGradient(const DeformPlan& plan, Index tile)
      : plan_(plan),
        tile_(tile),
        rows_(Multiples(tile, 1)),
        terms_(Multiples(plan.a.oc_per_group(), tile)),
        weights_(zeroed_floats(plan.packed_count)) {
    for (const ChannelBlock& block : plan.blocks)
      for (const GroupPart& part : block.parts) weight_rows_.push_back(Multiples(plan.a.oc_per_group(), part.pitch));
  }

  // Elements of a pixel of the columns of any block: behind the last tap there is room for a vector that begins within.
  static Index Pitch(const DeformPlan& plan) { return plan.taps() * Widest(plan) + LaneCount(); }
  static Index Widest(const DeformPlan& plan) {
    Index most = 0;
    for (const ChannelBlock& block : plan.blocks) most = std::max(most, block.pitch);
    return most;
  }

  // [tap][oc][channel] for each part of each block.
  void PackWeights(const float* weights, int threads) {
    const auto& a = plan_.a;
    const Index taps = plan_.taps();
    parallel_tiles(threads, a.oc_per_group(), [&](Index oc) {
      for (const ChannelBlock& block : plan_.blocks)
        for (const GroupPart& part : block.parts)
          Transpose(weights + ((part.group * a.oc_per_group() + oc) * a.ic_per_group() + part.first_in_group) * taps,
                    taps, part.count, taps, weights_.get() + part.packed + oc * part.pitch,
                    a.oc_per_group() * part.pitch);
    });
  }

  // Copies the pixels of a tile for the output channels that `block` belongs to: to [oc][tile].
  void CopyTile(const ChannelBlock& block, const float* diff_dst, Index count, float* out) const {
    const Index first = block.parts.front().group * plan_.a.oc_per_group();
    const Index last = (block.parts.back().group + 1) * plan_.a.oc_per_group();
    for (Index oc = first; oc < last; ++oc)
      std::memcpy(out + oc * tile_, diff_dst + oc * plan_.pixels(), static_cast<size_t>(count) * sizeof(float));
  }

  // Parts in order: what a part's last vector writes beyond it, the next one overwrites. Padding becomes 0.
  void Compute(Index block_number, const float* diff_dst_tile, Index count, float* columns) const {
    const ChannelBlock& block = plan_.blocks[static_cast<size_t>(block_number)];
    size_t number = 0;
    for (Index b = 0; b < block_number; ++b) number += plan_.blocks[static_cast<size_t>(b)].parts.size();
    for (Index tap = 0; tap < plan_.taps(); ++tap)
      for (size_t i = 0; i < block.parts.size(); ++i) {
        const GroupPart& part = block.parts[i];
        OuterProblem problem;
        problem.rows = count;
        problem.depth = plan_.a.oc_per_group();
        problem.a = diff_dst_tile + part.group * plan_.a.oc_per_group() * tile_;
        problem.a_rows = rows_.data();
        problem.a_offsets = terms_.data();
        problem.b = weights_.get() + part.packed + tap * plan_.a.oc_per_group() * part.pitch;
        problem.b_offsets = weight_rows_[number + i].data();
        OuterColumns(problem, part.width, columns + tap * block.pitch + part.first, Pitch(plan_));
      }
  }

 private:
  const DeformPlan& plan_;
  Index tile_;
  std::vector<std::int32_t> rows_, terms_;
  std::vector<std::vector<std::int32_t>> weight_rows_;  // by part
  AlignedMemory<float> weights_;
};

// One thread's memory for the columns of a tile.
struct ColumnTile {
  AlignedMemory<float> columns, diff_dst;
  SampleTile samples;

  ColumnTile(const DeformPlan& plan, Index tile, bool with_ends)
      : columns(zeroed_floats(tile * ColumnGradient::Pitch(plan))),
        diff_dst(zeroed_floats(plan.a.oc * tile)),
        samples(plan.taps(), tile, with_ends) {}
};

// Blocks small enough that each of `threads` threads gets one of `copies` times the blocks.
inline Index SharedChannels(const DeformConvAttributes& a, Index copies, int threads) {
  Index channels = std::min(kBlockChannels, round_up(a.ic_per_offset_group(), LaneCount()));
  const auto items = [&] { return copies * a.og * ((a.ic_per_offset_group() + channels - 1) / channels); };
  while (items() < threads && channels > LaneCount()) channels = round_up(channels / 2, LaneCount());
  return channels;
}

// diff_src: a thread owns a block of channels of an image and adds the shares of all samples in order of pixels, then
// taps, whatever the tiles and blocks are.
class DeformSrcGradient final : public DeformSum {
 public:
  DeformSrcGradient(const DeformShape& shape, int threads)
      : shape_(shape),
        threads_(threads),
        plan_(shape.attributes, SharedChannels(shape.attributes, shape.attributes.mb, threads), LaneCount()),
        tile_(TilePixels(ColumnGradient::Pitch(plan_), plan_.pixels(), 1, 1)),
        gradient_(plan_, tile_) {
    for (int thread = 0; thread < threads; ++thread) {
      tiles_.emplace_back(plan_, tile_, false);
      images_.push_back(zeroed_floats((plan_.in_pixels() + 1) * ColumnGradient::Widest(plan_)));
    }
  }

  void run(const DeformTensors& t) override {
    gradient_.PackWeights(t.weights, threads_);
    const auto blocks = static_cast<Index>(plan_.blocks.size());
    ForEachItem(threads_, plan_.a.mb * blocks,
                [&](Index thread, Index item) { RunBlock(t, item / blocks, item % blocks, thread); });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  void RunBlock(const DeformTensors& t, Index n, Index number, Index thread) {
    const ChannelBlock& block = plan_.blocks[static_cast<size_t>(number)];
    const ColumnTile& tile = tiles_[static_cast<size_t>(thread)];
    float* image = images_[static_cast<size_t>(thread)].get();
    std::fill_n(image, (plan_.in_pixels() + 1) * block.pitch, 0.0F);
    for (Index pixel = 0; pixel < plan_.pixels(); pixel += tile_) {
      const Index count = std::min(tile_, plan_.pixels() - pixel);
      for (Index tap = 0; tap < plan_.taps(); ++tap)
        LocateTap(plan_, tap, FieldsOf(shape_, t, n, block.offset_group, tap, pixel), pixel, count, block.pitch,
                  tile.samples.tap(tap));
      gradient_.CopyTile(block, t.diff_dst + n * plan_.a.oc * plan_.pixels() + pixel, count, tile.diff_dst.get());
      gradient_.Compute(number, tile.diff_dst.get(), count, tile.columns.get());
      for (Index p = 0; p < count; ++p)
        for (Index tap = 0; tap < plan_.taps(); ++tap)
          ScatterChannels(tile.samples.tap(tap), p,
                          tile.columns.get() + p * ColumnGradient::Pitch(plan_) + tap * block.pitch, block.pitch,
                          image);
    }
    Transpose(image, block.pitch, plan_.in_pixels(), block.count,
              t.diff_src + (n * plan_.a.ic + block.first) * plan_.in_pixels(), plan_.in_pixels());
  }

  DeformShape shape_;
  int threads_;
  DeformPlan plan_;
  Index tile_;
  ColumnGradient gradient_;
  std::vector<ColumnTile> tiles_;
  std::vector<AlignedMemory<float>> images_;
};

// diff_offset and diff_mask. With D(corner) = <column gradient, corner> over the channels of the offset group,
//   diff_mask = sum over the corners of their weights * D,
//   diff_y = mask * (low x * (D(high, low) - D(low, low)) + high x * (D(high, high) - D(low, high))), diff_x likewise.
class DeformFieldGradient final : public DeformSum {
 public:
  DeformFieldGradient(const DeformShape& shape, int threads)
      : shape_(shape),
        threads_(threads),
        plan_(shape.attributes, kBlockChannels, LaneCount()),
        tile_(TilePixels(ColumnGradient::Pitch(plan_), plan_.pixels(), plan_.a.mb, threads)),
        gradient_(plan_, tile_),
        images_(plan_) {
    for (int thread = 0; thread < threads; ++thread) {
      tiles_.emplace_back(plan_, tile_, true);
      dots_.push_back(zeroed_floats(plan_.taps() * 4 * tile_));
    }
  }

  void run(const DeformTensors& t) override {
    const auto& a = plan_.a;
    gradient_.PackWeights(t.weights, threads_);
    const Index tiles = (plan_.pixels() + tile_ - 1) / tile_;
    for (Index first = 0; first < a.mb; first += images_.most()) {
      const Index images = std::min(images_.most(), a.mb - first);
      images_.Pack(t.src + first * a.ic * plan_.in_pixels(), images, threads_);
      ForEachItem(threads_, images * tiles,
                  [&](Index thread, Index item) { RunTile(t, first, item / tiles, item % tiles * tile_, thread); });
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  void RunTile(const DeformTensors& t, Index first_image, Index image, Index pixel, Index thread) {
    const ColumnTile& tile = tiles_[static_cast<size_t>(thread)];
    float* dots = dots_[static_cast<size_t>(thread)].get();
    const Index n = first_image + image, count = std::min(tile_, plan_.pixels() - pixel);
    for (Index number = 0; number < static_cast<Index>(plan_.blocks.size()); ++number) {
      const ChannelBlock& block = plan_.blocks[static_cast<size_t>(number)];
      const bool first = block.first % plan_.a.ic_per_offset_group() == 0;
      const bool last = (block.first + block.count) % plan_.a.ic_per_offset_group() == 0;
      if (first) {
        std::fill_n(dots, plan_.taps() * 4 * tile_, 0.0F);
        for (Index tap = 0; tap < plan_.taps(); ++tap) {
          TapFields fields = FieldsOf(shape_, t, n, block.offset_group, tap, pixel);
          fields.mask = nullptr;
          LocateTap(plan_, tap, fields, pixel, count, plan_.pixel_pitch, tile.samples.tap(tap));
        }
      }
      gradient_.CopyTile(block, t.diff_dst + n * plan_.a.oc * plan_.pixels() + pixel, count, tile.diff_dst.get());
      gradient_.Compute(number, tile.diff_dst.get(), count, tile.columns.get());
      for (Index p = 0; p < count; ++p)
        for (Index tap = 0; tap < plan_.taps(); ++tap)
          DotCorners(tile.samples.tap(tap), p,
                     tile.columns.get() + p * ColumnGradient::Pitch(plan_) + tap * block.pitch, block.pitch,
                     images_.image(image) + block.column, dots + tap * 4 * tile_);
      if (!last) continue;
      for (Index tap = 0; tap < plan_.taps(); ++tap)
        Combine(t, n, block.offset_group, tap, pixel, count, tile.samples.tap(tap), dots + tap * 4 * tile_);
    }
  }

  // From the dots of one tap to its gradients.
  void Combine(const DeformTensors& t, Index n, Index group, Index tap, Index pixel, Index count,
               const TapSamples& samples, const float* dots) const {
    const hn::ScalableTag<float> d;
    const TapFields fields = FieldsOf(shape_, t, n, group, tap, pixel);
    const Index at = (group * plan_.taps() + tap) * plan_.pixels();
    const Index at_mask = n * shape_.mask_image + at + pixel, at_y = n * shape_.offset_image + 2 * at + pixel;
    for (Index p = 0; p < count; p += LaneCount()) {
      const auto valid = static_cast<size_t>(std::min(LaneCount(), count - p));
      const auto dot = [&](Index corner) HWY_ATTR { return hn::LoadU(d, dots + corner * tile_ + p); };
      const auto table = [&](const float* of, Index row) HWY_ATTR { return hn::LoadU(d, of + row * tile_ + p); };
      if (t.diff_mask != nullptr) {
        auto sum = hn::Mul(table(samples.weight, 0), dot(0));
        for (Index corner = 1; corner < 4; ++corner) sum = hn::MulAdd(table(samples.weight, corner), dot(corner), sum);
        StoreFirst(sum, d, t.diff_mask + at_mask + p, valid);
      }
      if (t.diff_offset == nullptr) continue;
      const auto mask = fields.mask == nullptr ? hn::Set(d, 1.0F) : LoadFirst(d, fields.mask + p, valid);
      const auto slope = [&](Index low, Index high, Index from, Index to, Index other_from, Index other_to) HWY_ATTR {
        const auto one = hn::Mul(table(samples.ends, low), hn::Sub(dot(to), dot(from)));
        return hn::Mul(mask, hn::MulAdd(table(samples.ends, high), hn::Sub(dot(other_to), dot(other_from)), one));
      };
      StoreFirst(slope(2, 3, 0, 2, 1, 3), d, t.diff_offset + at_y + p, valid);
      StoreFirst(slope(0, 1, 0, 1, 2, 3), d, t.diff_offset + at_y + plan_.pixels() + p, valid);
    }
  }

  DeformShape shape_;
  int threads_;
  DeformPlan plan_;
  Index tile_;
  ColumnGradient gradient_;
  PackedImages images_;
  std::vector<ColumnTile> tiles_;
  std::vector<AlignedMemory<float>> dots_;
};

// diff_weights: a thread owns a tap of a block of channels and walks all pixels of all images in tiles of kDepthBlock,
// the terms of one block of a sum. Output channels are the rows, channels the columns.
class DeformWeightsGradient final : public DeformSum {
 public:
  DeformWeightsGradient(const DeformShape& shape, int threads)
      : shape_(shape),
        threads_(threads),
        plan_(shape.attributes, SharedChannels(shape.attributes, shape.attributes.window.taps(), threads), LaneCount()),
        pitch_(ColumnGradient::Widest(plan_) + LaneCount()),
        rows_(Multiples(plan_.a.oc_per_group(), plan_.pixels())),
        terms_(Multiples(kDepthBlock, 1)),
        column_rows_(Multiples(kDepthBlock, pitch_)),
        images_(plan_),
        sums_(zeroed_floats(plan_.packed_count)) {
    for (int thread = 0; thread < threads; ++thread) {
      columns_.push_back(zeroed_floats(kDepthBlock * pitch_));
      samples_.emplace_back(1, kDepthBlock, false);
    }
  }

  void run(const DeformTensors& t) override {
    const auto& a = plan_.a;
    for (Index first = 0; first < a.mb; first += images_.most()) {
      const Index images = std::min(images_.most(), a.mb - first);
      images_.Pack(t.src + first * a.ic * plan_.in_pixels(), images, threads_);
      ForEachItem(threads_, static_cast<Index>(plan_.blocks.size()) * plan_.taps(), [&](Index thread, Index item) {
        const ChannelBlock& block = plan_.blocks[static_cast<size_t>(item / plan_.taps())];
        for (Index image = 0; image < images; ++image)
          for (Index pixel = 0; pixel < plan_.pixels(); pixel += kDepthBlock)
            RunTile(t, block, item % plan_.taps(), first, image, pixel, thread);
      });
    }
    Unpack(t.diff_weights);
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  void RunTile(const DeformTensors& t, const ChannelBlock& block, Index tap, Index first_image, Index image,
               Index pixel, Index thread) {
    const auto& a = plan_.a;
    const Index n = first_image + image, count = std::min(kDepthBlock, plan_.pixels() - pixel);
    float* columns = columns_[static_cast<size_t>(thread)].get();
    const TapSamples samples = samples_[static_cast<size_t>(thread)].tap(0);
    LocateTap(plan_, tap, FieldsOf(shape_, t, n, block.offset_group, tap, pixel), pixel, count, plan_.pixel_pitch,
              samples);
    SampleChannels(samples, count, images_.image(image) + block.column, block.pitch, columns, pitch_);
    for (const GroupPart& part : block.parts) {
      OuterProblem problem;
      problem.rows = a.oc_per_group();
      problem.depth = count;
      problem.a = t.diff_dst + (n * a.oc + part.group * a.oc_per_group()) * plan_.pixels() + pixel;
      problem.a_rows = rows_.data();
      problem.a_offsets = terms_.data();
      problem.b = columns + part.first;
      problem.b_offsets = column_rows_.data();
      problem.accumulate = n > 0 || pixel > 0;
      OuterColumns(problem, part.count, sums_.get() + part.packed + tap * a.oc_per_group() * part.pitch, part.pitch);
    }
  }

  // From [tap][oc][channel] to [oc][channel][tap].
  void Unpack(float* diff_weights) const {
    const auto& a = plan_.a;
    parallel_tiles(threads_, a.oc_per_group(), [&](Index oc) {
      for (const ChannelBlock& block : plan_.blocks)
        for (const GroupPart& part : block.parts)
          Transpose(sums_.get() + part.packed + oc * part.pitch, a.oc_per_group() * part.pitch, plan_.taps(),
                    part.count,
                    diff_weights +
                        ((part.group * a.oc_per_group() + oc) * a.ic_per_group() + part.first_in_group) * plan_.taps(),
                    plan_.taps());
    });
  }

  DeformShape shape_;
  int threads_;
  DeformPlan plan_;
  Index pitch_;
  std::vector<std::int32_t> rows_, terms_, column_rows_;
  PackedImages images_;
  AlignedMemory<float> sums_;
  std::vector<AlignedMemory<float>> columns_;
  std::vector<SampleTile> samples_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DEFORM_GRADIENTS_INL_H
