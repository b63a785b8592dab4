// The SIMD implementations of lp_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> lp_pool_simd_implementations();

}  // namespace gradproof
