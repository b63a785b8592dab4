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
#include <span>

#include "ops/conv/geometry.h"
#include "ops/conv/pack_planes-inl.h"
#include "ops/simd/dot.h"
#include "ops/simd/every_second-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/outer_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// From one row of a tile's sums to the next where a tile may be a single column.
inline Index SumsPitch() { return std::max(TileWidth(), kDotLanes); }

// The columns of a vector from lane `first` up to `end` that one vector of the planes holds, which starts at `pixel`,
// that of the first.
struct NearColumns {
  NearColumns(const std::int32_t* pixels, Index first) : end(first), pixel(pixels[first]) {
    while (end < LaneCount() && pixels[end] < pixel + LaneCount()) ++end;
  }
  Index end, pixel;
};

// out[k][lane] = planes[offsets[k] + pixels[lane]] for k < depth and the lanes of a vector, whose pixels ascend. Two
// loads and two permutations fill it where rows are not much shorter than a vector, and it is stored once: storing each
// stretch of neighbours on its own, across lines, made a layer of 7x7 take 1.23 of the time (AVX-512, Emerald Rapids).
inline void GatherVector(const std::int32_t* HWY_RESTRICT pixels, const float* HWY_RESTRICT planes,
                         const std::int32_t* HWY_RESTRICT offsets, Index depth, float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto elements_of = [&](const NearColumns& columns) HWY_ATTR {
    const auto distance = hn::Sub(hn::LoadU(di, pixels), hn::Set(di, static_cast<std::int32_t>(columns.pixel)));
    return hn::IndicesFromVec(d, hn::And(distance, hn::Set(di, static_cast<std::int32_t>(LaneCount() - 1))));
  };
  for (Index lane = 0; lane < LaneCount();) {
    const NearColumns left(pixels, lane);
    const NearColumns right = left.end < LaneCount() ? NearColumns(pixels, left.end) : left;
    const auto left_elements = elements_of(left);
    const auto right_elements = elements_of(right);
    const auto done = hn::FirstN(d, static_cast<size_t>(lane));
    const auto from_left = hn::FirstN(d, static_cast<size_t>(left.end));
    for (Index k = 0; k < depth; ++k) {
      const float* row = planes + offsets[k];
      float* to = out + k * TileWidth();
      const auto a = hn::TableLookupLanes(hn::LoadU(d, row + left.pixel), left_elements);
      const auto b = hn::TableLookupLanes(hn::LoadU(d, row + right.pixel), right_elements);
      const auto both = hn::IfThenElse(from_left, a, b);
      hn::StoreU(lane == 0 ? both : hn::IfThenElse(done, hn::LoadU(d, to), both), d, to);
    }
    lane = right.end;
  }
}

// out[k][column] = planes[offsets[k] + pixel of the column] for k < depth and the columns of a tile.
inline void GatherColumns(const TilePlan& plan, const TilePlan::Tile& tile, const float* planes,
                          const std::int32_t* HWY_RESTRICT offsets, Index depth, float* HWY_RESTRICT out) {
  for (Index column = 0; column < tile.width; column += LaneCount())
    GatherVector(plan.pixels.data() + tile.first_column + column, planes, offsets, depth, out + column);
}

// to[0], to[2], ... Those between belong to other sub-convolutions, perhaps of other threads, and are not touched.
template <class D>
HWY_INLINE void StoreEverySecond(D d, const float* HWY_RESTRICT from, Index count, float* HWY_RESTRICT to) {
  if constexpr (HWY_TARGET > HWY_AVX3) {  // a masked store of AVX2 takes as long as the single ones
    for (Index i = 0; i < count; ++i) to[2 * i] = from[i];
    return;
  }
  const hn::RebindToUnsigned<D> du;
  const auto even = hn::RebindMask(d, hn::Eq(hn::And(hn::Iota(du, 0), hn::Set(du, 1)), hn::Zero(du)));
  const auto put = [&](hn::Vec<D> v, Index rest, float* at) HWY_ATTR {
    if (rest <= 0) return;
    const auto inside = hn::FirstN(d, static_cast<size_t>(std::min(rest, LaneCount())));
    hn::BlendedStore(v, hn::And(even, inside), d, at);
  };
  for (Index i = 0; i < count; i += LaneCount()) {
    const Index rest = std::min(count - i, LaneCount());
    const auto v = LoadFirst(d, from + i, static_cast<size_t>(rest));
    const Interleaved<hn::Vec<D>> twice(v, v);
    put(twice.first, 2 * rest, to + 2 * i);
    put(twice.second, 2 * rest - LaneCount(), to + 2 * i + LaneCount());
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
      else if (step == 2)
        StoreEverySecond(d, from, run.length, to);
      else
        for (Index i = 0; i < run.length; ++i) to[i * step] = from[i];
    }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_TILE_COLUMNS_INL_H
