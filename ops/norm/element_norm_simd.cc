#include "ops/norm/element_norm_simd.h"

#include <cmath>
#include <functional>
#include <vector>

#include "ops/norm/layer_norm.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/norm/element_norm_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/norm/element_norm-inl.h"
#include "ops/norm/norm_maps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

class LayerNormForward final : public ElementNorm {
 public:
  LayerNormForward(const SampleNormAttributes& a, const Case& c, int threads)
      : ElementNorm(a, c, Pass::forward(), threads),
        eps_(a.eps),
        beta_(Find("beta")),
        dst_(Find("dst")),
        mean_(Find("mean")),
        rstd_(Find("rstd")),
        moments_(static_cast<size_t>(sets_.mb * RunsASample())),
        maps_(static_cast<size_t>(sets_.mb)) {}

  void run(std::span<const TensorRef> arguments) override {
    Sweep(
        {Tensor(arguments, src_)},
        [&](const SampleRun& run, Front& front) {
          moments_[static_cast<size_t>(run.number)] =
              ChannelMoments(front, {1, run.length, 0}, Data(arguments, src_, run));
        },
        [&](Index sample) { Merge(arguments, sample); },
        [&](const SampleRun& run, Front& front) { MapRun(arguments, run, front); });
  }

 private:
  // What rounding the mean to float32 loses goes into the offset: with a large mean it would cost most digits.
  void Merge(std::span<const TensorRef> arguments, Index sample) {
    Moments moments;
    for (Index i = 0; i < RunsASample(); ++i) moments.merge(moments_[static_cast<size_t>(sample * RunsASample() + i)]);
    const double mean = moments.mean(), rstd = 1 / std::sqrt(moments.variance() + eps_);
    const auto rounded = static_cast<float>(mean);
    OfSample(arguments, mean_, sample) = rounded;
    OfSample(arguments, rstd_, sample) = static_cast<float>(rstd);
    maps_[static_cast<size_t>(sample)] = {rounded, static_cast<float>(rstd),
                                          static_cast<float>((static_cast<double>(rounded) - mean) * rstd)};
  }

  void MapRun(std::span<const TensorRef> arguments, const SampleRun& run, Front& front) const {
    const Normalize& normalize = maps_[static_cast<size_t>(run.sample)];
    float* dst = Data(arguments, dst_, run);
    const float* src = Data(arguments, src_, run);
    if (gamma_ < 0) return MapOver(front, run, normalize, dst, src);
    MapOver(front, run, NormalizeElements{normalize}, dst, src, Parameters(arguments, gamma_, run),
            Parameters(arguments, beta_, run));
  }

  const double eps_;
  const int beta_, dst_, mean_, rstd_;
  std::vector<Moments> moments_;  // by run
  std::vector<Normalize> maps_;   // by sample
};

class RmsNormForward final : public ElementNorm {
 public:
  RmsNormForward(const SampleNormAttributes& a, const Case& c, int threads)
      : ElementNorm(a, c, Pass::forward(), threads),
        eps_(a.eps),
        dst_(Find("dst")),
        rrms_(Find("rrms")),
        squares_(static_cast<size_t>(sets_.mb * RunsASample())) {}

  void run(std::span<const TensorRef> arguments) override {
    Sweep(
        {Tensor(arguments, src_)},
        [&](const SampleRun& run, Front& front) {
          squares_[static_cast<size_t>(run.number)] =
              ChannelSquares(front, {1, run.length, 0}, Data(arguments, src_, run));
        },
        [&](Index sample) {
          double square = 0;
          for (Index i = 0; i < RunsASample(); ++i) square += squares_[static_cast<size_t>(sample * RunsASample() + i)];
          const double rrms = 1 / std::sqrt(square / static_cast<double>(sets_.count()) + eps_);
          OfSample(arguments, rrms_, sample) = static_cast<float>(rrms);
        },
        [&](const SampleRun& run, Front& front) {
          const Scale scale{OfSample(arguments, rrms_, run.sample)};
          float* dst = Data(arguments, dst_, run);
          const float* src = Data(arguments, src_, run);
          if (gamma_ < 0) return MapOver(front, run, scale, dst, src);
          MapOver(front, run, ScaleElements{scale}, dst, src, Parameters(arguments, gamma_, run));
        });
  }

 private:
  const double eps_;
  const int dst_, rrms_;
  std::vector<double> squares_;  // by run
};

