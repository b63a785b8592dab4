// The engine of normalizations with gamma and beta for a channel: sets of any samples and channels.

#if defined(GRADPROOF_CHANNEL_NORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_CHANNEL_NORM_INL_H
#undef GRADPROOF_CHANNEL_NORM_INL_H
#else
#define GRADPROOF_CHANNEL_NORM_INL_H
#endif

#include <functional>
#include <vector>

#include "ops/core/case.h"
#include "ops/core/implementation.h"
#include "ops/norm/norm_maps-inl.h"
#include "ops/norm/norm_sets.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/front-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A set at a time: the second sweep finds it in the L2 cache.
class ChannelNorm : public Kernel {
 public:
  ChannelNorm(const NormSets& sets, const Case& c, const Pass& pass, int threads)
      : sets_(sets),
        names_(arguments_of(*c.spec, c.attributes, pass)),
        src_(Find("src")),
        gamma_(Find("gamma")),
        threads_(sets.total() < kSerial ? 1 : threads) {
    const bool long_rows = sets.space >= 1024;  // else partial cache lines abound, which streaming does not like
    const Index bytes = sets.total() * static_cast<Index>(sizeof(float)) * (pass.is_forward() ? 2 : 3);
    stores_ = long_rows ? stores_for(static_cast<size_t>(bytes)) : Stores::kCached;
  }

  void run(std::span<const TensorRef> arguments) final {
    const auto share = [&](Index thread) {
      const Index first = sets_.sets() * thread / threads_;
      const Index end = sets_.sets() * (thread + 1) / threads_;
      Front front = stores_ == Stores::kStreaming ? FrontOf(arguments, first, end - first) : Front();
      for (Index set = first; set < end; ++set)
        RunSet({arguments, set, sets_.first_channel(set), sets_.first_element(set), front});
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
    Finish(arguments);
  }

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  // The arguments as one set sees them.
  struct View {
    std::span<const TensorRef> arguments;
    Index set, channel, element;  // its number, its first channel and its first element
    Front& front;
    float* Data(int index) const { return arguments[static_cast<size_t>(index)].floats() + element; }
    float& OfSet(int index) const { return arguments[static_cast<size_t>(index)].floats()[set]; }
    // Of channel k of the set.
    double OfChannelOr(int index, Index k, double otherwise) const {
      return index < 0 ? otherwise : static_cast<double>(arguments[static_cast<size_t>(index)].floats()[channel + k]);
    }
  };

  virtual void RunSet(const View& view) = 0;
  virtual void Finish(std::span<const TensorRef> /*arguments*/) {}

  static const float* Tensor(std::span<const TensorRef> arguments, int index) {
    return arguments[static_cast<size_t>(index)].floats();
  }
  int Find(std::string_view name) const { return argument_index(names_, name); }

  // How often a set is swept over what it reads.
  virtual int Sweeps() const = 0;
  virtual Front::Tensors Reads(std::span<const TensorRef> arguments) const = 0;

  // `count` channels of a set as runs of one element after another.
  Channel Runs(Index count) const { return {sets_.samples, count * sets_.space, sets_.pitch()}; }
  // How many channels go through one map: without gamma all of them have the same scale and offset.
  Index ChannelsAMap() const { return gamma_ < 0 ? sets_.channels : 1; }

  // out = f(in...) over ChannelsAMap() channels of the set from number k.
  template <class F, class... In>
  void MapChannels(Front& front, const F& f, Index k, float* out, const In*... in) const {
    const Channel runs = Runs(ChannelsAMap());
    for (Index n = 0; n < runs.segments; ++n) {
      const Index at = n * runs.pitch + k * sets_.space;
      MapFetching(front, f, stores_, static_cast<size_t>(runs.length), out + at, (in + at)...);
    }
  }

  const NormSets sets_;
  const std::vector<Argument> names_;
  const int src_, gamma_;

 private:
  // What sets first, first + 1, ... read.
  Front FrontOf(std::span<const TensorRef> arguments, Index first, Index count) const {
    const Index length = sets_.channels * sets_.space;
    const auto start_of = [this, first](Index run) {
      return sets_.first_element(first + run / sets_.samples) + run % sets_.samples * sets_.pitch();
    };
    const Index ahead = Sweeps() > 1 ? sets_.count() / 2 : kPrefetchAhead;
    return {Reads(arguments), start_of, count * sets_.samples, length, ahead, Sweeps()};
  }

  static constexpr Index kSerial = 32768;  // elements: some 10 microseconds
  const int threads_;
  Stores stores_;
};

class ChannelNormForward : public ChannelNorm {
 public:
  ChannelNormForward(const NormSets& sets, double eps, const Case& c, int threads)
      : ChannelNorm(sets, c, Pass::forward(), threads),
        eps_(eps),
        beta_(Find("beta")),
        dst_(Find("dst")),
        mean_(Find("mean")),
        rstd_(Find("rstd")) {}

