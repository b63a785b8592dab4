// The SIMD implementations of weighted_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> weighted_pool_simd_implementations();

}  // namespace gradproof
