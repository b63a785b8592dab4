// The networks: back-propagation through the whole.
#pragma once

#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

std::vector<Operation> network_operations();

}  // namespace gradproof
