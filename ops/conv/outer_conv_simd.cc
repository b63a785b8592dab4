// Forward pass and data gradient on the outer-product kernel.
#include "ops/conv/outer_conv.h"

#include <optional>
#include <span>

#include "ops/core/environment.h"
#include "ops/simd/column_dots.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/stores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/outer_conv_simd.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/outer_plan-inl.h"
#include "ops/conv/pack_planes-inl.h"
#include "ops/conv/pack_weights-inl.h"
#include "ops/conv/tile_columns-inl.h"
#include "ops/simd/column_chains-inl.h"
#include "ops/simd/column_dots-inl.h"
#include "ops/simd/outer_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Blocks, from the outside in (Goto and van de Geijn 2008, doi:10.1145/1356052.1356053, with planes in place of a
// packed B): a chunk of rows and a panel of tiles are an item of work; within an item, each block of about kDepthBlock
// terms meets one tile of pixels, which stays in the L1 cache, with all rows of the chunk, whose weights stay in the L2
// cache. The sums of a panel wait in a workspace until their last block.
class OuterConv final : public ConvSum {
 public:
  OuterConv(const ConvShape& s, bool forward, int threads)
      : shape_(s),
        threads_(threads),
        plan_(s, forward, threads),
        weights_group_(s.oc_per_group() * s.weights_channels() * s.window.taps()),
        packs_weights_(!forward && (s.window.taps() == 1 || IsStrided(s.window))),
        tiles_unpacked_(s.weights_channels() * s.window.taps() % kFloatsOfSets == 0 ? kTilesOfOneSet : kTilesUnpacked),
        writes_memory_(exceeds_caches(static_cast<size_t>(4 * s.mb * plan_.output_image()))),
        fetches_outputs_(exceeds_l2(static_cast<size_t>(4 * s.mb * (plan_.source_image() + plan_.output_image())))),
        prefetches_(s.window.taps() == 1),
        copies_tiles_(kCopiesColumns && prefetches_ && plan_.rows() >= kRowsToShare),
        ahead_(WeightsAhead()) {
    const Index taps = s.window.taps();
    for (Index row = 0; row < plan_.rows(); ++row)
      a_rows_.push_back(static_cast<std::int32_t>(row * (forward ? s.weights_channels() * taps : taps)));
    for (Index k = 0; k < kMostDepth; ++k) gathered_offsets_.push_back(static_cast<std::int32_t>(k * TileWidth()));
    for (Index k = 0; k < kMostDepth; ++k)
      output_offsets_.push_back(static_cast<std::int32_t>(k % plan_.chunk_rows() * plan_.pixels()));
    // Behind the sums packed weights, then a gathered tile.
    if (packs_weights_) packing_.emplace(taps, plan_.chunk_rows());
    packed_size_ = packs_weights_ ? packing_->size() : 0;
    const Index sums = plan_.most_tiles() * plan_.chunk_rows() * SumsPitch();
    workspace_size_ = RoundUp(sums + packed_size_ + kMostDepth * TileWidth(), kLineFloats);
    workspace_ = zeroed_floats(threads * workspace_size_);
  }

  void run(const float* source, const float* weights, const float* bias, float* output) override {
    const PlaneStack& stack = plan_.stack();
    for (Index n = 0; n < shape_.mb; n += stack.images) {
      const Index images = std::min(stack.images, shape_.mb - n);
      const float* from = source + n * plan_.source_image();
      if (stack.is_copy()) PackPlanes(stack, from, images, threads_);
      const Operands operands{weights, stack.base(from), bias, output + n * plan_.output_image()};
      if (plan_.has_empty_sums()) StoreEmptySums(operands, images);
      RunStack(plan_.schedule(images), operands);
    }
  }

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 private:
  // Up to this many tiles a panel its weights are read where they lie: a copy takes longer (1.5 times the time of a
  // layer of 2 tiles, 1.05 to 1.15 of 12 tiles, 5x5, 4x4 and 1x1, Zen 5). Terms a multiple of 4 KiB apart meet in one
  // set of the L1 cache: a copy pays from two tiles on (0.87 of the time for 2048 rows, 7x7, Emerald Rapids).
  static constexpr Index kTilesUnpacked = 12, kTilesOfOneSet = 1, kFloatsOfSets = 1024;

  // Rows of weights that a copy of a tile pays for.
  static constexpr Index kRowsToShare = 64;

  using Sub = OuterPlan::Sub;
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

