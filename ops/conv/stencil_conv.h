// Forward pass and data gradient of depthwise convolutions: one input channel a group.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// As plan_outer_conv(); shape.ic_per_group() must be 1.
std::unique_ptr<ConvSum> plan_stencil_conv(const ConvShape& shape, bool forward, int threads);

// Roundings on the longest path of a sum of that many products, one chain; one more where multiply and add do not fuse.
inline double stencil_depth(Index terms) { return static_cast<double>(terms) + 1; }

}  // namespace gradproof
