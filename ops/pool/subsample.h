// subsample: LeNet's pool, a learned coefficient times the sum of each window and a learned bias, in 1, 2 or 3
// dimensions.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation subsample_operation();

}  // namespace gradproof
