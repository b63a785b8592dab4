// Forward passes of normalizations with gamma and beta for a channel.

#if defined(GRADPROOF_CHANNEL_NORM_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_CHANNEL_NORM_FORWARD_INL_H
#undef GRADPROOF_CHANNEL_NORM_FORWARD_INL_H
#else
#define GRADPROOF_CHANNEL_NORM_FORWARD_INL_H
#endif

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/norm/channel_norm-inl.h"
#include "ops/norm/norm_maps-inl.h"
#include "ops/simd/block_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

class ChannelNormForward : public ChannelNorm {
 public:
  ChannelNormForward(const NormSets& sets, double eps, const Case& c, int threads)
      : ChannelNorm(sets, c, Pass::forward(), threads),
        eps_(eps),
        beta_(Find("beta")),
        dst_(Find("dst")),
        mean_(Find("mean")),
        rstd_(Find("rstd")),
        moments_(Slots()),
        maps_(Slots() * At(MapsASet())) {}

 protected:
  struct Statistics {
    double mean, rstd;
  };

  // What a set is normalized by, which has these moments unless its statistics are given.
  virtual Statistics StatisticsOf(const Tile& tile, Index set, const Moments& moments) const {
    const Statistics statistics{moments.mean(), Rstd(moments.variance())};
    Tensor(tile.arguments, mean_)[set] = static_cast<float>(statistics.mean);
    Tensor(tile.arguments, rstd_)[set] = static_cast<float>(statistics.rstd);
    return statistics;
  }

  double Rstd(double var) const { return 1 / std::sqrt(var + eps_); }

 private:
  int Sweeps() const final { return GivenStatistics() ? 1 : 2; }
  Front::Tensors Reads(std::span<const TensorRef> arguments) const final { return {Tensor(arguments, src_)}; }

  void RunTile(const Tile& tile) final {
    if (!GivenStatistics()) SumTile(tile);
    Normalize* maps = &maps_[At(tile.slot * MapsASet())];
    for (Index i = 0; i < tile.sets; ++i)
      PrepareMaps(tile, tile.first + i, StatisticsOf(tile, tile.first + i, moments_[At(tile.slot + i)]),
                  maps + i * MapsASet());
    MapTile(tile, maps, Data(tile, dst_), Data(tile, src_));
  }

  void SumTile(const Tile& tile) {
    Moments* moments = &moments_[At(tile.slot)];
    std::fill_n(moments, tile.sets, Moments());
    const float* src = Data(tile, src_);
    ForEachBlockOf(tile, tile.sets, sets_.channels * sets_.space,
                   [&](auto& fetch, Index i, const Channel& block, Index offset) {
                     moments[i].merge(BlockMoments(fetch, block, src + offset));
                   });
  }

  // What rounding the mean to float32 loses goes into the offset: with a large mean it would cost most digits.
  void PrepareMaps(const Tile& tile, Index set, const Statistics& statistics, Normalize* maps) const {
    const auto rounded = static_cast<float>(statistics.mean);
    for (Index k = 0; k < MapsASet(); ++k) {
      const Index channel = sets_.first_channel(set) + k;
      const double scale = ChannelOr(tile, gamma_, channel, 1) * statistics.rstd;
      const double offset =
          ChannelOr(tile, beta_, channel, 0) - (statistics.mean - static_cast<double>(rounded)) * scale;
      maps[k] = {rounded, static_cast<float>(scale), static_cast<float>(offset)};
    }
  }

  const double eps_;
  const int beta_, dst_, mean_, rstd_;
  std::vector<Moments> moments_;  // by slot
  std::vector<Normalize> maps_;   // by slot and channel
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_CHANNEL_NORM_FORWARD_INL_H
