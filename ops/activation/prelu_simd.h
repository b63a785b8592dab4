// The SIMD implementations of prelu.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> prelu_simd_implementations();

}  // namespace gradproof
