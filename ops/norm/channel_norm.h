// What the kernels of normalizations with gamma and beta for a channel have in common.
#pragma once

#include <string_view>

#include "ops/simd/block_sums.h"

namespace gradproof {

// Depth of the kernels. Statistics are in double and rounded once; roundings of float32 that remain, a multiply-add
// counted as two (SCALAR does not fuse it):
//   dst = (x - mean) * scale + offset: difference, scale, product, sum; offset, sum.
//   diff_src: the longest path is t * slope: difference, three factors rstd that were rounded when saved, slope,
//   product, two sums; with constant statistics scale and product.
//   diff_gamma: the saved rstd, unless it is computed from constant statistics, and the result.
inline double channel_norm_depth(std::string_view slot, bool constant_statistics = false) {
  const double roundings = slot == "dst"          ? 4
                           : slot == "diff_src"   ? (constant_statistics ? 2 : 8)
                           : slot == "diff_gamma" ? (constant_statistics ? 1 : 2)
                                                  : 1;
  return roundings + kSumDepth;
}

}  // namespace gradproof
