// The SIMD implementations of group_norm and of instance_norm.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> group_norm_simd_implementations();

}  // namespace gradproof
