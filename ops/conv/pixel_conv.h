// Forward pass for few output channels of small images: pixels are the rows of the outer kernel, channels its columns.
//
// With channels in the rows each vector of pixels of a small image is gathered first, which takes a quarter of the time
// where only 16 rows share it. Pixels in the rows are broadcast from where they lie, at the price of a transposition of
// weights and result (6 to 16 channels, 5x5 over 14x14, Zen 4: 0.8 of the time; 480 to 32, 1x1 over 7x7: 0.67).
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// As plan_outer_conv(); is_pixel_conv() must hold.
std::unique_ptr<ConvSum> plan_pixel_conv(const ConvShape& shape, int threads);
bool is_pixel_conv(const ConvShape& shape);

}  // namespace gradproof
