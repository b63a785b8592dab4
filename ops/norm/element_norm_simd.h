// The SIMD implementations of normalizations of whole samples, with gamma and beta for an element.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> layer_norm_simd_implementations();
std::vector<Implementation> rms_norm_simd_implementations();

}  // namespace gradproof
