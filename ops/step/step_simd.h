// The SIMD implementations of the step function, sign, and the stand-ins.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> step_simd_implementations();

}  // namespace gradproof
