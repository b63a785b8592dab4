// What a loss makes of the losses of its rows or elements.
#pragma once

#include "ops/core/attributes.h"
#include "ops/core/error.h"

namespace gradproof {

// Numbered as in PyTorch's at::Reduction.
enum class Reduction { kNone, kMean, kSum };

inline AttributeSpec reduction_attribute() {
  return integer_attribute("reduction", "0: a loss for each, 1: their mean, 2: their sum", 1, 0);
}

inline Reduction reduction_of(const Attributes& attributes) {
  return static_cast<Reduction>(attributes.integer("reduction"));
}

inline void require_reduction(std::string_view op, const Attributes& attributes) {
  const Index reduction = attributes.integer("reduction");
  if (reduction > 2) refuse("{}: reduction={} must be 0 (none), 1 (mean) or 2 (sum)", op, reduction);
}

}  // namespace gradproof
