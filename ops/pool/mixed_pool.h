// mixed_pool: a * maximum + (1 - a) * average of each window in 1, 2 or 3 dimensions, a learned.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation mixed_pool_operation();

}  // namespace gradproof
