// global_avg_pool, global_sum_pool and global_max_pool: one number a channel, from an input of any size.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

struct GlobalPoolAttributes {
  Index planes;  // batch * channels
  Index space;   // elements of each
  bool average;  // else the sum, or the maximum

  // argmax is the position in the plane, row-major: one byte holds it for up to 255 elements.
  ElementType argmax_type() const { return space <= 255 ? ElementType::kUint8 : ElementType::kInt32; }
};

GlobalPoolAttributes global_pool_attributes(const Case& c);

Operation global_avg_pool_operation();
Operation global_sum_pool_operation();
Operation global_max_pool_operation();

}  // namespace gradproof
