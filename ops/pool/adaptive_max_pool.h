// adaptive_max_pool: the largest element of each of a given number of windows along each axis, and where it was.
#pragma once

#include "ops/core/registry.h"
#include "ops/pool/adaptive_windows.h"

namespace gradproof {

// argmax counts taps, row-major in a box that holds the largest window along each axis: one byte holds it for up to
// 255.
ElementType adaptive_argmax_type(const AdaptivePoolAttributes& a);

Operation adaptive_max_pool_operation();

}  // namespace gradproof
