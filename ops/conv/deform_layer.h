// deform_layer: a two-dimensional deformable convolution that estimates its own offsets (and mask).
//
// A convolution of the same kernel, stride, padding and dilation, without groups, makes the offsets from src, and with
// mask=1 also the mask, by a sigmoid: offset_weights [2 * og * kh * kw, ic, kh, kw] or [3 * og * kh * kw, ic, kh, kw],
// the channels of the mask last; offset_bias has one number for each. src, weights, bias, dst, and everything about
// samples, NaN and infinities: as deform_conv.
#pragma once

#include "ops/conv/deform_conv.h"

namespace gradproof {

// Output channels of the estimating convolution.
inline Index estimate_channels(const DeformConvAttributes& a) {
  return a.offset_channels() + (a.mask ? a.mask_channels() : 0);
}

// Roundings of the offsets and the mask, where the sums of the estimate have `estimate_sum`, and of the estimate's
// gradient from those of the gradients of offsets and mask.
FieldDepths layer_field_depths(double estimate_sum);
double layer_gradient_depth(const DeformConvAttributes& a, double diff_offset, double diff_mask,
                            const FieldDepths& fields);

Operation deform_layer_operation();

}  // namespace gradproof
