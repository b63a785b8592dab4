// What the convolution on the outer-product kernel computes at a stretch: the flat pixel axis in tiles, tiles in
// panels, rows of the output in chunks.

#if defined(GRADPROOF_OUTER_PLAN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_OUTER_PLAN_INL_H
#undef GRADPROOF_OUTER_PLAN_INL_H
#else
#define GRADPROOF_OUTER_PLAN_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/conv/column_groups.h"
#include "ops/conv/geometry.h"
#include "ops/conv/outer_conv.h"
#include "ops/conv/outer_geometry.h"
#include "ops/conv/planes.h"
#include "ops/core/environment.h"
#include "ops/simd/dot.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/outer_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

inline Index CeilDiv(Index a, Index b) { return (a + b - 1) / b; }
inline Index RoundUp(Index value, Index unit) { return CeilDiv(value, unit) * unit; }

// Output channels (forward) or input channels (data gradient) are the rows, the terms of their sums are (channel, tap),
// and the columns run along the flat pixel axis of the planes.
class OuterPlan {
 public:
  // One sub-convolution: where its terms are in the weights and in the planes, and its tiles for a whole stack of
  // images and for the last one.
  struct Sub {
    std::vector<std::int32_t> a_offsets, b_offsets;
    TilePlan full, rest;
    Index column_step;
  };
  struct Panel {
    const Sub* sub;
    const TilePlan* plan;
    Index first_tile, last_tile;
  };
  struct Schedule {
    Index chunk;  // rows
    std::vector<Panel> panels;
  };

  OuterPlan(const ConvShape& s, bool forward, int threads)
      : shape_(s),
        threads_(threads),
        forward_(forward),
        outer_(outer_geometry(s, forward)),
        stack_(MakeStack()),
        chunk_rows_(std::min(RoundUp(rows(), kRowBlock), MostRows(stack_))) {
    const Index taps = s.window.taps();
    const Index oc_step = s.weights_channels() * taps;
    for (const SubConv& sub : geometry_.subs)
      if (!sub.taps.empty()) subs_.push_back(PlanSub(sub, forward ? taps : oc_step));
    if (outer_.groups_columns) {
      GroupColumns(&Sub::full, stack_.images);
      GroupColumns(&Sub::rest, s.mb % stack_.images);
    }
    full_ = PlanItems(&Sub::full);
    rest_ = PlanItems(&Sub::rest);
  }
  OuterPlan(const OuterPlan&) = delete;  // schedules point into it
  OuterPlan& operator=(const OuterPlan&) = delete;

  bool is_forward() const { return forward_; }
  // Within a group.
  Index rows() const { return forward_ ? shape_.oc_per_group() : shape_.ic_per_group(); }
  Index channels() const { return forward_ ? shape_.ic_per_group() : shape_.oc_per_group(); }
  Index pixels() const { return geometry_.output[0] * geometry_.output[1] * geometry_.output[2]; }
  Index output_image() const { return rows() * shape_.g * pixels(); }
  Index source_image() const { return channels() * shape_.g * geometry_.planes.source_count(); }

  const PlaneStack& stack() const { return stack_; }
  // Of that many images, a whole stack or the last one.
  const Schedule& schedule(Index images) const { return images == stack_.images ? full_ : rest_; }
  // Some sub-convolution has no terms.
  bool has_empty_sums() const { return subs_.size() < geometry_.subs.size(); }

  // The most rows, and tiles and single columns, of an item.
  Index chunk_rows() const { return chunk_rows_; }
  Index most_tiles() const {
    Index most = 0;
    for (const Sub& sub : subs_)
      for (const TilePlan* plan : {&sub.full, &sub.rest})
        if (!plan->tiles.empty()) most = std::max(most, PanelTiles(*plan) + plan->single_columns);
    return most;
  }

  // Of what the outer kernel computes; single columns go with the last of them.
  static Index TileCount(const TilePlan& plan) { return static_cast<Index>(plan.tiles.size()) - plan.single_columns; }

