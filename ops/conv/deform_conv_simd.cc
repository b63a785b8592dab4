#include "ops/conv/deform_engine.h"
#include "ops/conv/deform_plan.h"
#include "ops/simd/outer_problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/deform_conv_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/deform_gradients-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Forward: samples of a tile of pixels become columns, column[p][tap][channel] = mask * S, which are the rows of an
// outer product with the weights. Its columns are output channels; the result is transposed at the end.
class DeformForward final : public DeformSum {
 public:
  DeformForward(const DeformShape& shape, int threads)
      : shape_(shape),
        threads_(threads),
        plan_(shape.attributes, kBlockChannels, LaneCount()),
        column_pitch_(plan_.taps() * ColumnGradient::Widest(plan_)),
        oc_pitch_(round_up(plan_.a.oc_per_group(), LaneCount())),
        tile_(TilePixels(column_pitch_ + plan_.a.g * oc_pitch_, plan_.pixels(), plan_.a.mb, threads)),
        rows_(Multiples(tile_, column_pitch_)),
        weight_rows_(Multiples(plan_.taps() * std::min(kBlockChannels, plan_.a.ic_per_offset_group()), oc_pitch_)),
        weights_(zeroed_floats(plan_.a.g * Terms() * oc_pitch_)),
        images_(plan_) {
    for (const ChannelBlock& block : plan_.blocks) terms_.push_back(TermsOf(block));
    for (int thread = 0; thread < threads; ++thread)
      tiles_.push_back({zeroed_floats(tile_ * column_pitch_), zeroed_floats(tile_ * plan_.a.g * oc_pitch_),
                        SampleTile(plan_.taps(), tile_, false)});
  }

  void run(const DeformTensors& t) override {
    PackWeights(t.weights);
    const Index tiles = (plan_.pixels() + tile_ - 1) / tile_;
    for (Index first = 0; first < plan_.a.mb; first += images_.most()) {
      const Index images = std::min(images_.most(), plan_.a.mb - first);
      images_.Pack(t.src + first * plan_.a.ic * plan_.in_pixels(), images, threads_);
      ForEachItem(threads_, images * tiles, [&](Index thread, Index item) {
        RunTile(t, first, item / tiles, item % tiles * tile_, tiles_[static_cast<size_t>(thread)]);
      });
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  struct Tile {
    AlignedMemory<float> columns;  // [pixel][tap][channel]
    AlignedMemory<float> output;   // [pixel][group][oc, padded to whole vectors]
    SampleTile samples;
  };

  // Terms of one sum.
  Index Terms() const { return plan_.a.ic_per_group() * plan_.taps(); }

  // Where the terms (channel, tap) of a block are in the columns.
  std::vector<std::int32_t> TermsOf(const ChannelBlock& block) const {
    std::vector<std::int32_t> terms;
    for (Index channel = 0; channel < block.count; ++channel)
      for (Index tap = 0; tap < plan_.taps(); ++tap)
        terms.push_back(static_cast<std::int32_t>(tap * block.pitch + channel));
    return terms;
  }

  // [group][channel, tap][oc]
  void PackWeights(const float* weights) {
    const Index oc = plan_.a.oc_per_group(), taps = plan_.taps();
    parallel_tiles(threads_, plan_.a.ic, [&](Index channel) {
      const Index group = channel / plan_.a.ic_per_group(), term = channel % plan_.a.ic_per_group() * taps;
      Transpose(weights + group * oc * Terms() + term, Terms(), oc, taps,
                weights_.get() + (group * Terms() + term) * oc_pitch_, oc_pitch_);
    });
  }

  void RunTile(const DeformTensors& t, Index first_image, Index image, Index pixel, const Tile& tile) {
    const Index n = first_image + image, count = std::min(tile_, plan_.pixels() - pixel);
    SetBias(t.bias, count, tile.output.get());
    for (size_t number = 0; number < plan_.blocks.size(); ++number) {
      const ChannelBlock& block = plan_.blocks[number];
      for (Index tap = 0; tap < plan_.taps(); ++tap) {
        const TapSamples samples = tile.samples.tap(tap);
        if (block.first % plan_.a.ic_per_offset_group() == 0)
          LocateTap(plan_, tap, FieldsOf(shape_, t, n, block.offset_group, tap, pixel), pixel, count, plan_.pixel_pitch,
                    samples);
        SampleChannels(samples, count, images_.image(image) + block.column, block.pitch,
                       tile.columns.get() + tap * block.pitch, column_pitch_);
      }
      for (const GroupPart& part : block.parts) MultiplyPart(part, terms_[number], count, tile);
    }
    for (Index group = 0; group < plan_.a.g; ++group)
      Transpose(tile.output.get() + group * oc_pitch_, plan_.a.g * oc_pitch_, count, plan_.a.oc_per_group(),
                t.dst + (n * plan_.a.oc + group * plan_.a.oc_per_group()) * plan_.pixels() + pixel, plan_.pixels());
  }

  void SetBias(const float* bias, Index count, float* output) const {
    const Index oc = plan_.a.oc_per_group();
    for (Index row = 0; row < count * plan_.a.g; ++row, output += oc_pitch_)
      if (bias == nullptr)
        std::fill_n(output, oc, 0.0F);
      else
        std::copy_n(bias + row % plan_.a.g * oc, oc, output);
  }

  void MultiplyPart(const GroupPart& part, const std::vector<std::int32_t>& terms, Index count,
                    const Tile& tile) const {
    OuterProblem problem;
    problem.rows = count;
    problem.depth = part.count * plan_.taps();
    problem.a = tile.columns.get();
    problem.a_rows = rows_.data();
    problem.a_offsets = terms.data() + part.first * plan_.taps();
    problem.b = weights_.get() + (part.group * Terms() + part.first_in_group * plan_.taps()) * oc_pitch_;
    problem.b_offsets = weight_rows_.data();
    problem.accumulate = true;
    OuterColumns(problem, plan_.a.oc_per_group(), tile.output.get() + part.group * oc_pitch_, plan_.a.g * oc_pitch_);
  }

  DeformShape shape_;
  int threads_;
  DeformPlan plan_;
  Index column_pitch_, oc_pitch_, tile_;
  std::vector<std::int32_t> rows_, weight_rows_;
  std::vector<std::vector<std::int32_t>> terms_;  // by block
  AlignedMemory<float> weights_;
  PackedImages images_;
  std::vector<Tile> tiles_;
};

std::unique_ptr<DeformSum> PlanDeform(const DeformShape& shape, DeformPass pass, int threads) {
  switch (pass) {
    case DeformPass::kSrc:
      return std::make_unique<DeformSrcGradient>(shape, threads);
    case DeformPass::kFields:
      return std::make_unique<DeformFieldGradient>(shape, threads);
    case DeformPass::kWeights:
      return std::make_unique<DeformWeightsGradient>(shape, threads);
    case DeformPass::kForward:
      break;
  }
  return std::make_unique<DeformForward>(shape, threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
HWY_EXPORT(PlanDeform);

std::unique_ptr<DeformSum> plan_deform(const DeformShape& shape, DeformPass pass, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanDeform)(shape, pass, threads);
}

}  // namespace gradproof
#endif  // HWY_ONCE