// With g = gamma dy, t = src - mean and sums over the n elements of a sample:
//   diff_src = rstd (g - sum(g) / n - t rstd^2 sum(t g) / n); where no mean is subtracted, it is 0 and sum(g) left out;
//   diff_gamma = sum of t rstd dy and diff_beta = sum of dy over the samples, for each element.
class ElementNormGradient final : public ElementNorm {
 public:
  ElementNormGradient(const SampleNormAttributes& a, const Case& c, const Pass& pass, int threads)
      : ElementNorm(a, c, pass, threads),
        mean_(Find("mean")),
        rstd_(mean_ < 0 ? Find("rrms") : Find("rstd")),
        diff_dst_(Find("diff_dst")),
        diff_src_(Find("diff_src")),
        diff_gamma_(Find("diff_gamma")),
        diff_beta_(Find("diff_beta")),
        sums_(static_cast<size_t>(sets_.mb * BlocksASample())),
        maps_(static_cast<size_t>(sets_.mb)) {}

  void run(std::span<const TensorRef> arguments) override {
    const bool wants_parameters = diff_gamma_ >= 0 || diff_beta_ >= 0;
    if (from_memory_ && wants_parameters && diff_src_ >= 0 && BlocksASample() >= threads_)
      return RunFromMemory(arguments);
    if (diff_src_ >= 0)
      Sweep(
          Tensors(arguments), [&](const SampleRun& run, Front& front) { SumRun(arguments, run, front); },
          [&](Index sample) { Merge(arguments, sample); },
          [&](const SampleRun& run, Front& front) { MapRun(arguments, run, front); });
    if (!wants_parameters) return;
    const auto tile = [&](Index number) { AddUpTile(arguments, number * kTile); };
    Parallel((sets_.count() + kTile - 1) / kTile, std::cref(tile));
  }

 private:
  // Parameter gradients: elements of one tile, whose sums stay in the L1 cache, and samples read side by side. Samples
  // may lie a multiple of 4 KiB apart: src and diff_dst of 3 of them and the sums fit the 8 ways of a set of that
  // cache.
  static constexpr Index kTile = 1024, kStreams = 3;

  Index BlocksASample() const { return (sets_.count() + kSumBlockSize - 1) / kSumBlockSize; }

  Front::Tensors Tensors(std::span<const TensorRef> arguments) const {
    return {Tensor(arguments, src_), Tensor(arguments, diff_dst_)};
  }

  float Mean(std::span<const TensorRef> arguments, Index sample) const {
    return mean_ < 0 ? 0.0F : OfSample(arguments, mean_, sample);
  }

  void SumRun(std::span<const TensorRef> arguments, const SampleRun& run, Front& front) {
    for (Index i = 0; i < run.length; i += kSumBlockSize)
      SumBlockOf(arguments, {run.sample, run.begin + i, std::min(kSumBlockSize, run.length - i), 0}, front);
  }

  // A run that is one block.
  template <class Fetch>
  void SumBlockOf(std::span<const TensorRef> arguments, const SampleRun& run, Fetch& fetch) {
    const Channel channel{1, run.length, 0};
    const float mean = Mean(arguments, run.sample);
    const float *src = Data(arguments, src_, run), *diff = Data(arguments, diff_dst_, run);
    sums_[static_cast<size_t>(run.sample * BlocksASample() + run.begin / kSumBlockSize)] =
        gamma_ < 0 ? BlockGradientSums(fetch, channel, mean, src, diff)
                   : BlockGradientSums(fetch, channel, mean, src, diff, Parameters(arguments, gamma_, run));
  }

  void Merge(std::span<const TensorRef> arguments, Index sample) {
    GradientSums sums;
    for (Index i = 0; i < BlocksASample(); ++i) sums.add(sums_[static_cast<size_t>(sample * BlocksASample() + i)]);
    const auto n = static_cast<double>(sets_.count());
    const float rounded = OfSample(arguments, rstd_, sample);
    const auto rstd = static_cast<double>(rounded);
    const double residue = mean_ < 0 ? 0 : sums.centred / n;  // what rounding the mean lost
    const double product = mean_ < 0 ? sums.product : sums.product - residue * sums.diff;
    const double slope = rstd * rstd * rstd * product / n;
    const double offset = mean_ < 0 ? 0 : residue * slope - rstd * sums.diff / n;
    maps_[static_cast<size_t>(sample)] = {Mean(arguments, sample), rounded, static_cast<float>(slope),
                                          static_cast<float>(offset)};
  }

