// DeformPlan: how a deformable convolution is cut up. Channels are sampled in blocks of one offset group, stored as
// whole vectors side by side in every pixel (NHWC), and multiplied in the parts of a block that belong to one
// convolution group.
#pragma once

#include <vector>

#include "ops/conv/deform_conv.h"

namespace gradproof {

// The channels of a block that belong to one convolution group.
struct GroupPart {
  Index group;
  Index first;           // channel within the block
  Index first_in_group;  // the same channel within its group
  Index count;
  Index width;   // count, and for the last part of a block the padding behind it
  Index pitch;   // width, rounded up to whole vectors
  Index packed;  // where [tap][oc/g][pitch] starts in weights packed by blocks
};

struct ChannelBlock {
  Index offset_group;
  Index first, count;  // input channels
  Index pitch;         // count, rounded up to whole vectors
  Index column;        // where it starts within a pixel
  std::vector<GroupPart> parts;
};

// Where the taps of each output pixel fall without their offsets, as float32: whole numbers, which are exact. Padded
// with zeros to whole vectors.
struct TapOrigins {
  std::vector<float> y, x;          // of tap 0, by pixel
  std::vector<float> tap_y, tap_x;  // what a tap adds
};

struct DeformPlan {
  DeformConvAttributes a;
  std::vector<ChannelBlock> blocks;
  TapOrigins origins;
  Index pixel_pitch = 0;   // elements of a packed pixel
  Index packed_count = 0;  // elements of the weights packed by blocks

  // Blocks have up to `most_channels` channels.
  DeformPlan(const DeformConvAttributes& attributes, Index most_channels, Index lanes);

  Index taps() const { return a.window.taps(); }
  Index in_pixels() const { return a.height().in * a.width().in; }
  Index pixels() const { return a.window.out_count(); }
};

// Channels of a block, unless it is made smaller for more threads: columns of 3 x 3 taps of 56 pixels fill 128 KiB.
inline constexpr Index kBlockChannels = 64;

inline Index round_up(Index value, Index unit) { return (value + unit - 1) / unit * unit; }

}  // namespace gradproof
