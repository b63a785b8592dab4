// The SIMD implementations of add.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> add_simd_implementations();

}  // namespace gradproof
