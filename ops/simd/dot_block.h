// What the dot kernel is asked.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ops/core/shape.h"

namespace gradproof {

inline constexpr Index kBlockLanes = 8;  // running sums of one dot product, whatever the vector length

// Dot products are cut into blocks of this many elements, each started from zero: four rows of a and three of b, 28
// KiB, stay in the L1 cache.
inline constexpr Index kDotBlock = 1024;

// sums[r * sums_stride + t] += sum over i < length of a[r * a_stride + i] * b[b_offsets[t] + i]
struct DotProblem {
  const float* a = nullptr;
  Index a_stride = 0;
  const float* b = nullptr;
  const std::int32_t* b_offsets = nullptr;
  Index length = 0;  // a multiple of kBlockLanes
  float* sums = nullptr;
  Index sums_stride = 0;
};

// Roundings on the longest path of a dot product over `length` elements: a running sum of a block (one more where
// multiply and add do not fuse), the tree of eight, and one addition a block.
inline double dot_block_depth(Index length) {
  const double block = static_cast<double>(std::min(length, kDotBlock));
  return std::ceil(block / kBlockLanes) + 1 + 3 + std::ceil(static_cast<double>(length) / kDotBlock);
}

}  // namespace gradproof
