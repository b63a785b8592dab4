// Forward pass and data gradient on the outer-product kernel.
#include "ops/conv/outer_conv.h"

#include <cstring>

#include "ops/conv/planes.h"
#include "ops/simd/column_dots.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/outer_conv_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/pack_planes-inl.h"
#include "ops/conv/tile_columns-inl.h"
#include "ops/simd/column_dots-inl.h"
#include "ops/simd/outer_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Output channels (forward) or input channels (data gradient) are the rows, the terms of their sums are (channel, tap),
// and the columns run along the flat pixel axis of the planes.
//
// Blocks, from the outside in (Goto and van de Geijn 2008, doi:10.1145/1356052.1356053, with planes in place of a
// packed B): a chunk of rows and a panel of tiles are an item of work; within an item, each block of about kDepthBlock
// terms meets one tile of pixels, which stays in the L1 cache, with all rows of the chunk, whose weights stay in the L2
// cache. The sums of a panel wait in a workspace until their last block.
class OuterConv final : public ConvSum {
 public:
  OuterConv(const ConvShape& s, bool forward, int threads)
      : shape_(s),
        threads_(threads),
        rows_(forward ? s.oc_per_group() : s.ic_per_group()),
        channels_(forward ? s.ic_per_group() : s.oc_per_group()),
        forward_(forward),
        weights_group_(s.oc_per_group() * s.weights_channels() * s.window.taps()),
        geometry_(forward ? ConvGeometry::forward(s.window, DepthPadding::kSkipped)
                          : ConvGeometry::data_gradient(s.window, DepthPadding::kSkipped)),
        packs_weights_(!forward && (s.window.taps() == 1 || IsStrided(s.window))),
        writes_memory_(stores_for(static_cast<size_t>(4 * s.mb * ImageSize())) == Stores::kStreaming),
        stack_(MakeStack()) {
    const Index taps = s.window.taps();
    const Index oc_step = s.weights_channels() * taps;
    for (Index row = 0; row < rows_; ++row)
      a_rows_.push_back(static_cast<std::int32_t>(row * (forward ? oc_step : taps)));
    chunk_rows_ = std::min(RoundUp(rows_, kRowBlock), kChunkRows);
    for (const SubConv& sub : geometry_.subs) subs_.push_back(PlanSub(sub, forward ? taps : oc_step));
    full_ = PlanItems(&Sub::full);
    rest_ = PlanItems(&Sub::rest);
    Index most = 0;
    for (const Sub& sub : subs_)
      for (const TilePlan* plan : {&sub.full, &sub.rest})
        if (!plan->tiles.empty()) most = std::max(most, PanelTiles(*plan) + plan->single_columns);
    // Behind the sums packed weights, then a gathered tile.
    packed_size_ = packs_weights_ ? chunk_rows_ * kMostDepth : 0;
    workspace_size_ = RoundUp(most * chunk_rows_ * SumsPitch() + packed_size_ + kMostDepth * TileWidth(), 16);
    workspace_ = zeroed_floats(threads * workspace_size_);
    for (Index k = 0; k < kMostDepth; ++k) {
      gathered_offsets_.push_back(static_cast<std::int32_t>(k * TileWidth()));
      packed_offsets_.push_back(static_cast<std::int32_t>(k * kRowBlock));
    }
    for (Index row = 0; row < chunk_rows_; ++row)
      packed_rows_.push_back(static_cast<std::int32_t>(row / kRowBlock * kRowBlock * kMostDepth + row % kRowBlock));
  }