  // How far ahead of what is read of weights that do not stay in the L2 cache to prefetch: forward their terms are
  // neighbours, of a data gradient their rows (512 to 2048 channels, 7x7, 1x1: 0.91 of the time; 512 channels of 14x14,
  // 3x3: 0.92 with AVX-512, but 1.05 for the smaller blocks of AVX2).
  Index WeightsAhead() const {
    constexpr Index kTermsAhead = 32;
    const Index taps = shape_.window.taps();
    if (!exceeds_l2(static_cast<size_t>(4 * shape_.g * weights_group_))) return 0;
    if (plan_.is_forward()) return kTermsAhead;
    return taps == 1 || HWY_TARGET <= HWY_AVX3 ? kRowBlock * taps : 0;
  }

  // Sub-convolutions without terms leave zero, or the bias: whole images are filled in their place.
  void StoreEmptySums(const Operands& operands, Index images) {
    const Index channels = plan_.rows() * shape_.g;
    parallel_tiles(threads_, images * channels, [&](Index plane) {
      const float sum = operands.bias == nullptr ? 0.0F : 0.0F + operands.bias[plane % channels];
      std::fill_n(operands.output + plane * plan_.pixels(), plan_.pixels(), sum);
    });
  }

  // All sub-convolutions meet a chunk's weights, of which each needs a part, before the next chunk: weights come from
  // memory once.
  void RunStack(const OuterPlan::Schedule& schedule, const Operands& operands) {
    const auto panels = static_cast<Index>(schedule.panels.size());
    const Index chunks = CeilDiv(plan_.rows(), schedule.chunk);
    const Index count = shape_.g * chunks * panels;
    parallel_tiles(threads_, threads_, [&](Index thread) {
      float* sums = workspace_.get() + thread * workspace_size_;
      for (Index i = count * thread / threads_; i < count * (thread + 1) / threads_; ++i) {
        const OuterPlan::Panel& panel = schedule.panels[static_cast<size_t>(i % panels)];
        const Index first_row = i / panels % chunks * schedule.chunk;
        RunItem(*panel.sub, *panel.plan, operands,
                {i / panels / chunks, first_row, std::min(schedule.chunk, plan_.rows() - first_row), panel.first_tile,
                 panel.last_tile},
                sums);
      }
      if (writes_memory_) hwy::FlushStream();
    });
  }

  // A block of terms of an item, and where its tiles are found.
  struct Block {
    const Sub* sub = nullptr;
    const TilePlan* plan = nullptr;
    OuterProblem problem;
    const float* weights = nullptr;  // of the first row, where they lie
    Index first_term = 0;
    bool is_last = false;
    const float* planes = nullptr;
    float* output = nullptr;
    float* sums = nullptr;  // of the tile
    float* gathered = nullptr;

    const std::int32_t* a_offsets() const { return sub->a_offsets.data() + first_term; }
    const std::int32_t* b_offsets() const { return sub->b_offsets.data() + first_term; }
  };

  void RunItem(const Sub& sub, const TilePlan& plan, const Operands& operands, const Item& item, float* sums) const {
    const auto depth = static_cast<Index>(sub.b_offsets.size());
    const Index step = outer_block_depth(depth);
    const Index first_channel = item.group * plan_.rows() + item.first_row;
    float* packed = sums + (item.last_tile - item.first_tile) * item.rows * SumsPitch();
    Block block;
    block.sub = &sub;
    block.plan = &plan;
    block.planes = operands.planes + item.group * plan_.channels() * plan_.stack().channel_pitch;
    block.output = operands.output + first_channel * plan_.pixels();
    block.gathered = packed + packed_size_;
    block.weights = operands.weights + item.group * weights_group_ + a_rows_[static_cast<size_t>(item.first_row)];
    for (Index k = 0; k < depth; k += step) {
      block.first_term = k;
      block.is_last = k + step >= depth;
      OuterProblem& problem = block.problem;
      problem.rows = item.rows;
      problem.depth = std::min(step, depth - k);
      if (block.is_last && operands.bias != nullptr) problem.bias = operands.bias + first_channel;
      problem.a = operands.weights + item.group * weights_group_;
      problem.a_rows = a_rows_.data() + item.first_row;
      problem.a_offsets = block.a_offsets();
      problem.a_ahead = ahead_;
      problem.b_offsets = plan.is_compact() ? gathered_offsets_.data() : block.b_offsets();
      if (packs_weights_ && item.last_tile - item.first_tile > tiles_unpacked_) {
        packing_->Pack(problem, packed);
        problem.a_ahead = 0;
      }
      block.sums = sums;
      for (Index t = item.first_tile; t < item.last_tile; ++t, block.sums += item.rows * SumsPitch()) {
        if (t < OuterPlan::TileCount(plan)) {
          FindColumns(block, item, t);
          RunTile(block, plan.tiles[static_cast<size_t>(t)]);
        } else {
          RunSingleColumn(block, plan.tiles[static_cast<size_t>(t)]);
        }
        problem.a_ahead = 0;  // further tiles find the weights in the L2 cache
      }
    }
  }

