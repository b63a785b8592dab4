#include "ops/conv/conv_simd.h"

#include "ops/conv/planes.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/conv_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/outer_kernel-inl.h"
#include "ops/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Forward and data gradient: output channels (forward) or input channels (gradient) are the rows, the terms are
// (channel, tap), and the columns run along the flat pixel axis of the planes.
class OuterConv final : public Kernel {
 public:
  OuterConv(const ConvAttributes& a, bool forward, const std::vector<Argument>& arguments, int threads)
      : attributes_(a),
        threads_(threads),
        rows_(forward ? a.oc_per_group() : a.ic_per_group()),
        channels_(forward ? a.ic_per_group() : a.oc_per_group()),
        geometry_(forward ? ConvGeometry::forward(a.window) : ConvGeometry::data_gradient(a.window)),
        images_(images_per_stack(geometry_.planes, channels_ * a.g, a.mb)),
        stack_(geometry_.planes, channels_ * a.g, images_, TileWidth()),
        source_(argument_index(arguments, forward ? "src" : "diff_dst")),
        weights_(argument_index(arguments, "weights")),
        bias_(forward ? argument_index(arguments, "bias") : -1),
        output_(argument_index(arguments, forward ? "dst" : "diff_src")),
        tile_memory_(zeroed_floats(threads * kRowBlock * TileWidth())) {
    const Index taps = a.window.taps();
    const Index row_step = forward ? channels_ * taps : taps;
    const Index channel_step = forward ? taps : rows_ * taps;
    for (Index row = 0; row < rows_; ++row) a_rows_.push_back(static_cast<std::int32_t>(row * row_step));
    for (const SubConv& sub : geometry_.subs) subs_.push_back(PlanSub(sub, channel_step));
  }

