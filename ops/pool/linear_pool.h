// avg_pool and sum_pool: the average or the sum of each window in 1, 2 or 3 dimensions.
#pragma once

#include <array>
#include <vector>

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

struct LinearPoolAttributes {
  Index mb, c;
  Window window;
  bool average = false;           // else the sum
  bool count_include_pad = true;  // whether taps on padding count towards the divisor
  Index divisor = 0;              // what to divide by instead; 0: by the taps that count

  // What the window (od, oh, ow) is divided by is the product of [d][od], [h][oh] and [w][ow]. A tap counts along each
  // axis apart: the taps of a window that count are a box. Whole numbers, exact in float32 as their products are.
  std::array<std::vector<float>, 3> divisors() const;
};

// Of avg_pool, or of sum_pool, which declares no divisor.
LinearPoolAttributes linear_pool_attributes(const Attributes& attributes);

Operation avg_pool_operation();
Operation sum_pool_operation();

}  // namespace gradproof
