// The SIMD implementations of the losses of two tensors.
#pragma once

#include <vector>

#include "ops/core/implementation.h"
#include "ops/loss/pointwise.h"

namespace gradproof {

std::vector<Implementation> pointwise_simd_implementations(Pointwise loss);

}  // namespace gradproof