  void run(std::span<const TensorRef> arguments) override {
    const auto& a = attributes_;
    const float* source = Floats(arguments, source_);
    float* output = Floats(arguments, output_);
    const Index source_image = element_count(arguments[static_cast<size_t>(source_)].shape) / a.mb;
    for (Index n = 0; n < a.mb; n += images_) {
      const Index images = std::min(images_, a.mb - n);
      PackPlanes(stack_, source + n * source_image, images, threads_);
      for (const Sub& sub : subs_)
        RunSub(sub, images == images_ ? sub.full : sub.rest, Floats(arguments, weights_), Floats(arguments, bias_),
               output + n * ImageSize());
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  struct Sub {
    std::vector<std::int32_t> a_offsets, b_offsets;
    TilePlan full, rest;  // for a whole stack of images, and for the last one
    Index column_step;
  };

  static float* Floats(std::span<const TensorRef> arguments, int index) {
    return index < 0 ? nullptr : arguments[static_cast<size_t>(index)].floats();
  }

  Index PixelCount() const { return geometry_.output[0] * geometry_.output[1] * geometry_.output[2]; }
  Index ImageSize() const { return rows_ * attributes_.g * PixelCount(); }

  Sub PlanSub(const SubConv& sub, Index channel_step) const {
    Sub plan;
    plan.b_offsets = stack_.term_offsets(sub.taps, channels_);
    for (Index channel = 0; channel < channels_; ++channel)
      for (const Tap& tap : sub.taps)
        plan.a_offsets.push_back(static_cast<std::int32_t>(channel * channel_step + tap.number));
    const Index rest = attributes_.mb % images_;
    plan.full = plan_tiles(geometry_, sub, images_, BalancedWidth(images_), ImageSize());
    plan.rest = plan_tiles(geometry_, sub, rest, BalancedWidth(rest), ImageSize());
    plan.column_step = sub.step[2];
    return plan;
  }

  // Full tiles, unless a few of them would end in a narrow one: four vectors are 2 + 2, not 3 + 1.
  Index BalancedWidth(Index images) const {
    const Index vectors = (images * geometry_.planes.image_pitch() + LaneCount() - 1) / LaneCount();
    const Index tiles = std::max<Index>((vectors + kVectorBlock - 1) / kVectorBlock, 1);
    return (vectors + tiles - 1) / tiles * LaneCount();
  }

  // A panel of tiles whose planes stay in the L2 cache meets one block of rows after the other: weights are read once a
  // panel. Panels of all groups are shared out among the threads; with too few of them the rows are divided too.
  void RunSub(const Sub& sub, const TilePlan& plan, const float* weights, const float* bias, float* output) {
    const Index panels = PanelCount(plan);
    const Index blocks = (rows_ + kRowBlock - 1) / kRowBlock;
    const Index parts = threads_ == 1 ? 1 : std::clamp<Index>(4 * threads_ / (panels * attributes_.g), 1, blocks);
    const Index items = attributes_.g * panels * parts;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* scratch = tile_memory_.get() + thread * kRowBlock * TileWidth();
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item) {
        const Index part = item % parts;
        const Index panel = item / parts % panels;
        const Index group = item / parts / panels;
        const auto tiles = static_cast<Index>(plan.tiles.size());
        for (Index block = blocks * part / parts; block < blocks * (part + 1) / parts; ++block) {
          const OuterProblem problem = BlockProblem(sub, group, block * kRowBlock, weights, bias);
          float* out = output + (group * rows_ + block * kRowBlock) * PixelCount();
          for (Index tile = tiles * panel / panels; tile < tiles * (panel + 1) / panels; ++tile)
            RunTile(problem, sub.column_step, plan, plan.tiles[static_cast<size_t>(tile)], out, scratch);
        }
      }
    });
  }

  Index PanelCount(const TilePlan& plan) const {
    constexpr Index kPanelBytes = Index{1} << 20;
    const auto tiles = static_cast<Index>(plan.tiles.size());
    const Index bytes = channels_ * stack_.channel_pitch * static_cast<Index>(sizeof(float));
    return std::clamp<Index>(std::max(bytes / kPanelBytes, 2 * threads_ / attributes_.g), 1, std::max<Index>(tiles, 1));
  }

  OuterProblem BlockProblem(const Sub& sub, Index group, Index first_row, const float* weights,
                            const float* bias) const {
    OuterProblem problem;
    problem.rows = std::min<Index>(kRowBlock, rows_ - first_row);
    problem.depth = static_cast<Index>(sub.b_offsets.size());
    problem.a = weights + group * rows_ * channels_ * attributes_.window.taps();
    problem.a_rows = a_rows_.data() + first_row;
    problem.a_offsets = sub.a_offsets.data();
    problem.b = stack_.memory.get() + group * channels_ * stack_.channel_pitch;
    problem.b_offsets = sub.b_offsets.data();
    problem.bias = bias == nullptr ? nullptr : bias + group * rows_ + first_row;
    return problem;
  }

  void RunTile(OuterProblem problem, Index column_step, const TilePlan& plan, const TilePlan::Tile& tile, float* out,
               float* scratch) const {
    problem.b += tile.first_pixel;
    const Run& run = plan.runs[static_cast<size_t>(tile.first_run)];
    if (column_step == 1 && run.length == tile.width && tile.width % LaneCount() == 0) {
      OuterTile(problem, tile.width, out + run.output, PixelCount());
      return;
    }
    OuterTile(problem, tile.width, scratch, TileWidth());
    StoreRuns(plan, tile, column_step, problem.rows, scratch, out);
  }

  // Copies the columns that are outputs, and leaves out the gaps.
  void StoreRuns(const TilePlan& plan, const TilePlan::Tile& tile, Index step, Index rows, const float* scratch,
                 float* out) const {
    const hn::ScalableTag<float> d;
    const Index lanes = LaneCount();
    for (Index row = 0; row < rows; ++row, scratch += TileWidth(), out += PixelCount())
      for (Index r = tile.first_run; r < tile.last_run; ++r) {
        const Run& run = plan.runs[static_cast<size_t>(r)];
        const float* from = scratch + run.column;
        float* to = out + run.output;
        Index i = 0;
        if (step == 1)
          for (; i + lanes <= run.length; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
        for (; i < run.length; ++i) to[i * step] = from[i];
      }
  }

  ConvAttributes attributes_;
  int threads_;
  Index rows_, channels_;  // within a group
  ConvGeometry geometry_;
  Index images_;
  PlaneStack stack_;
  int source_, weights_, bias_, output_;
  std::vector<std::int32_t> a_rows_;
  std::vector<Sub> subs_;
  AlignedMemory<float> tile_memory_;
};

