// The SIMD implementations of global_avg_pool and global_sum_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> global_pool_simd_implementations();

}  // namespace gradproof
