// The SIMD implementations of std_pool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> std_pool_simd_implementations();

}  // namespace gradproof
