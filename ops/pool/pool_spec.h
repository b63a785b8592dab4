// What the declarations of all windowed pools share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/core/spec.h"
#include "ops/core/window.h"

namespace gradproof {

// mb, c, input sizes, kernel, stride, padding, dilation, ceil_mode.
std::vector<AttributeSpec> pool_attributes();

// Throws UsageError in the name of `op` unless there is an output, no padding exceeds half of the kernel's extent
// (PyTorch's rule), and every window sees at least one input.
void require_pool(std::string_view op, const Window& window);

// What a pool of `src` to `dst` without keys of its own declares: family, attributes, both slots, cases and refusals.
// Every result tells a NaN that its formula names from others.
Spec windowed_spec();

// How many windows see one input, at most: along an axis at most every (stride / gcd(stride, dilation))-th tap falls
// on it.
Index windows_over_input(const Window& window);

// Cases and refusals for pools of any kind, without the keys that only some have.
std::vector<std::string> pool_smoke_cases();
std::vector<std::string> pool_full_cases();
std::vector<InvalidCase> pool_invalid_cases();

}  // namespace gradproof
