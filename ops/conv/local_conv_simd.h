// The SIMD implementations of local_conv: "simd" (the best instruction set) and "simd@<target>".
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> local_conv_simd_implementations();

}  // namespace gradproof
