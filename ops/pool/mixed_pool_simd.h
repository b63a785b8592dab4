// The SIMD implementations of mixed_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> mixed_pool_simd_implementations();

}  // namespace gradproof
