// The SIMD implementations of dropout.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> dropout_simd_implementations();

}  // namespace gradproof
