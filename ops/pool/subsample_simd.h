// The SIMD implementations of subsample.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> subsample_simd_implementations();

}  // namespace gradproof
