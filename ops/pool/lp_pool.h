// lp_pool: the p-norm of each window in 1, 2 or 3 dimensions.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation lp_pool_operation();

}  // namespace gradproof
