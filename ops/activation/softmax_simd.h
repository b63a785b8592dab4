// The SIMD implementations of softmax and log_softmax.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> softmax_simd_implementations();
std::vector<Implementation> log_softmax_simd_implementations();

}  // namespace gradproof
