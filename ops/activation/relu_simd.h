// The SIMD implementations of relu.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> relu_simd_implementations();

}  // namespace gradproof
