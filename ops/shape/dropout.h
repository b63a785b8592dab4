// dropout: elements set to zero by a seeded mask, the others scaled up.
#pragma once

#include <cstdint>

#include "ops/core/registry.h"

namespace gradproof {

// Element number i, in row-major order, is kept where the upper 24 bits of a hash of i, of two rounds keyed by the
// seed, are not below `threshold`.
struct DropoutAttributes {
  Index count;
  double p;
  std::uint32_t threshold;  // p * 2^24, rounded
  std::uint32_t keys[2];    // the lower and upper half of seeded_bits(seed, "dropout", {})
  bool training;
};

DropoutAttributes dropout_attributes(const Attributes& attributes);

Operation dropout_operation();

}  // namespace gradproof
