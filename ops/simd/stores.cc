#include "ops/simd/stores.h"

#include "ops/core/environment.h"

namespace gradproof {

namespace {

constexpr Index kMiB = Index{1} << 20;

// Of the last level, what a core can count on.
Index last_level_share() {
  constexpr Index kLargest = 64 * kMiB, kShareOfLarger = 16 * kMiB;
  const Index size = cache_sizes().l3.value_or(8 * kMiB);
  return size > kLargest ? kShareOfLarger : size;
}

}  // namespace

bool exceeds_caches(std::size_t bytes) {
  static const Index last_level = last_level_share();
  return bytes > static_cast<std::size_t>(last_level / 8 * 3);
}

bool exceeds_l2(std::size_t bytes) {
  static const Index l2 = cache_sizes().l2.value_or(kMiB / 2);
  return bytes > static_cast<std::size_t>(l2);
}

Stores stores_for(std::size_t bytes) { return exceeds_caches(bytes) ? Stores::kStreaming : Stores::kCached; }

}  // namespace gradproof
