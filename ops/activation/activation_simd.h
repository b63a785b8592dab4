// The SIMD implementations of the nonlinearities; which of the two files a function is in is a matter of what it needs.
#pragma once

#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

std::vector<Implementation> piecewise_simd_implementations();  // comparisons and arithmetic
std::vector<Implementation> smooth_simd_implementations();     // functions of ops/simd/math-inl.h

}  // namespace gradproof
