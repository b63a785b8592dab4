// The geometry of convolutions on the outer kernel, whatever the instruction set.
#pragma once

#include "ops/conv/engine.h"
#include "ops/conv/geometry.h"

namespace gradproof {

// Without padding along the depth axis, and along rows where so much less is to be computed that it pays.
ConvGeometry outer_geometry(const ConvShape& shape, bool forward);

// Roundings on the longest path of its sums: that of fewer products may be the longest, if they make one block where
// more make two.
double outer_geometry_depth(const ConvShape& shape, bool forward);

}  // namespace gradproof
