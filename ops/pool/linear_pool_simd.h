// The SIMD implementations of avg_pool and sum_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> linear_pool_simd_implementations();

}  // namespace gradproof
