// What the kernel for a single column of an outer product is asked.
#pragma once

#include <cstdint>

#include "ops/core/shape.h"

namespace gradproof {

// A sum has the blocks of outer_problem.h: in a block 16 chains side by side, then one addition a further block, then
// the tree of 16. That is no deeper than outer_depth(), since ceil(n / 16) + log2(min(n, 16)) <= n.
//
// sums[m][lane] = (accumulate ? sums[m][lane] : 0) + sum over k < depth, k % 16 == lane, of a[a_rows[m] + k] *
// column[k]
struct ColumnProblem {
  Index rows = 0;
  Index depth = 0;
  const float* a = nullptr;
  const std::int32_t* a_rows = nullptr;
  const float* column = nullptr;
  float* sums = nullptr;
  bool accumulate = false;
};

}  // namespace gradproof