  // Where the columns of tile t are, and which are next.
  void FindColumns(Block& block, const Item& item, Index t) const {
    const TilePlan& plan = *block.plan;
    const TilePlan::Tile& tile = plan.tiles[static_cast<size_t>(t)];
    OuterProblem& problem = block.problem;
    problem.next_b = nullptr;
    if (plan.is_compact()) {
      GatherColumns(plan, tile, block.planes, block.b_offsets(), problem.depth, block.gathered);
      problem.b = block.gathered;
      return;
    }
    problem.b = block.planes + tile.first_pixel;
    problem.copy = copies_tiles_ ? block.gathered : nullptr;
    problem.copy_offsets = gathered_offsets_.data();
    if (!prefetches_ || t + 1 == item.last_tile) return;
    problem.next_b_offsets = block.b_offsets();
    problem.next_b = block.planes + plan.tiles[static_cast<size_t>(t + 1)].first_pixel;
  }

  void RunTile(Block& block, const TilePlan::Tile& tile) const {
    const TilePlan& plan = *block.plan;
    OuterProblem& problem = block.problem;
    const float* before = block.first_term == 0 ? nullptr : block.sums;
    const TilePlan::Run& run = plan.runs[static_cast<size_t>(tile.first_run)];
    const Index step = block.sub->column_step;
    const bool direct =
        block.is_last && step == 1 && run.column == 0 && run.length == tile.width && tile.width % LaneCount() == 0;
    problem.reaches_memory = direct && writes_memory_;
    if (direct) return OuterRows(problem, tile.width, before, TileWidth(), block.output + run.output, plan_.pixels());
    if (block.is_last && fetches_outputs_ && step == 1) {
      problem.next_b = block.output + run.output - run.column;
      problem.next_b_offsets = output_offsets_.data();
    }
    OuterRows(problem, tile.width, before, TileWidth(), block.sums, TileWidth());
    if (block.is_last) StoreRuns(plan, tile, step, problem.rows, block.sums, block.output, plan_.pixels());
  }

  void RunSingleColumn(const Block& block, const TilePlan::Tile& tile) const {
    const OuterProblem& problem = block.problem;
    const float* pixel = block.planes + block.plan->pixels[static_cast<size_t>(tile.first_column)];
    for (Index k = 0; k < problem.depth; ++k) block.gathered[k] = pixel[block.b_offsets()[k]];
    if (plan_.is_forward())
      ColumnDots({problem.rows, problem.depth, problem.a + problem.a_offsets[0], problem.a_rows, block.gathered,
                  block.sums, block.first_term > 0});
    else
      ColumnChains({problem.rows, problem.depth, block.weights, block.a_offsets(), block.gathered, block.sums,
                    block.first_term > 0});
    if (!block.is_last) return;
    float* out = block.output + block.plan->runs[static_cast<size_t>(tile.first_run)].output;
    for (Index row = 0; row < problem.rows; ++row) {
      const float sum = plan_.is_forward() ? ColumnSum(block.sums + row * kDotLanes) : block.sums[row];
      out[row * plan_.pixels()] = problem.bias == nullptr ? sum : sum + problem.bias[row];
    }
  }

  const ConvShape shape_;
  const int threads_;
  const OuterPlan plan_;
  const Index weights_group_;
  const bool packs_weights_;    // data gradient, pointwise or of a stride: the weights of few terms are neighbours
  const Index tiles_unpacked_;  // up to so many in an item
  const bool writes_memory_;    // the output exceeds the caches
  const bool fetches_outputs_;  // where sums are copied to, while the last of them are made
  const bool prefetches_;       // the next columns, of which every term is a row of its own, a plane apart
  const bool copies_tiles_;
  const Index ahead_;  // see WeightsAhead
  std::vector<std::int32_t> a_rows_, gathered_offsets_, output_offsets_;
  std::optional<WeightPacking> packing_;
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
