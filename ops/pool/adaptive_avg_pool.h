// adaptive_avg_pool: averages of as many windows as are asked for, in 1, 2 or 3 dimensions.
#pragma once

#include "ops/core/registry.h"
#include "ops/pool/adaptive_windows.h"

namespace gradproof {

Operation adaptive_avg_pool_operation();

}  // namespace gradproof
