// The SIMD implementations of max_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> max_pool_simd_implementations();

}  // namespace gradproof
