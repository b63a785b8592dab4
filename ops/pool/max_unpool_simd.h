// The SIMD implementations of max_unpool.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> max_unpool_simd_implementations();

}  // namespace gradproof
