#include "ops/conv/local_conv_simd.h"

#include "ops/conv/local_conv.h"
#include "ops/conv/local_conv_plan.h"
#include "ops/conv/planes.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/local_conv_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/local_conv_sums-inl.h"
#include "ops/conv/pack_planes-inl.h"
#include "ops/conv/unpack_planes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Weights below which a second thread does not pay: some 20 microseconds.
constexpr Index kSerialWeights = 65536;
constexpr Index kLongestStretch = 512;

// What the passes share: weights in the order (output channel, term, pixel), terms in the order (input channel, tap).
class LocalConv : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  LocalConv(const LocalConvAttributes& a, const std::vector<Argument>& arguments, Index images, int threads)
      : a_(a),
        arguments_(arguments),
        threads_(a.oc * a.terms() * a.outputs() < kSerialWeights ? 1 : threads),
        pixels_(a.outputs()),
        geometry_(ConvGeometry::forward(a.window)),
        stretches_(stretches_of(geometry_, kLongestStretch)),
        columns_(column_count(stretches_)),
        images_(images),
        stack_(PlaneStack::copied(geometry_.planes, a.ic, images, kColumnUnit)),
        term_offsets_(stack_.term_offsets(geometry_.subs[0].taps, a.ic)) {}

  float* Floats(std::span<const TensorRef> tensors, std::string_view name) const {
    const int index = argument_index(arguments_, name);
    return index < 0 ? nullptr : tensors[static_cast<size_t>(index)].floats();
  }

  // columns[n][oc][column] = diff_dst[n][oc][pixel]; columns beyond a stretch stay zero.
  void PackColumns(const float* diff_dst, Index images, float* columns) const {
    parallel_tiles(threads_, images * a_.oc, [&](Index map) {
      for (const PixelStretch& stretch : stretches_)
        std::copy_n(diff_dst + map * pixels_ + stretch.pixel, stretch.length,
                    columns + map * columns_ + stretch.column);
    });
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
  const Index columns_;
  const Index images_;  // in the stack
  PlaneStack stack_;
  const std::vector<std::int32_t> term_offsets_;
};

// Samples are taken in blocks of nearly equal size, for which weights are read once.
Index ImageBlock(Index mb) {
  const Index blocks = (mb + kLocalImages - 1) / kLocalImages;
  return (mb + blocks - 1) / blocks;
}