 private:
  // Weights of a chunk, 128 rows of 128 terms, take 64 KiB: more would meet in the same sets of the L2 cache when rows
  // are a power of two apart (256 rows: 0.78 of the FMA peak on 1024 channels of 14x14 for 0.81, Zen 3, AVX2).
  static constexpr Index kChunkRows = 128;
  // Of planes that are copied, whose tiles may have to be gathered for each chunk again, 256 rows pay where the L2
  // cache has room for them and their sums (3x3, 512 channels of 7x7, 8 images, data gradient: 0.97 of the time, Zen
  // 4).
  static constexpr Index kChunkRowsOfCopies = 256, kCacheForCopies = Index{1} << 20;
  // Sums that wait, a workspace a thread, for each of the rows that a chunk may have.
  static constexpr Index kWorkspaceBytes = 2048;
  // Of so few pixels as 7x7, up to four behind the last vectors are summed on their own: each takes a sixth of the time
  // of a vector of columns or less (3x3 of 512 channels, 7x7: 0.88 of the layer's time, Zen 5, AVX-512).
  static constexpr Index kMostPixelsOfSingles = 96, kMostSingles = 4;
  // From this many full tiles on an image is read in place: fewer leave too many columns of its last tile unused, and
  // are stacked with other images.
  static constexpr Index kTilesInPlace = 4;

  PlaneStack MakeStack() const {
    const Planes& planes = geometry_.planes;
    const Index all = channels() * shape_.g;
    const Index images = images_per_stack(planes, all, shape_.mb);
    const bool has_tiles = planes.image_pitch() >= kTilesInPlace * TileWidth();
    if (planes.is_dense() && has_tiles && HoldsTiles() && !PaysToStack(images))
      return PlaneStack::in_place(planes, all);
    return PlaneStack::copied(planes, all, images, TileWidth());
  }

  // Whether the columns that all taps have within an image fill a tile, so that the last one can be moved back there.
  bool HoldsTiles() const {
    return std::all_of(geometry_.subs.begin(), geometry_.subs.end(),
                       [&](const SubConv& sub) { return geometry_.planes.image_pitch() - Reach(sub) >= TileWidth(); });
  }

  // Whether images in place take so much longer, for gaps between their outputs and for the columns of their last
  // vectors, that a stack of them pays: pointwise it is copied, which takes as long as eight multiply-adds (256 to 1024
  // channels, 14x14, 8 images: 0.95 of the time), else gathered, too (5x5 over 14x14, 6 to 16 channels, 8 images:
  // 0.88).
  bool PaysToStack(Index images) const {
    constexpr double kCopyCost = 8;  // of a vector
    constexpr double kWorthCopying = 1.02, kWorthGathering = 1.1;
    const Index flat = forward_ ? flat_pixels(geometry_) : pixels();
    const double in_place = static_cast<double>(images * CeilDiv(flat, LaneCount()));
    const double stacked = static_cast<double>(CeilDiv(images * pixels(), LaneCount()));
    const Index taps = shape_.window.taps();
    const double worth = taps == 1 ? kWorthCopying : kWorthGathering * GatherFactor(std::min(rows(), kChunkRows));
    return in_place > worth * stacked * (1 + kCopyCost / static_cast<double>(rows() * taps));
  }

  static Index MostRows(const PlaneStack& stack) {
    return stack.is_copy() && cache_sizes().l2.value_or(0) >= kCacheForCopies ? kChunkRowsOfCopies : kChunkRows;
  }

  // How much longer a vector of columns takes that is gathered for all rows of a chunk, as long as three multiply-adds.
  static double GatherFactor(Index chunk_rows) {
    constexpr double kGatherCost = 3;
    return 1 + kGatherCost / static_cast<double>(chunk_rows);
  }

  Sub PlanSub(const SubConv& sub, Index channel_step) const {
    Sub plan;
    plan.b_offsets = stack_.term_offsets(sub.taps, channels());
    for (Index channel = 0; channel < channels(); ++channel)
      for (const Tap& tap : sub.taps)
        plan.a_offsets.push_back(static_cast<std::int32_t>(channel * channel_step + tap.number));
    plan.column_step = sub.step[2];
    if (outer_.groups_columns) return plan;
    plan.full = PlanTiles(sub, stack_.images);
    plan.rest = PlanTiles(sub, shape_.mb % stack_.images);
    return plan;
  }

  // The plans of all sub-convolutions with terms, of columns that go where they have the least to compute.
  void GroupColumns(TilePlan Sub::*plan, Index images) {
    std::vector<std::vector<Column>> groups = group_columns(geometry_, images, output_image());
    auto sub = subs_.begin();
    for (size_t i = 0; i < groups.size(); ++i)
      if (!geometry_.subs[i].taps.empty())
        (*sub++).*plan = plan_column_tiles(std::move(groups[i]), {LaneCount(), kVectorBlock});
  }

