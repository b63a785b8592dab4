// The columns of a tile: gathered from the planes, and what was summed for them stored as outputs.

#if defined(GRADPROOF_TILE_COLUMNS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_TILE_COLUMNS_INL_H
#undef GRADPROOF_TILE_COLUMNS_INL_H
#else
#define GRADPROOF_TILE_COLUMNS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "ops/conv/geometry.h"
#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/column_dots.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/outer_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// From one row of a tile's sums to the next where a tile may be a single column.
inline Index SumsPitch() { return std::max(TileWidth(), kColumnLanes); }
// A row of gathered columns, behind which the last vector may spill.
inline Index GatheredPitch() { return TileWidth() + LaneCount(); }

// out[k][lane] = in[offsets[k] + lane] for k < depth and the lanes of a vector.
inline void GatherVector(const float* HWY_RESTRICT in, const std::int32_t* HWY_RESTRICT offsets, Index depth,
                         float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  for (Index k = 0; k < depth; ++k) hn::StoreU(hn::LoadU(d, in + offsets[k]), d, out + k * GatheredPitch());
}

// out[k][column] = planes[offsets[k] + pixel of the column] for k < depth. Copies whole vectors: what they spill into
// is written afterwards, or is the slack behind the row.
inline void GatherColumns(const TilePlan& plan, const TilePlan::Tile& tile, const float* planes,
                          const std::int32_t* HWY_RESTRICT offsets, Index depth, float* HWY_RESTRICT out) {
  for (Index p = tile.first_piece; p < tile.last_piece; ++p) {
    const TilePlan::Piece& piece = plan.pieces[static_cast<size_t>(p)];
    GatherVector(planes + piece.pixel, offsets, depth, out + piece.column);
  }
}

// Copies the columns that are outputs, `step` apart in rows of out_pitch, and leaves out the gaps.
inline void StoreRuns(const TilePlan& plan, const TilePlan::Tile& tile, Index step, Index rows, const float* sums,
                      float* out, Index out_pitch) {
  const hn::ScalableTag<float> d;
  for (Index row = 0; row < rows; ++row, sums += TileWidth(), out += out_pitch)
    for (Index r = tile.first_run; r < tile.last_run; ++r) {
      const TilePlan::Run& run = plan.runs[static_cast<size_t>(r)];
      const float* from = sums + run.column;
      float* to = out + run.output;
      if (step == 1)
        CopyExactly(d, from, run.length, to);
      else
        for (Index i = 0; i < run.length; ++i) to[i * step] = from[i];
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_TILE_COLUMNS_INL_H