  void MapRun(std::span<const TensorRef> arguments, const SampleRun& run, Front& front) const {
    const NormalizeGradient& gradient = maps_[static_cast<size_t>(run.sample)];
    float* out = Data(arguments, diff_src_, run);
    const float *src = Data(arguments, src_, run), *diff = Data(arguments, diff_dst_, run);
    if (gamma_ < 0) return MapOver(front, run, gradient, out, src, diff);
    MapOver(front, run, NormalizeElementsGradient{gradient}, out, src, diff, Parameters(arguments, gamma_, run));
  }

  // Sums over the samples for kTile elements; the last vector may reach beyond those that exist.
  struct Totals {
    HWY_ALIGN double gamma[kTile], beta[kTile];
  };

  // diff_gamma and diff_beta of the elements of a tile, samples in order.
  void AddUpTile(std::span<const TensorRef> arguments, Index begin) const {
    const Index length = std::min(kTile, sets_.count() - begin);
    Totals totals;
    const auto add_up = [&](auto& fetch) {
      for (Index n = 0; n < sets_.mb; n += kStreams) AddSamples(arguments, n, begin, length, totals, fetch);
    };
    if (from_memory_) {
      Front front = FrontAcross(diff_gamma_ < 0 ? Front::Tensors{Tensor(arguments, diff_dst_)} : Tensors(arguments),
                                begin, length, 2 * kStreams * length, 1);
      add_up(front);
    } else {
      NoFetch nothing;
      add_up(nothing);
    }
    StoreTotals(arguments, begin, length, totals);
  }

  void StoreTotals(std::span<const TensorRef> arguments, Index begin, Index length, const Totals& totals) const {
    const auto store = [&](int index, const double* sums) {
      if (index >= 0)
        std::transform(sums, sums + length, Parameters(arguments, index, {0, begin, length, 0}),
                       [](double sum) { return static_cast<float>(sum); });
    };
    store(diff_gamma_, totals.gamma);
    store(diff_beta_, totals.beta);
  }

  // All gradients of tensors beyond the caches: what those of the parameters read is summed for that of src as well, a
  // block of elements of all samples at a time, so that everything is read twice, and not three times or four.
  void RunFromMemory(std::span<const TensorRef> arguments) {
    const auto block = [&](Index number) { AddUpBlock(arguments, number * kSumBlockSize); };
    Parallel(BlocksASample(), std::cref(block));
    for (Index n = 0; n < sets_.mb; ++n) Merge(arguments, n);
    MapAll(Tensors(arguments), [&](const SampleRun& run, Front& front) { MapRun(arguments, run, front); });
  }

  void AddUpBlock(std::span<const TensorRef> arguments, Index begin) {
    const Index length = std::min(kSumBlockSize, sets_.count() - begin);
    Totals totals[kSumBlockSize / kTile];
    Front front = FrontAcross(Tensors(arguments), begin, length, 2 * kStreams * length, 2);
    for (Index n = 0; n < sets_.mb; n += kStreams) {
      for (Index k = n; k < std::min(n + kStreams, sets_.mb); ++k) SumBlockOf(arguments, {k, begin, length, 0}, front);
      for (Index i = 0; i < length; i += kTile)
        AddSamples(arguments, n, begin + i, std::min(kTile, length - i), totals[i / kTile], front);
    }
    for (Index i = 0; i < length; i += kTile)
      StoreTotals(arguments, begin + i, std::min(kTile, length - i), totals[i / kTile]);
  }

  // Samples that are added in one go.
  struct Streams {
    Index count = 0;
    const float *src[kStreams], *diff[kStreams];
    double mean[kStreams], rstd[kStreams];
  };
  Streams StreamsOf(std::span<const TensorRef> arguments, Index first, Index begin) const {
    Streams streams;
    for (; streams.count < std::min(kStreams, sets_.mb - first); ++streams.count) {
      const SampleRun run{first + streams.count, begin, 0, 0};
      streams.src[streams.count] = Data(arguments, src_, run);
      streams.diff[streams.count] = Data(arguments, diff_dst_, run);
      streams.mean[streams.count] = static_cast<double>(Mean(arguments, run.sample));
      streams.rstd[streams.count] = static_cast<double>(OfSample(arguments, rstd_, run.sample));
    }
    return streams;
  }

