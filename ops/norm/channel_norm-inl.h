// The engine of normalizations with gamma and beta for a channel: sets of any samples and channels.

#if defined(GRADPROOF_CHANNEL_NORM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_CHANNEL_NORM_INL_H
#undef GRADPROOF_CHANNEL_NORM_INL_H
#else
#define GRADPROOF_CHANNEL_NORM_INL_H
#endif

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "ops/core/case.h"
#include "ops/core/implementation.h"
#include "ops/norm/norm_maps-inl.h"
#include "ops/norm/norm_sets.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/front-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/line_stream-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A tile of sets at a time, which lie side by side in their samples: the second sweep finds them in the L2 cache. Where
// one set's share of a sample is short, several of them make whole cache lines.
class ChannelNorm : public Kernel {
 public:
  ChannelNorm(const NormSets& sets, const Case& c, const Pass& pass, int threads)
      : sets_(sets),
        names_(arguments_of(*c.spec, c.attributes, pass)),
        src_(Find("src")),
        gamma_(Find("gamma")),
        threads_(sets.total() < kSerial ? 1 : threads) {
    const size_t bytes = At(sets.total()) * sizeof(float) * (pass.is_forward() ? 2 : 3);
    if (sets.space >= kLongPlane) {
      stores_ = stores_for(bytes);
    } else if (sets.space >= kShortest && exceeds_last_level(bytes)) {
      stores_ = Stores::kStreaming;
      tile_sets_ = SetsATile();
    }
  }

