// How the kernels of local_conv walk the output pixels: in stretches along which everything they read is contiguous.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/conv/geometry.h"

namespace gradproof {

// Sums that a kernel holds in registers: rows share the operand, samples share the weights.
inline constexpr Index kLocalRows = 2;
inline constexpr Index kLocalImages = 4;
// Samples for which weights are fetched from memory once: kLocalImages at a time, while the weights are in the L1
// cache.
inline constexpr Index kLocalBlock = 8;
// Terms that are added to the sums in one visit. Forward: rows of pixels that lie together. Data gradient: as many
// streams of memory as the L1 cache has ways, since streams a multiple of 4 KiB apart meet in one set.
inline constexpr Index kForwardGroup = 16;
inline constexpr Index kGradientGroup = 8;
// Columns of a forward tile: what a group reads there stays in the L1 cache for all samples.
inline constexpr Index kForwardTile = 128;

// A distance in elements, at least `elements`, for rows that are read side by side: an odd number of cache lines, so
// that the rows' lines spread over all sets of the L1 cache.
inline Index spread_pitch(Index elements) { return 16 * ((elements + 15) / 16 | 1); }

// Output pixels that are neighbours in dst and weights and also, whatever the tap, in the planes of src: part of a row,
// or several rows where the planes have no gaps.
struct PixelStretch {
  Index pixel;   // the first one
  Index length;  // pixels
  Index plane;   // offset within a plane, for tap 0
  Index column;  // offset within a padded row of columns: a multiple of kColumnUnit
};

// The longest vector: whole vectors starting at a column stay within the columns of their stretch.
inline constexpr Index kColumnUnit = 16;

// Columns that a stretch takes.
inline Index columns_of(const PixelStretch& stretch) {
  return (stretch.length + kColumnUnit - 1) / kColumnUnit * kColumnUnit;
}

// All output pixels in order, in stretches as long as they get, up to kForwardTile.
std::vector<PixelStretch> stretches_of(const ConvGeometry& geometry);

// One more than the last column.
inline Index column_count(const std::vector<PixelStretch>& stretches) {
  return stretches.back().column + columns_of(stretches.back());
}

// Consecutive stretches.
struct StretchTile {
  const PixelStretch* first;
  const PixelStretch* last;  // one beyond
};

// Tiles of at most kForwardTile columns. They refer to `stretches`.
std::vector<StretchTile> tiles_of(const std::vector<PixelStretch>& stretches);

}  // namespace gradproof
