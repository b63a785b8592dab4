// separable_conv: a convolution whose kernels have rank 1, each the outer product of a column and a row.
//
//   dst[n,o,p] = bias[o] + sum over i, kh, kw of v[o,i,kh] * h[o,i,kw] * src[n, i, p * s - pad + k * d]
//
// kh + kw parameters a kernel instead of kh * kw (Rigamonti et al. 2013, Learning separable filters, CVPR; Jaderberg
// et al. 2014, arXiv:1405.3866). Stride, one-sided padding, dilation and groups are those of conv.
#pragma once

#include "ops/conv/conv.h"

namespace gradproof {

// The attributes are those of conv in two dimensions: conv_attributes().
// Slots: src [mb][ic][ih][iw], weights_v [oc][ic/g][kh], weights_h [oc][ic/g][kw], bias [oc], dst [mb][oc][oh][ow];
// gradients of all four inputs. A NaN in src or bias reaches exactly the outputs that the formula names.
Operation separable_conv_operation();

}  // namespace gradproof
