// adaptive_avg_pool: averages of as many windows as are asked for, in 1, 2 or 3 dimensions.
#pragma once

#include <array>

#include "ops/core/registry.h"
#include "ops/pool/adaptive_windows.h"

namespace gradproof {

struct AdaptivePoolAttributes {
  Index mb, c;
  std::array<AdaptiveAxis, 3> axes;  // d, h, w
};

AdaptivePoolAttributes adaptive_pool_attributes(const Attributes& attributes);

Operation adaptive_avg_pool_operation();

}  // namespace gradproof