// Weight gradient: the rows are (input channel, tap), read straight from the planes; the columns are output channels,
// read from a transposed copy of diff_dst; the sum runs along the flat pixel axis, whose gaps are zero in the copy.
class OuterConvWeights final : public Kernel {
 public:
  OuterConvWeights(const ConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : attributes_(a),
        threads_(threads),
        geometry_(ConvGeometry::forward(a.window)),
        images_(images_per_stack(geometry_.planes, a.ic, a.mb)),
        stack_(geometry_.planes, a.ic, images_, 0),
        src_(argument_index(arguments, "src")),
        diff_dst_(argument_index(arguments, "diff_dst")),
        diff_weights_(argument_index(arguments, "diff_weights")),
        column_pitch_(RoundUp(a.oc, LaneCount()) + TileWidth()),
        sum_pitch_(RoundUp(a.oc_per_group(), LaneCount())),
        columns_(zeroed_floats(Pixels(images_) * column_pitch_)),
        sums_(zeroed_floats(a.g * Rows() * sum_pitch_)) {
    a_rows_ = stack_.term_offsets(geometry_.subs[0].taps, a.ic_per_group());
    for (Index p = 0; p < Pixels(images_); ++p) {
      a_offsets_.push_back(static_cast<std::int32_t>(p));
      b_offsets_.push_back(static_cast<std::int32_t>(p * column_pitch_));
    }
  }

  void run(std::span<const TensorRef> arguments) override {
    const auto& a = attributes_;
    const float* src = arguments[static_cast<size_t>(src_)].floats();
    const float* diff_dst = arguments[static_cast<size_t>(diff_dst_)].floats();
    for (Index n = 0; n < a.mb; n += images_) {
      const Index images = std::min(images_, a.mb - n);
      PackPlanes(stack_, src + n * a.ic * a.window.in_count(), images, threads_);
      TransposeColumns(diff_dst + n * a.oc * a.window.out_count(), images);
      Accumulate(images, n > 0);
    }
    float* diff_weights = arguments[static_cast<size_t>(diff_weights_)].floats();
    parallel_tiles(threads_, a.g, [&](Index group) {
      Transpose(sums_.get() + group * Rows() * sum_pitch_, sum_pitch_, Rows(), a.oc_per_group(),
                diff_weights + group * a.oc_per_group() * Rows(), Rows());
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  static Index RoundUp(Index value, Index unit) { return (value + unit - 1) / unit * unit; }

  Index Rows() const { return attributes_.ic_per_group() * attributes_.window.taps(); }
  Index Pixels(Index images) const {
    const auto& out = geometry_.output;
    return (images - 1) * geometry_.planes.image_pitch() + geometry_.planes.offset(out[0] - 1, out[1] - 1, out[2] - 1) +
           1;
  }

  // columns[pixel][oc] = diff_dst[n][oc][od][oh][ow] at the pixel's place on the flat axis.
  void TransposeColumns(const float* diff_dst, Index images) {
    const auto& out = geometry_.output;
    const Index size = out[0] * out[1] * out[2];
    const bool gapless = geometry_.planes.axes[2].pitch == out[2];
    const Index rows = gapless ? 1 : out[1];  // without gaps a whole d slice is one row
    const Index width = gapless ? out[1] * out[2] : out[2];
    parallel_tiles(threads_, images * out[0] * rows, [&](Index row) {
      const Index n = row / (out[0] * rows);
      const Index d = row / rows % out[0];
      const Index h = row % rows;
      const Index pixel = n * geometry_.planes.image_pitch() + geometry_.planes.offset(d, h, 0);
      Transpose(diff_dst + n * attributes_.oc * size + d * out[1] * out[2] + h * out[2], size, attributes_.oc, width,
                columns_.get() + pixel * column_pitch_, column_pitch_);
    });
  }

  // One thread owns an element and walks all pixels in order.
  void Accumulate(Index images, bool accumulate) {
    const auto& a = attributes_;
    const Index tiles = (a.oc_per_group() + TileWidth() - 1) / TileWidth();
    const Index blocks = (Rows() + kRowBlock - 1) / kRowBlock;
    const Index parts = threads_ == 1 ? 1 : std::min<Index>(blocks, 2 * threads_);
    parallel_tiles(threads_, a.g * tiles * parts, [&](Index item) {
      const Index part = item % parts;
      const Index tile = item / parts % tiles;
      const Index group = item / parts / tiles;
      const Index first = kRowBlock * (blocks * part / parts);
      const Index last = std::min(Rows(), kRowBlock * (blocks * (part + 1) / parts));
      const Index column = tile * TileWidth();
      OuterProblem problem;
      problem.rows = last - first;
      problem.depth = Pixels(images);
      problem.a = stack_.memory.get() + group * a.ic_per_group() * stack_.channel_pitch;
      problem.a_rows = a_rows_.data() + first;
      problem.a_offsets = a_offsets_.data();
      problem.b = columns_.get() + group * a.oc_per_group() + column;
      problem.b_offsets = b_offsets_.data();
      problem.accumulate = accumulate;
      OuterTile(problem, std::min(TileWidth(), a.oc_per_group() - column),
                sums_.get() + (group * Rows() + first) * sum_pitch_ + column, sum_pitch_);
    });
  }

  ConvAttributes attributes_;
  int threads_;
  ConvGeometry geometry_;
  Index images_;
  PlaneStack stack_;
  int src_, diff_dst_, diff_weights_;
  Index column_pitch_, sum_pitch_;
  AlignedMemory<float> columns_, sums_;
  std::vector<std::int32_t> a_rows_, a_offsets_, b_offsets_;
};

// Bias gradient: the sum of diff_dst over batch and space.
class ConvBias final : public Kernel {
 public:
  ConvBias(const ConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : attributes_(a),
        threads_(threads),
        diff_dst_(argument_index(arguments, "diff_dst")),
        diff_bias_(argument_index(arguments, "diff_bias")) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto& a = attributes_;
    const float* diff_dst = arguments[static_cast<size_t>(diff_dst_)].floats();
    float* diff_bias = arguments[static_cast<size_t>(diff_bias_)].floats();
    const Index size = a.window.out_count();
    parallel_tiles(threads_, a.oc, [&](Index oc) {
      diff_bias[oc] = static_cast<float>(ChannelTotal({a.mb, size, a.oc * size}, diff_dst + oc * size));
    });
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  ConvAttributes attributes_;
  int threads_;
  int diff_dst_, diff_bias_;
};

std::unique_ptr<Kernel> PrepareConv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const ConvAttributes a = conv_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.slot == "weights") return std::make_unique<OuterConvWeights>(a, arguments, options.threads);
  if (pass.slot == "bias") return std::make_unique<ConvBias>(a, arguments, options.threads);
  return std::make_unique<OuterConv>(a, pass.is_forward(), arguments, options.threads);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareConv);

// Offsets into planes and weights are 32-bit.
std::optional<std::string> unsupported(const Case& c, const Pass&) {
  constexpr double kMost = 2147483647.0;
  const ConvAttributes a = conv_attributes(c.attributes);
  double planes = 1;
  double weights = static_cast<double>(a.oc * a.ic_per_group() * a.window.taps());
  for (const WindowAxis& axis : a.window.axes)
    planes *= static_cast<double>(axis.in + axis.pad_lo + axis.pad_hi + axis.extent() + axis.stride);
  if (planes * static_cast<double>(std::max(a.ic, a.oc)) < kMost && weights < kMost) return {};
  return "an image or the weights exceed 2^31 elements";
}

// Terms of one sum in the flat weight gradient: pixels with their gaps, cut into stacks of images.
double weights_depth(const ConvAttributes& a) {
  const ConvGeometry geometry = ConvGeometry::forward(a.window);
  const Index images = images_per_stack(geometry.planes, a.ic, a.mb);
  double blocks = 0;
  Index most = 0;
  for (Index n = 0; n < a.mb; n += images) {
    const Index pixels = std::min(images, a.mb - n) * geometry.planes.image_pitch();
    blocks += std::ceil(static_cast<double>(pixels) / kDepthBlock);
    most = std::max(most, pixels);
  }
  return static_cast<double>(std::min(most, kDepthBlock)) + blocks;
}

double depth(const Case& c, const Pass& pass, std::string_view) {
  const ConvAttributes a = conv_attributes(c.attributes);
  if (pass.slot == "weights") return weights_depth(a);
  if (pass.slot == "bias") return 1 + kSumDepth;  // summed in double, rounded once
  const bool forward = pass.is_forward();
  const Index terms = (forward ? a.ic_per_group() : a.oc_per_group()) * a.window.taps();
  return outer_depth(terms) + (forward && a.bias ? 1 : 0);
}

}  // namespace

std::vector<Implementation> conv_simd_implementations() {
  return simd_implementations({unsupported,
                               [](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                 return HWY_DYNAMIC_DISPATCH(PrepareConv)(c, pass, options);
                               },
                               depth});
}

}  // namespace gradproof
#endif  // HWY_ONCE
