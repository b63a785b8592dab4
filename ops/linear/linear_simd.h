// The SIMD implementations of linear.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> linear_simd_implementations();

}  // namespace gradproof
