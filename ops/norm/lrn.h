// Local response normalization.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

// Input src, output dst, both {mb, c, [id,] [ih,] iw}. Nothing is saved: the gradient computes the scales again, which
// costs less than reading them back.
Operation lrn_operation();

}  // namespace gradproof
