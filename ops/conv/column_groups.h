// Outputs of stacked images, grouped by the taps that read elements of the source for them, not padding.
#pragma once

#include <vector>

#include "ops/conv/geometry.h"

namespace gradproof {

// An output pixel of a stack of images.
struct Column {
  Index pixel;   // in the planes, where tap offsets of its sub-convolution start
  Index output;  // element of the output tensor, for channel 0 of image 0 of the stack
};

// The columns of each sub-convolution of a geometry over `images` images, which lie image_size elements apart in the
// output. Those left over from whole tiles go to a sub-convolution with more taps, where the others read padding, if
// that is less work than a tile of their own: along the border of an image the corners join its sides, and what is left
// of these joins the inside. For geometries whose steps are 1. The same on all instruction sets.
std::vector<std::vector<Column>> group_columns(const ConvGeometry& geometry, Index images, Index image_size);

// A compact plan for such columns.
TilePlan plan_column_tiles(std::vector<Column> columns, TileUnits units);

}  // namespace gradproof
