// The SIMD implementations of batch_norm.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> batch_norm_simd_implementations();

}  // namespace gradproof