// Forward: dst is summed in blocks of kDepthBlock terms. A tile of pixels meets one output channel after the other, so
// that the planes of a block of terms stay in the L2 cache while its weights stream by.
class LocalForward final : public LocalConv {
 public:
  LocalForward(const LocalConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : LocalConv(a, arguments, ImageBlock(a.mb), threads),
        tiles_(tiles_of(stretches_, kLongestStretch)),
        sums_(zeroed_floats(threads_ * images_ * kLongestStretch)) {}

  void run(std::span<const TensorRef> tensors) override {
    for (Index n = 0; n < a_.mb; n += images_) {
      const Index images = std::min(images_, a_.mb - n);
      PackPlanes(stack_, Floats(tensors, "src") + n * a_.ic * a_.window.in_count(), images, threads_);
      const Task task{images, Floats(tensors, "weights"), Floats(tensors, "bias"),
                      Floats(tensors, "dst") + n * a_.oc * pixels_};
      const Index items = a_.oc * static_cast<Index>(tiles_.size());
      OnEveryThread([&](Index thread) {
        const Index end = items * (thread + 1) / threads_;
        for (Index item = items * thread / threads_; item < end;) {
          const Index oc = item % a_.oc;
          const Index last = std::min(a_.oc, oc + end - item);
          RunTile(task, tiles_[static_cast<size_t>(item / a_.oc)], oc, last, thread);
          item += last - oc;
        }
      });
    }
  }

 private:
  struct Task {
    Index images;
    const float* weights;
    const float* bias;
    float* dst;
  };

  void RunTile(const Task& task, const StretchTile& tile, Index first_oc, Index last_oc, Index thread) const {
    float* sums = sums_.get() + thread * images_ * kLongestStretch;
    for (Index block = 0; block < a_.terms(); block += kDepthBlock)
      for (Index oc = first_oc; oc < last_oc; ++oc) {
        SumTerms(task, tile, oc, block, sums);
        Store(task, tile, oc, block, sums);
      }
  }

  // The terms of a block, for one output channel. The next group's weights are prefetched; behind the block it is the
  // next output channel's.
  void SumTerms(const Task& task, const StretchTile& tile, Index oc, Index block, float* sums) const {
    const SumFunction sum_tile = SelectSumTile(task.images);
    const Index end = std::min(a_.terms(), block + kDepthBlock);
    for (Index term = block; term < end; term += kLocalGroup) {
      const Index next = term + kLocalGroup < end ? kLocalGroup : a_.terms() - (term - block);
      sum_tile({.depth = std::min(kLocalGroup, end - term),
                .weights = task.weights + (oc * a_.terms() + term) * pixels_,
                .weights_step = pixels_,
                .operand = stack_.memory.get(),
                .offsets = term_offsets_.data() + term,
                .place = &PixelStretch::plane,
                .operand_step = geometry_.planes.image_pitch(),
                .sums = sums - tile.column(),
                .sums_step = kLongestStretch,
                .accumulate = term > block,
                .ahead = next * pixels_},
               tile);
    }
  }

  void Store(const Task& task, const StretchTile& tile, Index oc, Index block, const float* sums) const {
    for (Index n = 0; n < task.images; ++n)
      for (const PixelStretch* stretch = tile.first; stretch != tile.last; ++stretch) {
        float* to = task.dst + (n * a_.oc + oc) * pixels_ + stretch->pixel;
        const float* bias = task.bias == nullptr ? nullptr : task.bias + oc * pixels_ + stretch->pixel;
        StoreSums(sums + n * kLongestStretch + stretch->column - tile.column(), block > 0 ? to : bias, stretch->length,
                  to);
      }
  }

  const std::vector<StretchTile> tiles_;
  AlignedMemory<float> sums_;
};

// Data gradient: for one input channel, the sums over output channels of each tap, which are then added to the
// channel's planes in the order of the taps.
class LocalDataGradient final : public LocalConv {
 public:
  LocalDataGradient(const LocalConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : LocalConv(a, arguments, ImageBlock(a.mb), threads),
        tiles_(tiles_of(stretches_, kTileColumns)),
        taps_at_once_(std::clamp<Index>(kTileColumns / std::min(columns_, kTileColumns), 1, a.window.taps())),
        tile_step_(std::min(columns_, kTileColumns)),
        diff_dst_(zeroed_floats(images_ * a.oc * columns_)),
        sums_(zeroed_floats(threads_ * ThreadSums())) {
    for (Index oc = 0; oc < a.oc; ++oc) channel_offsets_.push_back(static_cast<std::int32_t>(oc * columns_));
  }

  void run(std::span<const TensorRef> tensors) override {
    const Index map = a_.window.in_count();
    for (Index n = 0; n < a_.mb; n += images_) {
      const Index images = std::min(images_, a_.mb - n);
      PackColumns(Floats(tensors, "diff_dst") + n * a_.oc * pixels_, images, diff_dst_.get());
      float* diff_src = Floats(tensors, "diff_src") + n * a_.ic * map;
      OnEveryThread([&](Index thread) {
        for (Index ic = a_.ic * thread / threads_; ic < a_.ic * (thread + 1) / threads_; ++ic) {
          float* planes = stack_.memory.get() + ic * stack_.channel_pitch;
          std::fill_n(planes, stack_.channel_pitch, 0.0F);
          for (const StretchTile& tile : tiles_)
            for (Index tap = 0; tap < a_.window.taps(); tap += taps_at_once_)
              AddTaps(Floats(tensors, "weights"), images, tile, ic, tap, thread);
          for (Index image = 0; image < images; ++image)
            UnpackChannel(geometry_.planes, planes + image * geometry_.planes.image_pitch(), stack_.phase_pitch,
                          diff_src + (image * a_.ic + ic) * map);
        }
      });
    }
  }

 private:
  // Of all taps at once, for kLocalImages samples: 128 KiB, which the L2 cache holds besides diff_dst.
  static constexpr Index kTileColumns = 4096;

  Index ThreadSums() const { return taps_at_once_ * images_ * tile_step_; }

  // A few taps of one tile, in blocks of kDepthBlock output channels.
  void AddTaps(const float* weights, Index images, const StretchTile& tile, Index ic, Index first_tap,
               Index thread) const {
    float* sums = sums_.get() + thread * ThreadSums();
    const Index taps = std::min(taps_at_once_, a_.window.taps() - first_tap);
    for (Index block = 0; block < a_.oc; block += kDepthBlock) {
      SumTaps(weights + (ic * a_.window.taps() + first_tap) * pixels_, images, tile, taps, block, sums);
      for (Index tap = 0; tap < taps; ++tap)
        for (Index n = 0; n < images; ++n)
          AddToPlanes(tile, sums + (tap * images_ + n) * tile_step_,
                      term_offsets_[static_cast<size_t>(ic * a_.window.taps() + first_tap + tap)] +
                          n * geometry_.planes.image_pitch());
    }
  }

  // sums[tap][n][column] for a block of output channels. The next group of channels is prefetched, at last the first
  // group of the taps that follow.
  void SumTaps(const float* weights, Index images, const StretchTile& tile, Index taps, Index block,
               float* sums) const {
    const SumFunction sum_tile = SelectSumTile(images);
    const Index channel_step = a_.terms() * pixels_;
    const Index end = std::min(a_.oc, block + kDepthBlock);
    for (Index oc = block; oc < end; oc += kLocalGroup)
      for (Index tap = 0; tap < taps; ++tap)
        sum_tile({.depth = std::min(kLocalGroup, end - oc),
                  .weights = weights + oc * channel_step + tap * pixels_,
                  .weights_step = channel_step,
                  .operand = diff_dst_.get(),
                  .offsets = channel_offsets_.data() + oc,
                  .place = &PixelStretch::column,
                  .operand_step = a_.oc * columns_,
                  .sums = sums + tap * images_ * tile_step_ - tile.column(),
                  .sums_step = tile_step_,
                  .accumulate = oc > block,
                  .ahead = oc + kLocalGroup < a_.oc ? kLocalGroup * channel_step : taps * pixels_ - oc * channel_step},
                 tile);
  }

  void AddToPlanes(const StretchTile& tile, const float* sums, Index offset) const {
    for (const PixelStretch* stretch = tile.first; stretch != tile.last; ++stretch) {
      float* to = stack_.memory.get() + offset + stretch->plane;
      StoreSums(sums + stretch->column - tile.column(), to, stretch->length, to);
    }
  }

  const std::vector<StretchTile> tiles_;
  const Index taps_at_once_;
  const Index tile_step_;  // sums of one tap and sample
  AlignedMemory<float> diff_dst_, sums_;
  std::vector<std::int32_t> channel_offsets_;
};

// Weights gradient: the planes of the whole batch, so that every weight is written once.
class LocalWeightsGradient final : public LocalConv {
 public:
  LocalWeightsGradient(const LocalConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : LocalConv(a, arguments, a.mb, threads),
        stores_(stores_for(static_cast<size_t>(4 * a.oc * a.terms() * pixels_))),
        rows_(std::max<Index>(kBlockFloats / pixels_ / kProductRows, 1) * kProductRows),
        factors_(zeroed_floats(a.mb * a.oc * columns_)),
        block_(zeroed_floats(stores_ == Stores::kStreaming ? threads_ * rows_ * pixels_ : 0)) {}

  void run(std::span<const TensorRef> tensors) override {
    PackPlanes(stack_, Floats(tensors, "src"), a_.mb, threads_);
    PackColumns(Floats(tensors, "diff_dst"), a_.mb, factors_.get());
    float* diff_weights = Floats(tensors, "diff_weights");
    const Index blocks = (a_.terms() + rows_ - 1) / rows_;
    OnEveryThread([&](Index thread) {
      const Index items = a_.oc * blocks;
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item)
        RunBlock(item / blocks, item % blocks * rows_, thread, diff_weights);
      hwy::FlushStream();
    });
  }

