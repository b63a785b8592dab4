// Nonlinearities, element by element: one row of a table each.
#pragma once

#include <string_view>
#include <vector>

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

std::vector<Operation> activation_operations();
Operation activation_operation(std::string_view name);  // one of them

// What operations on maps, element by element, have in common.
std::vector<AttributeSpec> map_attributes();  // mb, c and the input sizes
std::optional<Shape> map_shape(const Attributes& attributes);
Cost elementwise_cost(const Attributes& attributes, const Pass& pass, double flops);
std::vector<std::string> elementwise_smoke_cases();
std::vector<std::string> elementwise_full_cases();
std::vector<InvalidCase> elementwise_invalid_cases();

}  // namespace gradproof
