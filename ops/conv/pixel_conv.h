// Forward pass for few output channels of small images: pixels are the rows of the outer kernel, channels its columns.
//
// With channels in the rows each vector of pixels of a small image is gathered first, and few rows share the work: 16
// of them take 3 multiply-adds a vector, and a quarter again to gather it. Pixels in the rows are broadcast from where
// they lie, at the price of a transposition of weights and result.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// As plan_outer_conv(); is_pixel_conv() must hold.
std::unique_ptr<ConvSum> plan_pixel_conv(const ConvShape& shape, int threads);
bool is_pixel_conv(const ConvShape& shape);

}  // namespace gradproof
