// The SIMD implementations of adaptive_avg_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> adaptive_avg_pool_simd_implementations();

}  // namespace gradproof
