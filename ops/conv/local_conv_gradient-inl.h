// The gradients of local_conv.

#if defined(GRADPROOF_LOCAL_CONV_GRADIENT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LOCAL_CONV_GRADIENT_INL_H
#undef GRADPROOF_LOCAL_CONV_GRADIENT_INL_H
#else
#define GRADPROOF_LOCAL_CONV_GRADIENT_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>

#include "ops/conv/local_conv_forward-inl.h"
#include "ops/conv/unpack_planes-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Data gradient: rows are taps. For one input channel, the sums over output channels of each tap are added to the
// channel's planes in the order of the taps.
class LocalDataGradient final : public LocalConv {
 public:
  LocalDataGradient(const LocalConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : LocalConv(a, arguments, 1, BalancedPart(a.mb, kLocalBlock), threads),
        taps_at_once_(std::clamp<Index>(kTapColumns / columns_, 1, a.window.taps())),
        sums_pitch_(spread_pitch(columns_)),
        plane_pitch_(stack_.channel_pitch + kColumnUnit),
        diff_dst_(zeroed_floats(images_ * sample_columns_)),
        planes_(zeroed_floats(threads_ * plane_pitch_)),
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
        float* planes = planes_.get() + thread * plane_pitch_;
        for (Index ic = a_.ic * thread / threads_; ic < a_.ic * (thread + 1) / threads_; ++ic) {
          const float* weights = Floats(tensors, "weights") + ic * a_.window.taps() * pixels_;
          SumChannel(weights, images, sums_.get() + thread * ThreadSums(), planes);
          for (Index image = 0; image < images; ++image)
            UnpackChannel(geometry_.planes, planes + image * geometry_.planes.image_pitch(), stack_.phase_pitch,
                          diff_src + (image * a_.ic + ic) * map);
        }
      });
    }
  }

 private:
  // Of all taps at once: 128 KiB for kLocalBlock samples, which the L2 cache holds besides diff_dst.
  static constexpr Index kTapColumns = 4096;

  Index ThreadSums() const { return taps_at_once_ * images_ * sums_pitch_; }

  // The planes of one input channel: a few taps at a time, output channels in blocks of kDepthBlock.
  void SumChannel(const float* weights, Index images, float* sums, float* planes) const {
    std::fill_n(planes, plane_pitch_, 0.0F);
    for (Index first = 0; first < a_.window.taps(); first += taps_at_once_)
      for (Index block = 0; block < a_.oc; block += kDepthBlock) {
        const Index taps = std::min(taps_at_once_, a_.window.taps() - first);
        SumTaps(weights + first * pixels_, images, taps, block, sums);
        for (Index tap = 0; tap < taps; ++tap)
          for (Index n = 0; n < images; ++n) {
            float* plane =
                planes + term_offsets_[static_cast<size_t>(first + tap)] + n * geometry_.planes.image_pitch();
            for (const PixelStretch& stretch : stretches_)
              AddColumns(sums + (tap * images_ + n) * sums_pitch_ + stretch.column, stretch.length,
                         plane + stretch.plane);
          }
      }
  }

  // sums[tap][n][column] for a block of output channels, a tap's pixels in one go: the longer the streams, the better.
  // The next group of channels is prefetched, at last the first group of the taps that follow.
  void SumTaps(const float* weights, Index images, Index taps, Index block, float* sums) const {
    const Index channel_step = a_.terms() * pixels_;
    const Index end = std::min(a_.oc, block + kDepthBlock);
    for (Index oc = block; oc < end; oc += kGradientGroup) {
      const float* next =
          weights + (oc + kGradientGroup < a_.oc ? (oc + kGradientGroup) * channel_step : taps * pixels_);
      for (Index tap = 0; tap < taps; tap += kLocalRows)
        ForEachFewImages(images, [&](Index image, Index few) {
          const float* these = weights + oc * channel_step;
          SumOverTile({.rows = std::min(kLocalRows, taps - tap),
                       .images = few,
                       .depth = std::min(kGradientGroup, end - oc),
                       .weights = these + tap * pixels_,
                       .weights_row = pixels_,
                       .weights_step = channel_step,
                       .operand = diff_dst_.get() + image * sample_columns_,
                       .offsets = channel_offsets_.data() + oc,
                       .place = &PixelStretch::column,
                       .operand_step = sample_columns_,
                       .sums = sums + (tap * images_ + image) * sums_pitch_,
                       .sums_row = images_ * sums_pitch_,
                       .sums_step = sums_pitch_,
                       .accumulate = oc > block,
                       .next = (image == 0 ? next : these) + tap * pixels_,
                       .next_is_contiguous = false},
                      AllStretches());
        });
    }
  }

  const Index taps_at_once_;
  const Index sums_pitch_;   // sums of one tap and sample
  const Index plane_pitch_;  // planes of one thread
  AlignedMemory<float> diff_dst_, planes_, sums_;
  std::vector<std::int32_t> channel_offsets_;
};

// Weights gradient: the planes of the whole batch, so that every weight is written once.
class LocalWeightsGradient final : public LocalConv {
 public:
  LocalWeightsGradient(const LocalConvAttributes& a, const std::vector<Argument>& arguments, int threads)
      : LocalConv(a, arguments, a.ic, a.mb, threads),
        stores_(stores_for(static_cast<size_t>(4 * a.oc * a.terms() * pixels_))),
        block_pitch_(spread_pitch(kProductRows * pixels_ + kColumnUnit)),
        factors_(zeroed_floats(a.mb * sample_columns_)),
        blocks_(zeroed_floats(stores_ == Stores::kStreaming ? threads_ * block_pitch_ : 0)) {}

  void run(std::span<const TensorRef> tensors) override {
    PackPlanes(stack_, Floats(tensors, "src"), a_.mb, threads_);
    PackColumns(Floats(tensors, "diff_dst"), a_.mb, factors_.get());
    float* diff_weights = Floats(tensors, "diff_weights");
    const Index rows = a_.oc * a_.terms();
    OnEveryThread([&](Index thread) {
      const Index first = rows * thread / threads_, last = rows * (thread + 1) / threads_;
      LineStream out(stores_, blocks_.get() + thread * block_pitch_, diff_weights + first * pixels_);
      for (Index row = first; row < last;) {
        const Index oc = row / a_.terms(), term = row % a_.terms();
        const Index count = std::min({Index{kProductRows}, last - row, a_.terms() - term});
        Multiply(oc, term, count, out.next());
        out.push(count * pixels_);
        row += count;
      }
      out.finish();
      hwy::FlushStream();
    });
  }

 private:
  // `rows` terms of an output channel.
  void Multiply(Index oc, Index term, Index rows, float* out) const {
    MultiplyRows({.images = a_.mb,
                  .factor = factors_.get() + oc * columns_,
                  .factor_step = sample_columns_,
                  .operand = stack_.memory.get(),
                  .offsets = term_offsets_.data() + term,
                  .operand_step = geometry_.planes.image_pitch(),
                  .out = out,
                  .pixels = pixels_},
                 stretches_, rows);
  }

  const Stores stores_;
  const Index block_pitch_;
  AlignedMemory<float> factors_, blocks_;
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

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LOCAL_CONV_GRADIENT_INL_H
