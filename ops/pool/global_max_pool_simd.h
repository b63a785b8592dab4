// The SIMD implementations of global_max_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> global_max_pool_simd_implementations();

}  // namespace gradproof