 protected:
  struct Statistics {
    double mean, rstd;
  };

  // What the set is normalized by.
  virtual Statistics StatisticsOf(const View& view) const { return Saved(view, MomentsOf(view)); }

  Moments MomentsOf(const View& view) const {
    return ChannelMoments(view.front, Runs(sets_.channels), view.Data(src_));
  }
  Statistics Saved(const View& view, const Moments& moments) const {
    const Statistics statistics{moments.mean(), Rstd(moments.variance())};
    view.OfSet(mean_) = static_cast<float>(statistics.mean);
    view.OfSet(rstd_) = static_cast<float>(statistics.rstd);
    return statistics;
  }
  double Rstd(double var) const { return 1 / std::sqrt(var + eps_); }
  int Sweeps() const override { return 2; }
  Front::Tensors Reads(std::span<const TensorRef> arguments) const final { return {Tensor(arguments, src_)}; }

 private:
  // What rounding the mean to float32 loses goes into the offset: with a large mean it would cost most digits.
  void RunSet(const View& view) final {
    const auto [mean, rstd] = StatisticsOf(view);
    const auto rounded = static_cast<float>(mean);
    for (Index k = 0; k < sets_.channels; k += ChannelsAMap()) {
      const double scale = view.OfChannelOr(gamma_, k, 1) * rstd;
      const double offset = view.OfChannelOr(beta_, k, 0) - (mean - static_cast<double>(rounded)) * scale;
      MapChannels(view.front, Normalize{rounded, static_cast<float>(scale), static_cast<float>(offset)}, k,
                  view.Data(dst_), view.Data(src_));
    }
  }

  const double eps_;
  const int beta_, dst_, mean_, rstd_;
};

// With t = src - mean, and sums over the n elements of a set, or over those of its channel k:
//   diff_beta[k] = sum_k(dy), diff_gamma[k] = rstd * sum_k(t dy), both added up over the sets that use channel k;
//   diff_src = rstd (gamma dy - sum(gamma dy) / n - t rstd^2 sum(t gamma dy) / n).
class ChannelNormGradient : public ChannelNorm {
 public:
  ChannelNormGradient(const NormSets& sets, const Case& c, const Pass& pass, int threads)
      : ChannelNorm(sets, c, pass, threads),
        mean_(Find("mean")),
        rstd_(Find("rstd")),
        diff_dst_(Find("diff_dst")),
        diff_src_(Find("diff_src")),
        diff_gamma_(Find("diff_gamma")),
        diff_beta_(Find("diff_beta")),
        sums_(static_cast<size_t>(sets.mb / sets.samples * sets.c)) {}

 protected:
  struct Statistics {
    float mean;  // as it was saved, rounded to float32
    double rstd;
  };

  // Whether they do not depend on src: then diff_src = rstd gamma dy.
  virtual bool GivenStatistics() const { return false; }

  // What the set was normalized by.
  virtual Statistics StatisticsOf(const View& view) const {
    return {view.OfSet(mean_), static_cast<double>(view.OfSet(rstd_))};
  }

 private:
  bool Centres() const { return diff_src_ >= 0 && !GivenStatistics(); }
  bool SumsProducts() const { return diff_gamma_ >= 0 || Centres(); }
  int Sweeps() const final { return (SumsProducts() || diff_beta_ >= 0 ? 1 : 0) + (diff_src_ >= 0 ? 1 : 0); }
  Front::Tensors Reads(std::span<const TensorRef> arguments) const final {
    return {Tensor(arguments, diff_dst_), SumsProducts() ? Tensor(arguments, src_) : nullptr};
  }

