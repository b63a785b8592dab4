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

  // Whether the statistics that sets are normalized by do not depend on src.
  virtual bool GivenStatistics() const { return false; }

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
  // sums then stay in registers from one short plane to the next (group norm of 7 x 7, 8 samples, gradients of gamma
  // and beta: 0.92 and 0.88 of the time).
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
  static constexpr Index kShortRow = 512, kStage = 1024;  // floats

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

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_CHANNEL_NORM_INL_H
