// The SIMD implementations of the losses over classes.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> softmax_cross_entropy_simd_implementations();
std::vector<Implementation> nll_simd_implementations();

}  // namespace gradproof
