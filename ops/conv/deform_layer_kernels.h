// The SIMD implementations of deform_layer: "simd" (the best instruction set) and "simd@<target>".
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> deform_layer_simd_implementations();

}  // namespace gradproof
