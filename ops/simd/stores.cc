#include "ops/simd/stores.h"

#include "ops/core/environment.h"

namespace gradproof {

Stores stores_for(std::size_t bytes) {
  static const Index last_level = cache_sizes().l3.value_or(Index{8} << 20);
  return bytes > static_cast<std::size_t>(last_level / 8 * 3) ? Stores::kStreaming : Stores::kCached;
}

}  // namespace gradproof
