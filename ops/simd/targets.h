// Which instruction set runs: Highway's run-time dispatch, or a forced target.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

// The instruction sets this binary holds and this processor has, best first ("AVX3", "AVX2", "SCALAR").
std::vector<std::string> supported_targets();
// Those this binary holds, best first, whether or not the processor has them.
std::vector<std::string> compiled_targets();

// How a SIMD kernel offers itself. `prepare` dispatches with HWY_DYNAMIC_DISPATCH to the target chosen at that moment.
struct SimdKernel {
  std::function<std::optional<std::string>(const Case&, const Pass&)> unsupported{};  // empty: supports everything
  std::function<std::unique_ptr<Kernel>(const Case&, const Pass&, const PrepareOptions&)> prepare;
  std::function<double(const Case&, const Pass&, std::string_view)> depth{};  // empty: the Spec's
};

// "simd" with the best target, and "simd@avx3", "simd@avx2", "simd@scalar" with the forced one. A target that the
// processor lacks says so in unsupported().
std::vector<Implementation> simd_implementations(const SimdKernel& kernel);

}  // namespace gradproof
