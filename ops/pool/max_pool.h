// max_pool and min_pool: the largest or smallest element of each window in 1, 2 or 3 dimensions, and where it was.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

struct MaxPoolAttributes {
  Index mb, c;
  Window window;

  // argmax counts taps within the window, row-major over (kd, kh, kw): one byte holds it for up to 255 taps.
  ElementType argmax_type() const { return window.taps() <= 255 ? ElementType::kUint8 : ElementType::kInt32; }
};

MaxPoolAttributes max_pool_attributes(const Attributes& attributes);

Operation max_pool_operation();
Operation min_pool_operation();

}  // namespace gradproof
