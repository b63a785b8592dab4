// What the outer-product kernel is asked: operands behind offset tables.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/core/shape.h"

namespace gradproof {

// Sums are cut into equal blocks of about this many products, each started from zero: an error bound of 128 + blocks
// roundings instead of one a product (28 times less at 4608 products). 128 rows of B for a tile of 24 floats, at any
// alignment, take at most 24 KiB of the L1 cache.
inline constexpr Index kDepthBlock = 128;
inline constexpr Index kMostDepth = kDepthBlock + kDepthBlock / 2 - 1;  // of a block

inline Index outer_blocks(Index products) { return std::max<Index>(1, (products + kDepthBlock / 2) / kDepthBlock); }
// Products in each block of a sum but the last, which may have fewer.
inline Index outer_block_depth(Index products) {
  return std::max<Index>(1, (products + outer_blocks(products) - 1) / outer_blocks(products));
}

// c[m][p] = (accumulate ? c[m][p] : 0) + sum over k < depth of a[a_rows[m] + a_offsets[k]] * b[b_offsets[k] + p]
//           + (bias ? bias[m] : 0)
struct OuterProblem {
  Index rows = 0;
  Index depth = 0;
  const float* a = nullptr;
  const std::int32_t* a_rows = nullptr;
  const std::int32_t* a_offsets = nullptr;
  const float* b = nullptr;
  const std::int32_t* b_offsets = nullptr;
  Index a_ahead = 0;  // a comes from beyond the L2 cache: prefetch a[a_rows[m] + a_offsets[k] + a_ahead]
  const float* bias = nullptr;
  // What is needed next, prefetched into the L2 cache: next_b[next_b_offsets[k] + p]. The columns of the next problem,
  // or where the sums of this one will be copied to.
  const float* next_b = nullptr;
  const std::int32_t* next_b_offsets = nullptr;
  float* copy = nullptr;  // where the first rows copy the columns to, if kCopiesColumns: copy[copy_offsets[k] + p]
  const std::int32_t* copy_offsets = nullptr;  // 0, the width of a tile, ...
  bool reaches_memory = false;                 // c exceeds the caches: whole lines are streamed, others prefetched
  bool accumulate = false;
};

// One block of the sum for the rows of a register block: out[m][p] = (sums ? sums[m][p] : 0) + the block's products
// + (bias ? bias[m] : 0). `sums` may be `out`.
struct OuterStep {
  Index depth = 0;  // at most kMostDepth
  const float* a = nullptr;
  const std::int32_t* a_rows = nullptr;
  const std::int32_t* a_offsets = nullptr;
  Index a_ahead = 0;  // as above
  const float* b = nullptr;
  const std::int32_t* b_offsets = nullptr;
  float* copy = nullptr;          // where b is copied to, as above
  const float* next_b = nullptr;  // lines to prefetch: next_b[next_b_offsets[k]]
  const std::int32_t* next_b_offsets = nullptr;
  const float* sums = nullptr;
  Index sums_stride = 0;
  float* out = nullptr;
  Index out_stride = 0;
  const float* bias = nullptr;
  bool streams = false;  // `out` is whole cache lines, one a vector: past the caches
};

// Roundings on the longest path of such a sum: a chain in a block (one more where multiply and add do not fuse), then
// one addition a further block.
inline double outer_depth(Index products) {
  return static_cast<double>(std::min(products, outer_block_depth(products)) + outer_blocks(products));
}

}  // namespace gradproof
