// The weight gradient as dot products along pixels: for few output channels a group, which would not fill the columns
// of the outer-product kernel.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

std::unique_ptr<ConvSum> plan_dot_weights(const ConvShape& shape, int threads);
double dot_weights_depth(const ConvShape& shape);

}  // namespace gradproof
