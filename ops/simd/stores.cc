#include "ops/simd/stores.h"

#include "ops/core/environment.h"

namespace gradproof {

namespace {

constexpr Index kMiB = Index{1} << 20;

Index last_level() { return cache_sizes().l3.value_or(8 * kMiB); }

// Of it, what a core can count on.
Index last_level_share() {
  constexpr Index kLargest = 64 * kMiB, kShareOfLarger = 16 * kMiB;
  return last_level() > kLargest ? kShareOfLarger : last_level();
}

// Tensors that are read and written leave each other less than half of a cache.
bool exceeds(std::size_t bytes, Index cache) { return bytes > static_cast<std::size_t>(cache / 8 * 3); }

}  // namespace

bool exceeds_caches(std::size_t bytes) {
  static const Index share = last_level_share();
  return exceeds(bytes, share);
}

bool exceeds_last_level(std::size_t bytes) {
  static const Index whole = last_level();
  return exceeds(bytes, whole);
}

bool exceeds_l2(std::size_t bytes) {
  static const Index l2 = cache_sizes().l2.value_or(kMiB / 2);
  return bytes > static_cast<std::size_t>(l2);
}

Stores stores_for(std::size_t bytes) { return exceeds_caches(bytes) ? Stores::kStreaming : Stores::kCached; }

}  // namespace gradproof