  void run(const float* source, const float* weights, const float* bias, float* output) override {
    const Index source_image = channels_ * shape_.g * geometry_.planes.source_count();
    for (Index n = 0; n < shape_.mb; n += stack_.images) {
      const Index images = std::min(stack_.images, shape_.mb - n);
      if (stack_.is_copy()) PackPlanes(stack_, source + n * source_image, images, threads_);
      const Operands operands{weights, stack_.base(source + n * source_image), bias, output + n * ImageSize()};
      RunStack(images == stack_.images ? full_ : rest_, operands);
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  // Weights of a chunk, 128 rows of 128 terms, take 64 KiB: more would meet in the same sets of the L2 cache when rows
  // are a power of two apart (256 rows: 0.78 of the FMA peak on 1024 channels of 14x14 for 0.81, Zen 3, AVX2).
  static constexpr Index kChunkRows = 128;
  // Sums that wait, a workspace a thread.
  static constexpr Index kWorkspaceBytes = Index{256} << 10;
  // Up to this many tiles a panel its weights are read where they lie: a copy takes longer (1.5 times the time of a
  // layer of 2 tiles, 1.05 to 1.15 of 12 tiles, 5x5, 4x4 and 1x1, Zen 5).
  static constexpr Index kTilesUnpacked = 12;
  // Of so few pixels as 7x7, up to four behind the last sixteen are summed as dot products: each takes a sixth of the
  // time of a vector of columns (3x3 of 512 channels, 7x7: 0.88 of the layer's time, Zen 5, AVX-512).
  static constexpr Index kMostPixelsOfDots = 96, kMostDots = 4;
  // From this many full tiles on an image is read in place: fewer leave too many columns of its last tile unused, and
  // are stacked with other images.
  static constexpr Index kTilesInPlace = 4;

  struct Sub {
    std::vector<std::int32_t> a_offsets, b_offsets;
    TilePlan full, rest;  // for a whole stack of images, and for the last one
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
  struct Operands {
    const float* weights;
    const float* planes;
    const float* bias;
    float* output;
  };
  // What is computed at a stretch: rows [first_row, first_row + rows) of a group for tiles [first_tile, last_tile).
  struct Item {
    Index group, first_row, rows, first_tile, last_tile;
  };

  static bool IsStrided(const Window& window) {
    return std::any_of(window.axes.begin(), window.axes.end(), [](const WindowAxis& axis) { return axis.stride > 1; });
  }

  static Index CeilDiv(Index a, Index b) { return (a + b - 1) / b; }
  static Index RoundUp(Index value, Index unit) { return (value + unit - 1) / unit * unit; }

  Index PixelCount() const { return geometry_.output[0] * geometry_.output[1] * geometry_.output[2]; }
  Index ImageSize() const { return rows_ * shape_.g * PixelCount(); }

  PlaneStack MakeStack() const {
    const Index channels = channels_ * shape_.g;
    if (geometry_.planes.is_dense() && geometry_.planes.image_pitch() >= kTilesInPlace * TileWidth())
      return PlaneStack::in_place(geometry_.planes, channels);
    return PlaneStack::copied(geometry_.planes, channels, images_per_stack(geometry_.planes, channels, shape_.mb),
                              TileWidth());
  }

  Sub PlanSub(const SubConv& sub, Index channel_step) const {
    Sub plan;
    plan.b_offsets = stack_.term_offsets(sub.taps, channels_);
    for (Index channel = 0; channel < channels_; ++channel)
      for (const Tap& tap : sub.taps)
        plan.a_offsets.push_back(static_cast<std::int32_t>(channel * channel_step + tap.number));
    plan.full = PlanTiles(sub, stack_.images);
    plan.rest = PlanTiles(sub, shape_.mb % stack_.images);
    plan.column_step = sub.step[2];
    return plan;
  }

  // What a tile's columns cost, in register blocks: gaps are computed like outputs, and gathering a column from the
  // planes takes as long as three multiply-adds.
  TilePlan PlanTiles(const SubConv& sub, Index images) const {
    constexpr double kGatherCost = 3;
    TileUnits units{LaneCount(), kVectorBlock};
    TilePlan flat = plan_flat_tiles(geometry_, sub, images, units, ImageSize());
    if (!stack_.is_copy()) {
      keep_tiles_within(flat, LaneCount(), geometry_.planes.image_pitch() - Reach(sub));
      return flat;
    }
    units.single_columns = SingleColumns(sub, images * sub.pixels());
    TilePlan compact = plan_compact_tiles(geometry_, sub, images, units, ImageSize());
    const double gathered = 1 + kGatherCost / static_cast<double>(chunk_rows_);
    return units.single_columns > 0 || VectorCount(compact) * gathered < VectorCount(flat) ? compact : flat;
  }

  // The same whatever the vector length: it decides in which order products are added.
  Index SingleColumns(const SubConv& sub, Index pixels) const {
    const bool are_neighbours = forward_ && static_cast<Index>(sub.taps.size()) == shape_.window.taps();
    const Index rest = pixels % kColumnLanes;
    return are_neighbours && pixels < kMostPixelsOfDots && rest <= kMostDots ? rest : 0;
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

  // Of what the outer kernel computes; single columns go with the last of them.
  static Index TileCount(const TilePlan& plan) { return static_cast<Index>(plan.tiles.size()) - plan.single_columns; }

  Index PanelTiles(const TilePlan& plan) const {
    const Index tile_bytes = chunk_rows_ * TileWidth() * static_cast<Index>(sizeof(float));
    return std::clamp<Index>(kWorkspaceBytes / tile_bytes, 1, std::max<Index>(TileCount(plan), 1));
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
    const auto items = [&] { return shape_.g * CeilDiv(rows_, schedule.chunk) * all; };
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

  // All sub-convolutions meet a chunk's weights, of which each needs a part, before the next chunk: weights come from
  // memory once.
  void RunStack(const Schedule& schedule, const Operands& operands) {
    const auto panels = static_cast<Index>(schedule.panels.size());
    const Index chunks = CeilDiv(rows_, schedule.chunk);
    const Index count = shape_.g * chunks * panels;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* sums = workspace_.get() + thread * workspace_size_;
      for (Index i = count * thread / threads_; i < count * (thread + 1) / threads_; ++i) {
        const Panel& panel = schedule.panels[static_cast<size_t>(i % panels)];
        const Index first_row = i / panels % chunks * schedule.chunk;
        RunItem(*panel.sub, *panel.plan, operands,
                {i / panels / chunks, first_row, std::min(schedule.chunk, rows_ - first_row), panel.first_tile,
                 panel.last_tile},
                sums);
      }
    });
  }

  // A block of terms of an item, and where its tiles are found.
  struct Block {
    const Sub* sub = nullptr;
    const TilePlan* plan = nullptr;
    OuterProblem problem;
    Index first_term = 0;
    bool is_last = false;
    const float* planes = nullptr;
    float* output = nullptr;
    float* sums = nullptr;  // of the tile
    float* gathered = nullptr;

    const std::int32_t* b_offsets() const { return sub->b_offsets.data() + first_term; }
  };

  void RunItem(const Sub& sub, const TilePlan& plan, const Operands& operands, const Item& item, float* sums) const {
    const auto depth = static_cast<Index>(sub.b_offsets.size());
    const Index step = outer_block_depth(depth);
    const Index first_channel = item.group * rows_ + item.first_row;
    float* packed = sums + (item.last_tile - item.first_tile) * item.rows * SumsPitch();
    Block block;
    block.sub = &sub;
    block.plan = &plan;
    block.planes = operands.planes + item.group * channels_ * stack_.channel_pitch;
    block.output = operands.output + first_channel * PixelCount();
    block.gathered = packed + packed_size_;
    const bool gathers = plan.is_compact() || GathersFlat();
    Index k = 0;
    do {  // once even for an empty sum, which is zero
      block.first_term = k;
      block.is_last = k + step >= depth;
      OuterProblem& problem = block.problem;
      problem.rows = item.rows;
      problem.depth = std::min(step, depth - k);
      if (block.is_last && operands.bias != nullptr) problem.bias = operands.bias + first_channel;
      problem.a = operands.weights + item.group * weights_group_;
      problem.a_rows = a_rows_.data() + item.first_row;
      problem.a_offsets = sub.a_offsets.data() + k;
      problem.b_offsets = gathers ? gathered_offsets_.data() : block.b_offsets();
      problem.next_b_offsets = block.b_offsets();
      if (packs_weights_ && item.last_tile - item.first_tile > kTilesUnpacked) PackWeights(problem, packed);
      block.sums = sums;
      for (Index t = item.first_tile; t < item.last_tile; ++t, block.sums += item.rows * SumsPitch())
        if (t < TileCount(plan))
          RunTile(block, plan.tiles[static_cast<size_t>(t)], t + 1 < item.last_tile);
        else
          RunSingleColumn(block, plan.tiles[static_cast<size_t>(t)]);
      k += step;
    } while (k < depth);
  }

  void RunTile(Block& block, const TilePlan::Tile& tile, bool has_next) const {
    const TilePlan& plan = *block.plan;
    OuterProblem& problem = block.problem;
    const float* pixels = block.planes + tile.first_pixel;
    const bool gathers = plan.is_compact() || GathersFlat();
    problem.b = gathers ? block.gathered : pixels;
    problem.next_b = plan.is_compact() || !has_next ? nullptr : block.planes + (&tile + 1)->first_pixel;
    if (plan.is_compact())
      GatherColumns(plan, tile, block.planes, block.b_offsets(), problem.depth, block.gathered);
    else if (gathers)
      for (Index i = 0; i < tile.width; i += LaneCount())
        GatherNeighbours(pixels + i, block.b_offsets(), problem.depth, block.gathered + i);
    const float* before = block.first_term == 0 ? nullptr : block.sums;
    const TilePlan::Run& run = plan.runs[static_cast<size_t>(tile.first_run)];
    const Index step = block.sub->column_step;
    const bool direct =
        block.is_last && step == 1 && run.column == 0 && run.length == tile.width && tile.width % LaneCount() == 0;
    problem.fetches_c = direct && writes_memory_;
    if (direct) return OuterRows(problem, tile.width, before, TileWidth(), block.output + run.output, PixelCount());
    OuterRows(problem, tile.width, before, TileWidth(), block.sums, TileWidth());
    if (block.is_last) StoreRuns(plan, tile, step, problem.rows, block.sums, block.output, PixelCount());
  }

  void RunSingleColumn(const Block& block, const TilePlan::Tile& tile) const {
    const OuterProblem& problem = block.problem;
    const float* pixel = block.planes + block.plan->pixels[static_cast<size_t>(tile.first_column)];
    for (Index k = 0; k < problem.depth; ++k) block.gathered[k] = pixel[block.b_offsets()[k]];
    ColumnDots({problem.rows, problem.depth, problem.a + problem.a_offsets[0], problem.a_rows, block.gathered,
                block.sums, block.first_term > 0});
    if (!block.is_last) return;
    float* out = block.output + block.plan->runs[static_cast<size_t>(tile.first_run)].output;
    for (Index row = 0; row < problem.rows; ++row) {
      const float sum = ColumnSum(block.sums + row * kColumnLanes);
      out[row * PixelCount()] = problem.bias == nullptr ? sum : sum + problem.bias[row];
    }
  }

  // The problem's weights in blocks of rows [row / kRowBlock][k][row % kRowBlock]. Terms are a row of the matrix apart,
  // often a power of two, and would meet in the same cache sets; of a cache line of taps a sub-convolution uses few.
  // Pointwise, a cache line holds 16 rows, which are packed together.
  void PackWeights(OuterProblem& problem, float* HWY_RESTRICT packed) const {
    constexpr Index kLineRows = 16;
    Index row = 0;
    if (shape_.window.taps() == 1)
      for (; row + kLineRows <= problem.rows; row += kLineRows) PackLine<kLineRows>(problem, packed, row);
    for (Index k = 0; k < problem.depth; ++k) PackTerm(problem, row, k, packed);
    problem.a = packed;
    problem.a_rows = packed_rows_.data();
    problem.a_offsets = packed_offsets_.data();
  }

  template <Index kRows>
  static void PackLine(const OuterProblem& problem, float* HWY_RESTRICT packed, Index row) {
    const float* HWY_RESTRICT from = problem.a + problem.a_rows[row];
    float* HWY_RESTRICT to = packed + row * kMostDepth;
    for (Index k = 0; k < problem.depth; ++k, to += kRowBlock) {
      const float* HWY_RESTRICT line = from + problem.a_offsets[k];
      hwy::Prefetch(line + kRows);  // of the next rows; no hardware follows the stride
      for (Index r = 0; r < kRows; r += kRowBlock)
        std::memcpy(to + r * kMostDepth, line + r, kRowBlock * sizeof(float));
    }
  }

  // Rows from `first` on: the rows of a term are neighbours, and the taps of a channel share their cache lines.
  void PackTerm(const OuterProblem& problem, Index first, Index k, float* HWY_RESTRICT packed) const {
    const Index step = shape_.window.taps();
    for (Index row = first; row < problem.rows; row += kRowBlock) {
      const float* HWY_RESTRICT from = problem.a + problem.a_rows[row] + problem.a_offsets[k];
      float* HWY_RESTRICT to = packed + row * kMostDepth + k * kRowBlock;
      for (Index r = 0; r < std::min<Index>(kRowBlock, problem.rows - row); ++r) to[r] = from[r * step];
    }
  }

  // Pointwise, each term is a row of its own, a plane apart: of 128 such rows too many meet in the same sets of the L1
  // cache. With 64 rows of weights the copy pays (0.81 of the FMA peak for 0.76, data gradient of 64 to 256 channels,
  // 56x56, Zen 3, AVX2); fewer have less work to share it.
  bool GathersFlat() const { return shape_.window.taps() == 1 && rows_ >= 64; }

  ConvShape shape_;
  int threads_;
  Index rows_, channels_;  // within a group
  bool forward_;
  Index weights_group_;
  ConvGeometry geometry_;
  bool packs_weights_;  // data gradient, pointwise or of a stride: the weights of few terms are neighbours
  bool writes_memory_;  // the output exceeds the caches
  PlaneStack stack_;
  std::vector<std::int32_t> a_rows_, gathered_offsets_, packed_rows_, packed_offsets_;
  std::vector<Sub> subs_;
  Schedule full_, rest_;  // for a whole stack of images, and for the last one
  Index chunk_rows_ = 0;
  Index packed_size_ = 0;
  Index workspace_size_ = 0;
  AlignedMemory<float> workspace_;
};

std::unique_ptr<ConvSum> PlanOuterConv(const ConvShape& shape, bool forward, int threads) {
  return std::make_unique<OuterConv>(shape, forward, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PlanOuterConv);

std::unique_ptr<ConvSum> plan_outer_conv(const ConvShape& shape, bool forward, int threads) {
  return HWY_DYNAMIC_DISPATCH(PlanOuterConv)(shape, forward, threads);
}

}  // namespace gradproof
#endif  // HWY_ONCE
