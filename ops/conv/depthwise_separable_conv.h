// depthwise_separable_conv: a convolution in space, channel by channel, then a mix of the channels, pixel by pixel.
//
//   mid[n,m,p] = sum over i, k of weights_dw[m,i,k] * src[n, first(m) + i, p * s - pad + k * d]
//   dst[n,o,p] = bias[o] + sum over m of weights_pw[o,m] * mid[n,m,p]
//
// (Sifre 2014, Rigid-motion scattering for image classification, section 6.2; Howard et al. 2017, arXiv:1704.04861.)
// There are as many channels in between as in src. `g` is the number of groups that the convolution in space keeps
// apart; 0, the default, gives each channel a group of its own, which is the depthwise form.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

struct DepthwiseSeparableAttributes {
  Index mb, ic, oc;
  Index g;  // 1 ... ic: what 0 stands for is filled in
  bool bias;
  Window window;

  Index channels_per_group() const { return ic / g; }
};

DepthwiseSeparableAttributes depthwise_separable_attributes(const Attributes& attributes);

// Slots: src [mb][ic][ih][iw], weights_dw [ic][ic/g][kh][kw], weights_pw [oc][ic], bias [oc], dst [mb][oc][oh][ow];
// gradients of all four inputs. A NaN in src or bias reaches exactly the outputs that the formula names.
Operation depthwise_separable_conv_operation();

}  // namespace gradproof
