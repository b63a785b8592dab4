// std_pool: the standard deviation of each window in 1, 2 or 3 dimensions.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation std_pool_operation();

}  // namespace gradproof
