// weighted_pool: the weighted sum of each window in 1, 2 or 3 dimensions, with weights that each channel learns.
#pragma once

#include "ops/conv/engine.h"
#include "ops/core/registry.h"

namespace gradproof {

// The convolution that it is: a group for each channel. What ceil_mode lets overhang is padding.
ConvShape weighted_pool_shape(const Attributes& attributes);

Operation weighted_pool_operation();

}  // namespace gradproof
