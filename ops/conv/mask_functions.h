// What a deformable layer does element by element to its modulation mask.
#pragma once

#include "ops/core/shape.h"

namespace gradproof {

// Function pointers of one instruction set. Arrays do not overlap; NaN stays NaN.
struct MaskFunctions {
  // mask[i] = 1 / (1 + exp(-x[i])), within 6 roundings.
  void (*sigmoid)(Index count, const float* x, float* mask);
  // diff_x[i] = diff_mask[i] * mask[i] * (1 - mask[i])
  void (*gradient)(Index count, const float* mask, const float* diff_mask, float* diff_x);
  // sum[i] += x[i]
  void (*add)(Index count, const float* x, float* sum);
};

// Those of the target that Highway chooses at that moment.
MaskFunctions mask_functions();

}  // namespace gradproof
