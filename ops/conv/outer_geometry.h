// The geometry of convolutions on the outer kernel, whatever the instruction set.
#pragma once

#include "ops/conv/engine.h"
#include "ops/conv/geometry.h"

namespace gradproof {

struct OuterGeometry {
  ConvGeometry geometry;
  bool groups_columns;  // of stacked images, by their taps: see column_groups.h
};

// Without padding along the depth axis, and where so much less is to be computed that it pays along rows, too, or for
// stacked images along all axes.
OuterGeometry outer_geometry(const ConvShape& shape, bool forward);

// Roundings on the longest path of its sums: that of fewer products may be the longest, if they make one block where
// more make two.
double outer_geometry_depth(const ConvShape& shape, bool forward);

}  // namespace gradproof
