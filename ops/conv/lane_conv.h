// Depthwise convolutions of short rows: as many channels at a time as a vector has lanes.
//
// Rows shorter than a few vectors leave lanes of a row stencil empty, and each row that is copied into its plane a few
// elements at a time waits there before whole vectors can be read. With a channel in each lane all lanes work, whatever
// the rows, the stride and the taps, at the price of a transposition of source and result.
#pragma once

#include "ops/conv/engine.h"

namespace gradproof {

// As plan_stencil_conv(), to the bit; a group has one input and one output channel.
std::unique_ptr<ConvSum> plan_lane_conv(const ConvShape& shape, bool forward, int threads);

std::unique_ptr<ConvSum> plan_lane_weights(const ConvShape& shape, int threads);
double lane_weights_depth(const ConvShape& shape);

}  // namespace gradproof