  void RunSet(const View& view) final {
    const Statistics statistics = StatisticsOf(view);
    double residue = 0;  // what rounding the mean lost
    if (SumsProducts())
      residue = SumProducts(view, statistics);
    else if (diff_beta_ >= 0)
      SumDiffs(view);
    if (Centres())
      MapCentred(view, statistics, residue);
    else if (diff_src_ >= 0)
      for (Index k = 0; k < sets_.channels; k += ChannelsAMap())
        MapChannels(view.front, Scale{static_cast<float>(view.OfChannelOr(gamma_, k, 1) * statistics.rstd)}, k,
                    view.Data(diff_src_), view.Data(diff_dst_));
  }

  // The sums of channel k of a set; those of one channel of the tensor lie c apart.
  GradientSums& SumsOf(const View& view, Index k) {
    return sums_[static_cast<size_t>(view.set / sets_.groups() * sets_.c + view.channel + k)];
  }

  void SumDiffs(const View& view) {
    for (Index k = 0; k < sets_.channels; ++k)
      SumsOf(view, k).diff = ChannelTotal(view.front, Runs(1), view.Data(diff_dst_) + k * sets_.space);
  }

  // Leaves sum_k(dy) and rstd sum_k(t dy); returns the mean less its rounded value.
  double SumProducts(const View& view, const Statistics& statistics) {
    double centred = 0;
    for (Index k = 0; k < sets_.channels; ++k) {
      const Index at = k * sets_.space;
      SumsOf(view, k) =
          ChannelGradientSums(view.front, Runs(1), statistics.mean, view.Data(src_) + at, view.Data(diff_dst_) + at);
      centred += SumsOf(view, k).centred;
    }
    const double residue = GivenStatistics() ? 0 : centred / static_cast<double>(sets_.count());
    for (Index k = 0; k < sets_.channels; ++k) {
      GradientSums& sums = SumsOf(view, k);
      sums.product = statistics.rstd * (sums.product - residue * sums.diff);
    }
    return residue;
  }

  void MapCentred(const View& view, const Statistics& statistics, double residue) {
    double diff = 0, product = 0;
    for (Index k = 0; k < sets_.channels; ++k) {
      diff += view.OfChannelOr(gamma_, k, 1) * SumsOf(view, k).diff;
      product += view.OfChannelOr(gamma_, k, 1) * SumsOf(view, k).product;
    }
    const auto n = static_cast<double>(sets_.count());
    const double slope = statistics.rstd * statistics.rstd * product / n;
    const double offset = residue * slope - statistics.rstd * diff / n;
    for (Index k = 0; k < sets_.channels; k += ChannelsAMap()) {
      const double scale = view.OfChannelOr(gamma_, k, 1) * statistics.rstd;
      MapChannels(view.front,
                  NormalizeGradient{statistics.mean, static_cast<float>(scale), static_cast<float>(slope),
                                    static_cast<float>(offset)},
                  k, view.Data(diff_src_), view.Data(src_), view.Data(diff_dst_));
    }
  }

  // Sets in order, whatever the number of threads that summed them.
  void Finish(std::span<const TensorRef> arguments) final {
    const auto add_up = [&](int index, double GradientSums::*sum) {
      if (index < 0) return;
      for (Index channel = 0; channel < sets_.c; ++channel) {
        double total = 0;
        for (size_t i = static_cast<size_t>(channel); i < sums_.size(); i += static_cast<size_t>(sets_.c))
          total += sums_[i].*sum;
        arguments[static_cast<size_t>(index)].floats()[channel] = static_cast<float>(total);
      }
    };
    add_up(diff_gamma_, &GradientSums::product);
    add_up(diff_beta_, &GradientSums::diff);
  }

  const int mean_, rstd_, diff_dst_, diff_src_, diff_gamma_, diff_beta_;
  std::vector<GradientSums> sums_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_CHANNEL_NORM_INL_H
