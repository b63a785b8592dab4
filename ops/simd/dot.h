// Dot products of long rows.
#pragma once

#include <algorithm>
#include <cmath>

#include "ops/core/shape.h"

namespace gradproof {

inline constexpr Index kDotLanes = 16;  // running sums of one product, whatever the vector length

// Below this many samples a linear layer is bound by reading its weights, and columns of samples would fill one vector
// at most.
inline constexpr Index kFewSamples = 9;

// Roundings on the longest path: a running sum (one more where multiply and add do not fuse) and the tree of 16.
inline double dot_depth(Index length) { return std::ceil(static_cast<double>(length) / kDotLanes) + 1 + 4 + 1; }

}  // namespace gradproof
