#include "ops/conv/deform_plan.h"

#include <algorithm>

namespace gradproof {
namespace {

std::vector<GroupPart> parts_of(const DeformConvAttributes& a, const ChannelBlock& block, Index lanes) {
  std::vector<GroupPart> parts;
  for (Index c = block.first; c < block.first + block.count;) {
    const Index group = c / a.ic_per_group();
    const Index count = std::min((group + 1) * a.ic_per_group(), block.first + block.count) - c;
    const Index first = c - block.first;
    const Index width = first + count == block.count ? block.pitch - first : count;
    parts.push_back({group, first, c % a.ic_per_group(), count, width, round_up(width, lanes), 0});
    c += count;
  }
  return parts;
}

TapOrigins origins_of(const DeformConvAttributes& a, Index lanes) {
  TapOrigins origins;
  const WindowAxis &h = a.height(), &w = a.width();
  for (Index oh = 0; oh < h.out(); ++oh)
    for (Index ow = 0; ow < w.out(); ++ow) {
      origins.y.push_back(static_cast<float>(oh * h.stride - h.pad_lo));
      origins.x.push_back(static_cast<float>(ow * w.stride - w.pad_lo));
    }
  const auto padded = static_cast<size_t>(a.window.out_count() + lanes);
  origins.y.resize(padded);
  origins.x.resize(padded);
  for (Index kh = 0; kh < h.kernel; ++kh)
    for (Index kw = 0; kw < w.kernel; ++kw) {
      origins.tap_y.push_back(static_cast<float>(kh * h.dilation));
      origins.tap_x.push_back(static_cast<float>(kw * w.dilation));
    }
  return origins;
}

}  // namespace

DeformPlan::DeformPlan(const DeformConvAttributes& attributes, Index most_channels, Index lanes)
    : a(attributes), origins(origins_of(attributes, lanes)) {
  for (Index group = 0; group < a.og; ++group)
    for (Index c = 0; c < a.ic_per_offset_group(); c += most_channels) {
      const Index count = std::min(most_channels, a.ic_per_offset_group() - c);
      ChannelBlock block{group, group * a.ic_per_offset_group() + c, count, round_up(count, lanes), pixel_pitch, {}};
      block.parts = parts_of(a, block, lanes);
      for (GroupPart& part : block.parts) {
        part.packed = packed_count;
        packed_count += taps() * a.oc_per_group() * part.pitch;
      }
      pixel_pitch += block.pitch;
      blocks.push_back(std::move(block));
    }
}

}  // namespace gradproof
