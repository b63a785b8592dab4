// The packed copy of a source tensor that the convolution engine reads.
#pragma once

#include "ops/conv/geometry.h"
#include "ops/core/memory.h"

namespace gradproof {

// Memory for the planes of a stack of images: [channel][phase][image, d, h, w with shared gaps]. Zero from the start;
// only elements that hold source values are ever written, so padding and gaps stay zero.
struct PlaneStack {
  const Planes* planes = nullptr;
  Index channels = 0;
  Index images = 0;
  Index phase_pitch = 0;
  Index channel_pitch = 0;
  AlignedMemory<float> memory;

  // `slack`: readable elements behind the last one, for kernels that load whole tiles.
  PlaneStack(const Planes& planes, Index channels, Index images, Index slack);

  Index offset_of(const Tap& tap) const { return tap.phase * phase_pitch + tap.offset; }
  // Offsets of the terms (channel, tap) of a sum, channel outermost.
  std::vector<std::int32_t> term_offsets(const std::vector<Tap>& taps, Index channel_count) const;
};

// How many images to stack: as many as keep the planes within half of a 2 MiB L2 cache, at least one, at most `batch`.
Index images_per_stack(const Planes& planes, Index channels, Index batch);

}  // namespace gradproof
