// The step function, sign, and stand-ins for the step whose gradient is that of another function.
#pragma once

#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

std::vector<Operation> step_operations();

}  // namespace gradproof
