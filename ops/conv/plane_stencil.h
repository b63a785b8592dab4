// Depthwise 3x3 windows that leave a plane its size, read where they lie.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// As plan_stencil_conv(), to the bit. Null for other windows and groups, and for instruction sets with too few
// registers for the rows under way.
std::unique_ptr<ConvSum> plan_plane_stencil(const ConvShape& shape, bool forward, int threads);

}  // namespace gradproof
