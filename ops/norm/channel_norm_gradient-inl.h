// Gradients of normalizations with gamma and beta for a channel.

#if defined(GRADPROOF_CHANNEL_NORM_GRADIENT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_CHANNEL_NORM_GRADIENT_INL_H
#undef GRADPROOF_CHANNEL_NORM_GRADIENT_INL_H
#else
#define GRADPROOF_CHANNEL_NORM_GRADIENT_INL_H
#endif

#include <algorithm>
#include <vector>

#include "ops/norm/channel_norm-inl.h"
#include "ops/norm/norm_maps-inl.h"
#include "ops/simd/block_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// With t = src - mean, and sums over the n elements of a set, or over those of its channel k:
//   diff_beta[k] = sum_k(dy), diff_gamma[k] = rstd * sum_k(t dy), both added up over the sets that use channel k;
//   diff_src = rstd (gamma dy - sum(gamma dy) / n - t rstd^2 sum(t gamma dy) / n), rstd gamma dy where statistics are
//   given.
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
        sums_(At(sets.sets() * sets.channels)),
        statistics_(Slots()),
        scales_(Slots() * At(MapsASet())),
        maps_(Slots() * At(MapsASet())) {}

 protected:
  struct Statistics {
    float mean;  // as it was saved, rounded to float32
    double rstd;
    double residue = 0;  // what rounding the mean lost
  };

  // What the set was normalized by.
  virtual Statistics StatisticsOf(const Tile& tile, Index set) const {
    return {Tensor(tile.arguments, mean_)[set], static_cast<double>(Tensor(tile.arguments, rstd_)[set])};
  }

 private:
  bool Centres() const { return diff_src_ >= 0 && !GivenStatistics(); }
  bool SumsProducts() const { return diff_gamma_ >= 0 || Centres(); }
  int Sweeps() const final { return (SumsProducts() || diff_beta_ >= 0 ? 1 : 0) + (diff_src_ >= 0 ? 1 : 0); }
  Front::Tensors Reads(std::span<const TensorRef> arguments) const final {
    return {Tensor(arguments, diff_dst_), SumsProducts() ? Tensor(arguments, src_) : nullptr};
  }

  void RunTile(const Tile& tile) final {
    if (SumsProducts() || diff_src_ >= 0)
      for (Index i = 0; i < tile.sets; ++i) statistics_[At(tile.slot + i)] = StatisticsOf(tile, tile.first + i);
    if (SumsProducts())
      SumProducts(tile);
    else if (diff_beta_ >= 0)
      SumDiffs(tile);
    if (diff_src_ < 0) return;
    for (Index i = 0; i < tile.sets; ++i) PrepareMaps(tile, i);
    const Index first = tile.slot * MapsASet();
    if (Centres())
      MapTile(tile, &maps_[At(first)], Data(tile, diff_src_), Data(tile, src_), Data(tile, diff_dst_));
    else
      MapTile(tile, &scales_[At(first)], Data(tile, diff_src_), Data(tile, diff_dst_));
  }

  // The sums of channel k of a set; those of one channel of the tensor lie c apart.
  GradientSums& SumsOf(Index set, Index k) { return sums_[At(set * sets_.channels + k)]; }

  void SumDiffs(const Tile& tile) {
    GradientSums* sums = &SumsOf(tile.first, 0);
    std::fill_n(sums, tile.sets * sets_.channels, GradientSums());
    const float* diff_dst = Data(tile, diff_dst_);
    ForEachBlockOf(tile, tile.sets * sets_.channels, sets_.space,
                   [&](auto& fetch, Index i, const Channel& block, Index offset) {
                     sums[i].diff += BlockTotal(fetch, block, diff_dst + offset);
                   });
  }

  // Leaves sum_k(dy), sum_k(t) and rstd sum_k(t dy).
  void SumProducts(const Tile& tile) {
    GradientSums* sums = &SumsOf(tile.first, 0);
    std::fill_n(sums, tile.sets * sets_.channels, GradientSums());
    const float *src = Data(tile, src_), *diff_dst = Data(tile, diff_dst_);
    ForEachBlockOf(tile, tile.sets * sets_.channels, sets_.space,
                   [&](auto& fetch, Index i, const Channel& block, Index offset) {
                     const Index set = tile.sets == 1 ? 0 : i / sets_.channels;  // a division takes its time
                     const float mean = statistics_[At(tile.slot + set)].mean;
                     sums[i].add(BlockGradientSums(fetch, block, mean, src + offset, diff_dst + offset));
                   });
    for (Index i = 0; i < tile.sets; ++i) ScaleProducts(tile.first + i, statistics_[At(tile.slot + i)]);
  }

  void ScaleProducts(Index set, Statistics& statistics) {
    if (!GivenStatistics()) {
      double centred = 0;
      for (Index k = 0; k < sets_.channels; ++k) centred += SumsOf(set, k).centred;
      statistics.residue = centred / static_cast<double>(sets_.count());
    }
    for (Index k = 0; k < sets_.channels; ++k) {
      GradientSums& sums = SumsOf(set, k);
      sums.product = statistics.rstd * (sums.product - statistics.residue * sums.diff);
    }
  }

  // Of set i of the tile.
  void PrepareMaps(const Tile& tile, Index i) {
    const Statistics& statistics = statistics_[At(tile.slot + i)];
    const Index set = tile.first + i;
    const auto n = static_cast<double>(sets_.count());
    double diff = 0, product = 0;
    for (Index k = 0; k < sets_.channels; ++k) {
      const double gamma = ChannelOr(tile, gamma_, sets_.first_channel(set) + k, 1);
      diff += gamma * SumsOf(set, k).diff;
      product += gamma * SumsOf(set, k).product;
    }
    const double slope = statistics.rstd * statistics.rstd * product / n;
    const double offset = statistics.residue * slope - statistics.rstd * diff / n;
    for (Index k = 0; k < MapsASet(); ++k) {
      const Index channel = sets_.first_channel(set) + k;
      const auto scale = static_cast<float>(ChannelOr(tile, gamma_, channel, 1) * statistics.rstd);
      const size_t at = At((tile.slot + i) * MapsASet() + k);
      if (GivenStatistics())
        scales_[at] = {scale};
      else
        maps_[at] = {statistics.mean, scale, static_cast<float>(slope), static_cast<float>(offset)};
    }
  }

  // Sets in order, whatever the number of threads that summed them.
  void Finish(std::span<const TensorRef> arguments) final {
    const auto add_up = [&](int index, double GradientSums::*sum) {
      if (index < 0) return;
      for (Index channel = 0; channel < sets_.c; ++channel) {
        double total = 0;
        for (size_t i = At(channel); i < sums_.size(); i += At(sets_.c)) total += sums_[i].*sum;
        Tensor(arguments, index)[channel] = static_cast<float>(total);
      }
    };
    add_up(diff_gamma_, &GradientSums::product);
    add_up(diff_beta_, &GradientSums::diff);
  }

  const int mean_, rstd_, diff_dst_, diff_src_, diff_gamma_, diff_beta_;
  std::vector<GradientSums> sums_;      // by set and channel
  std::vector<Statistics> statistics_;  // by slot
  std::vector<Scale> scales_;           // by slot and channel
  std::vector<NormalizeGradient> maps_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_CHANNEL_NORM_GRADIENT_INL_H
