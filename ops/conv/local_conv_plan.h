// How the kernels of local_conv walk the output pixels: in stretches along which everything they read is contiguous.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/conv/geometry.h"

namespace gradproof {

// Samples whose sums a kernel holds in registers, so that they share one reading of the weights.
inline constexpr Index kLocalImages = 8;
// Products whose weights are read side by side: as many streams of memory. The L1 cache has 8 ways, and streams a
// multiple of 4 KiB apart meet in one set.
inline constexpr Index kLocalGroup = 8;

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

// All output pixels in order, in stretches as long as they get, up to `longest`.
std::vector<PixelStretch> stretches_of(const ConvGeometry& geometry, Index longest);

// One more than the last column.
inline Index column_count(const std::vector<PixelStretch>& stretches) {
  return stretches.back().column + columns_of(stretches.back());
}

// Consecutive stretches.
struct StretchTile {
  const PixelStretch* first;
  const PixelStretch* last;  // one beyond
  Index column() const { return first->column; }
  Index columns() const { return last[-1].column + columns_of(last[-1]) - first->column; }
};

// Tiles of at most `most_columns` columns, or of one stretch. They refer to `stretches`.
std::vector<StretchTile> tiles_of(const std::vector<PixelStretch>& stretches, Index most_columns);

}  // namespace gradproof