  // What a tile's columns cost, in register blocks: gaps are computed like outputs.
  TilePlan PlanTiles(const SubConv& sub, Index images) const {
    TileUnits units{LaneCount(), kVectorBlock};
    TilePlan flat = plan_flat_tiles(geometry_, sub, images, units, output_image());
    if (!stack_.is_copy()) {
      keep_tiles_within(flat, LaneCount(), geometry_.planes.image_pitch() - Reach(sub));
      return flat;
    }
    units.single_columns = SingleColumns(sub, images * sub.pixels());
    TilePlan compact = plan_compact_tiles(geometry_, sub, images, units, output_image());
    return units.single_columns > 0 || VectorCount(compact) * GatherFactor(chunk_rows_) < VectorCount(flat) ? compact
                                                                                                            : flat;
  }

  // Forward they are dot products, which add in an order of their own: whether there are any does not depend on the
  // vector length, and so not for images that some read in place, in the tiles of 24 columns of AVX2. For the pointwise
  // data gradient, whose rows are neighbours, they have the bits that they have in tiles.
  Index SingleColumns(const SubConv& sub, Index pixels) const {
    constexpr Index kFewestInPlace = kTilesInPlace * 24;
    const Planes& planes = geometry_.planes;
    const bool some_in_place = planes.is_dense() && planes.image_pitch() >= kFewestInPlace;
    const bool are_dots = forward_ && static_cast<Index>(sub.taps.size()) == shape_.window.taps() && !some_in_place;
    const bool are_chains = !forward_ && shape_.window.taps() == 1;
    const Index rest = pixels % (are_chains ? LaneCount() : kDotLanes);
    return (are_dots || are_chains) && pixels < kMostPixelsOfSingles && rest <= kMostSingles ? rest : 0;
  }

  static double VectorCount(const TilePlan& plan) {
    double vectors = 0;
    for (const TilePlan::Tile& tile : plan.tiles)
      vectors += static_cast<double>((tile.width + LaneCount() - 1) / LaneCount());
    return vectors;
  }

  static Index Reach(const SubConv& sub) {
    Index reach = 0;
    for (const Tap& tap : sub.taps) reach = std::max(reach, tap.offset);
    return reach;
  }

  Index PanelTiles(const TilePlan& plan) const {
    const Index tile_bytes = chunk_rows_ * TileWidth() * static_cast<Index>(sizeof(float));
    const Index room = kWorkspaceBytes * MostRows(stack_) / tile_bytes;
    return std::clamp<Index>(room, 1, std::max<Index>(TileCount(plan), 1));
  }

  // Items are as large as the workspace allows, and at least four a thread where there are rows or tiles to divide.
  Schedule PlanItems(TilePlan Sub::*plan) const {
    Schedule schedule{chunk_rows_, {}};
    std::vector<Index> counts;  // of panels, a sub-convolution
    Index all = 0;
    for (const Sub& sub : subs_) {
      const TilePlan& tiles = sub.*plan;
      const Index panels = CeilDiv(TileCount(tiles), PanelTiles(tiles));
      counts.push_back(tiles.tiles.empty() ? 0 : std::max<Index>(panels, 1));
      all += counts.back();
    }
    const Index wanted = threads_ == 1 ? 1 : 4 * threads_;
    const auto items = [&] { return shape_.g * CeilDiv(rows(), schedule.chunk) * all; };
    const Index factor = all == 0 ? 1 : CeilDiv(wanted, items());
    all = 0;
    for (size_t i = 0; i < subs_.size(); ++i) {
      const Index tiles = TileCount(subs_[i].*plan);
      const Index panels = std::min(counts[i] * factor, std::max(tiles, counts[i]));
      for (Index panel = 0; panel < panels; ++panel)
        schedule.panels.push_back({&subs_[i], &(subs_[i].*plan), tiles * panel / panels, tiles * (panel + 1) / panels});
      if (panels > 0) schedule.panels.back().last_tile += (subs_[i].*plan).single_columns;
      all += panels;
    }
    while (all > 0 && items() < wanted && schedule.chunk > 4 * kRowBlock)
      schedule.chunk = RoundUp(schedule.chunk / 2, kRowBlock);
    return schedule;
  }

  const ConvShape shape_;
  const int threads_;
  const bool forward_;
  const OuterGeometry outer_;
  const ConvGeometry& geometry_ = outer_.geometry;
  const PlaneStack stack_;
  const Index chunk_rows_;
  std::vector<Sub> subs_;
  Schedule full_, rest_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_OUTER_PLAN_INL_H
