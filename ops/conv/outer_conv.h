// The sums of a convolution on the outer-product kernel: any shape, at its best with many output channels a group.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// Forward pass (src, weights, bias -> dst) or data gradient (diff_dst, weights, bias -> diff_src).
std::unique_ptr<ConvSum> plan_outer_conv(const ConvShape& shape, bool forward, int threads);
std::unique_ptr<ConvSum> plan_outer_weights(const ConvShape& shape, int threads);
double outer_weights_depth(const ConvShape& shape);

}  // namespace gradproof