  // kStreams samples from `first` on.
  template <class Fetch>
  void AddSamples(std::span<const TensorRef> arguments, Index first, Index begin, Index length, Totals& totals,
                  Fetch& fetch) const {
    (diff_gamma_ < 0 ? AddStreams<false, Fetch> : AddStreams<true, Fetch>)(StreamsOf(arguments, first, begin),
                                                                           first == 0, length, totals, fetch);
  }

  template <bool kGamma, class Fetch>
  static void AddStreams(const Streams& streams, bool first, Index length, Totals& totals, Fetch& fetch) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> df;
    using V = hn::Vec<decltype(d)>;
    const auto add = [&](Index i, const auto& load) HWY_ATTR {
      V gamma = first ? hn::Zero(d) : hn::Load(d, totals.gamma + i);
      V beta = first ? hn::Zero(d) : hn::Load(d, totals.beta + i);
      for (Index n = 0; n < streams.count; ++n) {
        const V diff = hn::PromoteTo(d, load(streams.diff[n] + i));
        beta = hn::Add(beta, diff);
        if constexpr (!kGamma) continue;
        const V centred = hn::Sub(hn::PromoteTo(d, load(streams.src[n] + i)), hn::Set(d, streams.mean[n]));
        gamma = hn::MulAdd(hn::Mul(centred, hn::Set(d, streams.rstd[n])), diff, gamma);
      }
      hn::Store(gamma, d, totals.gamma + i);
      hn::Store(beta, d, totals.beta + i);
    };
    const auto lanes = static_cast<Index>(hn::Lanes(d));
    Index i = 0;
    for (; i + lanes <= length; i += lanes) {
      add(i, [&](const float* from) HWY_ATTR { return hn::LoadU(df, from); });
      fetch(lanes * streams.count);
    }
    const auto rest = static_cast<size_t>(length - i);
    if (rest > 0) add(i, [&](const float* from) HWY_ATTR { return LoadFirst(df, from, rest); });
    fetch(static_cast<Index>(rest) * streams.count);
  }

  const int mean_, rstd_, diff_dst_, diff_src_, diff_gamma_, diff_beta_;
  std::vector<GradientSums> sums_;       // by run
  std::vector<NormalizeGradient> maps_;  // by sample
};

std::unique_ptr<Kernel> PrepareElementNorm(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const SampleNormAttributes a = layer_norm_attributes(c.attributes);
  if (!pass.is_forward()) return std::make_unique<ElementNormGradient>(a, c, pass, options.threads);
  if (c.spec->find_slot("mean") != nullptr) return std::make_unique<LayerNormForward>(a, c, options.threads);
  return std::make_unique<RmsNormForward>(a, c, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareElementNorm);

// Statistics are in double and rounded once; roundings of float32 that remain, a multiply-add counted as two (SCALAR
// does not fuse it):
//   dst = ((x - mean) * rstd + offset) * gamma + beta: difference, rstd, product, sum, product, sum.
//   diff_src: the longest path is t * slope: difference, three factors rstd that were rounded when saved, slope,
//   product, two sums.
//   diff_gamma: in double, but for the saved mean and rstd, and the result.
double layer_norm_depth(const Case&, const Pass&, std::string_view slot) {
  const double roundings = slot == "dst" ? 6 : slot == "diff_src" ? 8 : slot == "diff_gamma" ? 3 : 1;
  return roundings + kSumDepth;
}

// Without a mean: dst = x * rrms * gamma: rrms, product, product. diff_src: no difference, and one sum is of zero.
double rms_norm_depth(const Case&, const Pass&, std::string_view slot) {
  const double roundings = slot == "dst" ? 3 : slot == "diff_src" ? 6 : slot == "diff_gamma" ? 2 : 1;
  return roundings + kSumDepth;
}

std::vector<Implementation> implementations(double (*depth)(const Case&, const Pass&, std::string_view)) {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareElementNorm)(plan...); }, .depth = depth});
}

}  // namespace

std::vector<Implementation> layer_norm_simd_implementations() { return implementations(layer_norm_depth); }
std::vector<Implementation> rms_norm_simd_implementations() { return implementations(rms_norm_depth); }

}  // namespace gradproof
#endif
