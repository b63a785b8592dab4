// global_avg_pool and global_sum_pool: one number a channel, from an input of any size.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

struct GlobalPoolAttributes {
  Index planes;  // batch * channels
  Index space;   // elements of each
  bool average;  // else the sum
};

GlobalPoolAttributes global_pool_attributes(const Case& c);

Operation global_avg_pool_operation();
Operation global_sum_pool_operation();

}  // namespace gradproof
