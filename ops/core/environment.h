// What this machine is, as far as it tells.
#pragma once

#include <optional>

#include "ops/core/shape.h"

namespace gradproof {

// Data caches that one core sees, in bytes; absent where the system does not say.
struct CacheSizes {
  std::optional<Index> l1d;
  std::optional<Index> l2;
  std::optional<Index> l3;
};

// Read from the system once.
const CacheSizes& cache_sizes();

}  // namespace gradproof
