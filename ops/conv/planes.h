// The source tensor as the convolution engine reads it: in planes.
#pragma once

#include "ops/conv/geometry.h"
#include "ops/core/memory.h"

namespace gradproof {

// Rows that are copied from a channel of an image to its planes: row r, of `count` elements `step` apart, starts at
// source + r * source_pitch and goes to place + r * place_pitch. With `pairs` the step is 2, and the elements between
// are copied too, to odd_place.
struct PlaneRows {
  Index source, place, odd_place;
  Index count, step;
  Index rows, source_pitch, place_pitch;
  bool pairs;
};

// All rows of a channel, all its phases.
std::vector<PlaneRows> rows_of_planes(const Planes& planes, Index phase_pitch);

// Planes of a stack of images: [channel][phase][image, d, h, w with shared gaps]. Either a packed copy, zero from the
// start, of which only elements that hold source values are ever written, so that padding and gaps stay zero; or, where
// the planes are what the tensor holds already, the tensor itself, an image at a time.
struct PlaneStack {
  const Planes* planes = nullptr;
  Index channels = 0;
  Index images = 0;
  Index phase_pitch = 0;
  Index channel_pitch = 0;
  std::vector<PlaneRows> rows;  // of a channel of an image, where they are copied
  AlignedMemory<float> memory;  // null: in place

  // A copy. `slack`: readable elements behind the last one, for kernels that load whole tiles.
  static PlaneStack copied(const Planes& planes, Index channels, Index images, Index slack);
  // The tensor itself; planes.is_dense() must hold. Nothing may be read behind an image.
  static PlaneStack in_place(const Planes& planes, Index channels);

  bool is_copy() const { return memory != nullptr; }
  // The planes of the stack whose first image lies at `source`, once that is packed.
  const float* base(const float* source) const { return is_copy() ? memory.get() : source; }

  Index offset_of(const Tap& tap) const { return tap.phase * phase_pitch + tap.offset; }
  // Offsets of the terms (channel, tap) of a sum, channel outermost.
  std::vector<std::int32_t> term_offsets(const std::vector<Tap>& taps, Index channel_count) const;
};

// How many images to stack: as many as keep the planes within half of a 2 MiB L2 cache, at least one, at most `batch`.
Index images_per_stack(const Planes& planes, Index channels, Index batch);

}  // namespace gradproof