  void run(std::span<const TensorRef> arguments) final {
    const Index tiles = sets_.sets() / tile_sets_;
    const auto share = [&](Index thread) {
      const Index first = tiles * thread / threads_, end = tiles * (thread + 1) / threads_;
      Front front = stores_ == Stores::kStreaming ? FrontOf(arguments, first, end - first) : Front();
      for (Index tile = first; tile < end; ++tile)
        RunTile({arguments, tile * tile_sets_, tile_sets_, thread * SlotsAThread(), front});
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
    Finish(arguments);
  }

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  struct Tile {
    std::span<const TensorRef> arguments;
    Index first, sets;  // sets first, first + 1, ...
    Index slot;         // of the first set, among those that threads keep apart what they know of their tile in
    Front& front;
  };

  virtual void RunTile(const Tile& tile) = 0;
  virtual void Finish(std::span<const TensorRef> /*arguments*/) {}

  // How often a set is swept over what it reads.
  virtual int Sweeps() const = 0;
  virtual Front::Tensors Reads(std::span<const TensorRef> arguments) const = 0;

  int Find(std::string_view name) const { return argument_index(names_, name); }
  static float* Tensor(std::span<const TensorRef> arguments, int index) {
    return arguments[static_cast<size_t>(index)].floats();
  }
  float* Data(const Tile& tile, int index) const {
    return Tensor(tile.arguments, index) + sets_.first_element(tile.first);
  }
  static double ChannelOr(const Tile& tile, int index, Index channel, double otherwise) {
    return index < 0 ? otherwise : static_cast<double>(Tensor(tile.arguments, index)[channel]);
  }
  static size_t At(Index i) { return static_cast<size_t>(i); }

  // Calls f(fetch, stripe, block, offset) for the blocks of stripes of a tile, `width` wide in each sample and side by
  // side. Short ones are met sample by sample, as they lie. `fetch` is the front, or nothing where there is none: the
  // sums then stay in registers from one short plane to the next (8 samples of 7 x 7: 0.75 to 0.9 of the time).
  template <class F>
  void ForEachBlockOf(const Tile& tile, Index stripes, Index width, const F& f) const {
    NoFetch nothing;
    if (stores_ == Stores::kStreaming)
      ForEachBlockOf(tile.front, stripes, width, f);
    else
      ForEachBlockOf(nothing, stripes, width, f);
  }

  size_t Slots() const { return At(threads_ * SlotsAThread()); }

  // Channels that go through one map: without gamma all of a set have the same scale and offset.
  Index ChannelsAMap() const { return gamma_ < 0 ? sets_.channels : 1; }
  Index MapsASet() const { return sets_.channels / ChannelsAMap(); }

  // out = f(in...) over a tile, maps[0], maps[1], ... from one channel, or set, to the next.
  template <class F, class... In>
  void MapTile(const Tile& tile, const F* maps, float* out, const In*... in) const {
    const Index width = ChannelsAMap() * sets_.space, count = tile.sets * MapsASet();
    const Index pitch = sets_.pitch(), end = sets_.samples * pitch;
    const bool gathers = stores_ == Stores::kStreaming && width <= kStage;
    for (Index row = 0; row < end; row += pitch) {
      if (gathers && !AreWholeLines(out + row, width))
        StreamRow(tile.front, maps, count, width, out + row, (in + row)...);
      else
        for (Index i = 0, at = row; i < count; ++i, at += width)
          MapFetching(tile.front, maps[i], stores_, At(width), out + at, (in + at)...);
    }
  }

  const NormSets sets_;
  const std::vector<Argument> names_;
  const int src_, gamma_;

 private:
  static constexpr Index kSerial = 32768;  // elements: some 10 microseconds
  // Planes end amid cache lines, which streaming does not like; to gather short ones pays where the other way is to
  // memory (1024 channels of 14 x 14, 416 samples: 0.5 to 0.75 of the time; 8 samples, in a socket's L3: 1.2 to 1.4).
  static constexpr Index kLongPlane = 1024, kShortest = 32;
  static constexpr Index kShortRow = 512;  // floats
  static constexpr Index kStage = 1024;

  template <class Fetch, class F>
  void ForEachBlockOf(Fetch& fetch, Index stripes, Index width, const F& f) const {
    const Channel stripe{sets_.samples, width, sets_.pitch()};
    if (stripes == 1 || width >= kSumBlockSize || sets_.samples == 1) {
      for (Index i = 0; i < stripes; ++i)
        ForEachBlock(stripe, [&](const Channel& block, Index offset) { f(fetch, i, block, i * width + offset); });
    } else {
      ForEachBlock(stripe, [&](const Channel& block, Index offset) {
        for (Index i = 0; i < stripes; ++i) f(fetch, i, block, i * width + offset);
      });
    }
  }

  // A line lies between those of two threads, even of a float each.
  Index SlotsAThread() const { return tile_sets_ + kLineFloats; }

  // Maps that end amid cache lines, side by side, streamed in whole lines.
  template <class F, class... In>
  static void StreamRow(Front& front, const F* maps, Index count, Index width, float* out, const In*... in) {
    HWY_ALIGN float stage[kStage + kLineFloats];
    LineStream lines(Stores::kStreaming, stage, out);
    Index staged = 0;
    for (Index i = 0; i < count; ++i) {
      Map(maps[i], Stores::kCached, At(width), lines.next() + staged, (in + i * width)...);
      staged += width;
      if (staged + width <= kStage && i + 1 < count) continue;
      front(staged);
      lines.push(staged);
      staged = 0;
    }
    lines.finish();
  }

  // As many as make a row of each sample worth fetching and whole cache lines of the usual planes (batch norm of 1024
  // channels, 14 x 14, 416 samples: 0.75 of the time of a channel by itself, 2048 of 7 x 7, 832 samples: a third).
  Index SetsATile() const {
    Index sets = 1;
    while (sets_.groups() % (2 * sets) == 0 && sets * sets_.channels * sets_.space < kShortRow) sets *= 2;
    return sets;
  }

  // What tiles first, first + 1, ... read.
  Front FrontOf(std::span<const TensorRef> arguments, Index first, Index count) const {
    const auto start_of = [this, first](Index tile) { return sets_.first_element((first + tile) * tile_sets_); };
    const Front::Rows rows{sets_.samples, tile_sets_ * sets_.channels * sets_.space, sets_.pitch()};
    const Index ahead = Sweeps() > 1 ? tile_sets_ * sets_.count() / 2 : kPrefetchAhead;
    return {Reads(arguments), start_of, count, rows, ahead, Sweeps()};
  }

  const int threads_;
  Stores stores_ = Stores::kCached;
  Index tile_sets_ = 1;
};

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

  // Whether they do not depend on src.
  virtual bool GivenStatistics() const { return false; }

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

  // Whether they do not depend on src: then diff_src = rstd gamma dy.
  virtual bool GivenStatistics() const { return false; }

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

#endif  // GRADPROOF_CHANNEL_NORM_INL_H
