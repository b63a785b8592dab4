#include "ops/conv/planes.h"

#include <algorithm>

namespace gradproof {
namespace {

constexpr Index kStackBytes = Index{1} << 20;

// Whole cache lines, but never a multiple of 4 KiB: channels that far apart fall into the same L1 sets.
Index padded_pitch(Index elements) {
  const Index lines = (elements + 15) / 16;
  return 16 * (lines % 64 == 0 ? lines + 1 : lines);
}

}  // namespace

PlaneStack PlaneStack::copied(const Planes& planes, Index channels, Index images, Index slack) {
  PlaneStack stack;
  stack.planes = &planes;
  stack.channels = channels;
  stack.images = images;
  stack.phase_pitch = planes.phase_pitch(images);
  stack.channel_pitch = padded_pitch(stack.phase_pitch * planes.phase_count());
  stack.memory = zeroed_floats(channels * stack.channel_pitch + slack);
  return stack;
}

PlaneStack PlaneStack::in_place(const Planes& planes, Index channels) {
  PlaneStack stack;
  stack.planes = &planes;
  stack.channels = channels;
  stack.images = 1;
  stack.phase_pitch = planes.image_pitch();
  stack.channel_pitch = planes.image_pitch();
  return stack;
}

std::vector<std::int32_t> PlaneStack::term_offsets(const std::vector<Tap>& taps, Index channel_count) const {
  std::vector<std::int32_t> offsets;
  for (Index channel = 0; channel < channel_count; ++channel)
    for (const Tap& tap : taps) offsets.push_back(static_cast<std::int32_t>(channel * channel_pitch + offset_of(tap)));
  return offsets;
}

Index images_per_stack(const Planes& planes, Index channels, Index batch) {
  const Index image_bytes = 4 * channels * planes.phase_count() * planes.image_pitch();
  return std::clamp<Index>(kStackBytes / image_bytes, 1, batch);
}

}  // namespace gradproof
