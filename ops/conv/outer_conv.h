// The sums of a convolution on the outer-product kernel: any shape, at its best with many output channels a group.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// Forward pass (src, weights, bias -> dst) or data gradient (diff_dst, weights, bias -> diff_src).
std::unique_ptr<ConvSum> plan_outer_conv(const ConvShape& shape, bool forward, int threads);
std::unique_ptr<ConvSum> plan_outer_weights(const ConvShape& shape, int threads);
double outer_weights_depth(const ConvShape& shape);

// Whether the weight gradient of a pointwise convolution transposes src, which costs less than diff_dst and the sums
// do: the sums are then rows of diff_weights.
bool outer_weights_transposes_src(const ConvShape& shape);
// Pixels of a stack of images whose columns the weight gradient transposes at a time: all, or as many as stay in the L2
// cache, where the sums that wait for the next ones must stay as well (3x3, 3 to 64 channels, 224x224, Emerald Rapids:
// a quarter of the time). The same whatever the vector length, since it decides in which order products are added.
Index outer_weights_stretch(const ConvShape& shape, Index images);

}  // namespace gradproof
