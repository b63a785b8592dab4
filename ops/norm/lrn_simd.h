// SIMD kernels of local response normalization.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

// "simd" and one implementation a compiled target.
std::vector<Implementation> lrn_simd_implementations();

}  // namespace gradproof