 private:
  // Rows of weights that are computed in the L1 cache before they are streamed to memory in one piece.
  static constexpr Index kBlockFloats = 4096;

  void RunBlock(Index oc, Index first, Index thread, float* diff_weights) const {
    const Index rows = std::min(rows_, a_.terms() - first);
    float* to = diff_weights + (oc * a_.terms() + first) * pixels_;
    float* out = stores_ == Stores::kStreaming ? block_.get() + thread * rows_ * pixels_ : to;
    for (Index row = 0; row < rows; row += kProductRows)
      MultiplyRows({.images = a_.mb,
                    .factor = factors_.get() + oc * columns_,
                    .factor_step = a_.oc * columns_,
                    .operand = stack_.memory.get(),
                    .offsets = term_offsets_.data() + first + row,
                    .operand_step = geometry_.planes.image_pitch(),
                    .out = out + row * pixels_,
                    .pixels = pixels_},
                   stretches_, std::min<Index>(kProductRows, rows - row));
    if (out != to) Map(Copy(), stores_, static_cast<size_t>(rows * pixels_), to, out);
  }

  const Stores stores_;
  const Index rows_;
  AlignedMemory<float> factors_, block_;
};

// Bias gradient: the sum over the samples, one chain an element.
class LocalBiasGradient final : public Kernel {
 public:
  LocalBiasGradient(const LocalConvAttributes& a, const std::vector<Argument>& arguments)
      : a_(a), diff_dst_(argument_index(arguments, "diff_dst")), diff_bias_(argument_index(arguments, "diff_bias")) {}

