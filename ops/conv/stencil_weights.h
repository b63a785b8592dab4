// Weight gradient of depthwise convolutions whose taps are 3 x 3 neighbours.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// Whether plan_stencil_weights() can plan the shape: one input channel a group, stride 1 or 2, no dilation, more than
// one row of outputs. (Larger windows have more sums than registers.)
bool is_weights_stencil(const ConvShape& shape);

std::unique_ptr<ConvSum> plan_stencil_weights(const ConvShape& shape, int threads);
double stencil_weights_depth(const ConvShape& shape);

}  // namespace gradproof