  void run(std::span<const TensorRef> tensors) override {
    const hn::ScalableTag<float> d;
    const Index count = a_.oc * a_.outputs();
    const float* diff_dst = tensors[static_cast<size_t>(diff_dst_)].floats();
    float* diff_bias = tensors[static_cast<size_t>(diff_bias_)].floats();
    for (Index i = 0; i < count; i += LaneCount()) {
      const auto width = static_cast<size_t>(std::min(LaneCount(), count - i));
      auto sum = hn::Zero(d);
      for (Index n = 0; n < a_.mb; ++n) sum = hn::Add(sum, LoadFirst(d, diff_dst + n * count + i, width));
      StoreFirst(sum, d, diff_bias + i, width);
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  LocalConvAttributes a_;
  int diff_dst_, diff_bias_;
};

std::unique_ptr<Kernel> PrepareLocalConv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const LocalConvAttributes a = local_conv_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.is_forward()) return std::make_unique<LocalForward>(a, arguments, options.threads);
  if (pass.slot == "src") return std::make_unique<LocalDataGradient>(a, arguments, options.threads);
  if (pass.slot == "weights") return std::make_unique<LocalWeightsGradient>(a, arguments, options.threads);
  return std::make_unique<LocalBiasGradient>(a, arguments);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareLocalConv);

// Offsets into planes and columns are 32-bit. Weights number less than 2^31 in every case.
std::optional<std::string> unsupported(const Case& c, const Pass& pass) {
  constexpr double kMost = 2147483647.0;
  const LocalConvAttributes a = local_conv_attributes(c.attributes);
  auto planes = static_cast<double>(a.ic);
  for (const WindowAxis& axis : a.window.axes)
    planes *= static_cast<double>(axis.in + axis.pad_lo + axis.pad_hi + axis.extent() + axis.stride);
  const double columns = static_cast<double>(a.oc * kColumnUnit) * static_cast<double>(a.outputs());
  const auto images = static_cast<double>(pass.slot == "weights" ? a.mb : std::min(a.mb, kLocalImages));
  if (images * planes < kMost && columns < kMost) return {};
  return "the planes of a block of images exceed 2^31 elements";
}

// Forward: blocks of terms, one addition each (the bias counts as one). Data gradient: blocks of output channels, one
// addition for each of them and every window that sees the element. The others: one chain over the batch.
double depth(const Case& c, const Pass& pass, std::string_view) {
  const LocalConvAttributes a = local_conv_attributes(c.attributes);
  if (pass.is_forward())
    return static_cast<double>(std::min(a.terms(), kDepthBlock) + (a.terms() + kDepthBlock - 1) / kDepthBlock);
  if (pass.slot != "src") return static_cast<double>(a.mb);
  const Index blocks = (a.oc + kDepthBlock - 1) / kDepthBlock;
  return static_cast<double>(std::min(a.oc, kDepthBlock) + blocks * windows_over_an_input(a.window));
}

}  // namespace

std::vector<Implementation> local_conv_simd_implementations() {
  return simd_implementations({unsupported,
                               [](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                 return HWY_DYNAMIC_DISPATCH(PrepareLocalConv)(c, pass, options);
                               },
                               depth});
}

}  // namespace gradproof
#endif  // HWY_ONCE
