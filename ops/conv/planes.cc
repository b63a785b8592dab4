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

// The elements of a row that one phase along w holds.
struct PhaseOfRow {
  Index source, place, count;

  PhaseOfRow(Index first_source, Index first_place, Index elements)
      : source(first_source), place(first_place), count(elements) {}
  PhaseOfRow(const PlaneAxis& w, size_t index, Index phase_pitch) {
    const Index first = w.first(w.phases[index]);
    source = first * w.step + w.phases[index] - w.lead;
    place = static_cast<Index>(index) * phase_pitch + first;
    count = w.last(w.phases[index]) - first;
  }

  PhaseOfRow without(Index skipped, Index step) const {
    return {source + skipped * step, place + skipped, count - skipped};
  }
};

// Copies of the rows at `from`, to the planes of that row's phases at `to`; both phases of stride 2 in one sweep.
void add_rows(const PlaneAxis& w, Index phase_pitch, PlaneRows rows, std::vector<PlaneRows>& all) {
  const auto add = [&](const PhaseOfRow& part, Index odd_place, bool pairs) {
    if (part.count <= 0) return;
    PlaneRows copy = rows;
    copy.source += part.source;
    copy.odd_place = rows.place + odd_place;
    copy.place += part.place;
    copy.count = part.count;
    copy.pairs = pairs;
    all.push_back(copy);
  };
  if (w.step == 2 && w.phases.size() == 2) {
    PhaseOfRow even(w, 0, phase_pitch), odd(w, 1, phase_pitch);
    if (odd.source < even.source) std::swap(even, odd);
    const Index pairs = odd.source == even.source + 1 ? std::max<Index>(0, std::min(even.count, odd.count)) : 0;
    add(PhaseOfRow(even.source, even.place, pairs), odd.place, true);
    add(even.without(pairs, 2), 0, false);
    add(odd.without(pairs, 2), 0, false);
    return;
  }
  for (size_t i = 0; i < w.phases.size(); ++i) add(PhaseOfRow(w, i, phase_pitch), 0, false);
}

}  // namespace

std::vector<PlaneRows> rows_of_planes(const Planes& planes, Index phase_pitch) {
  std::vector<PlaneRows> all;
  const auto& [ad, ah, aw] = planes.axes;
  Index plane = 0;
  for (Index rd : ad.phases)
    for (Index rh : ah.phases) {
      for (Index xd = ad.first(rd); xd < ad.last(rd); ++xd) {
        const Index id = xd * ad.step + rd - ad.lead;
        const Index xh = ah.first(rh);
        PlaneRows rows{};
        rows.source = (id * ah.source + xh * ah.step + rh - ah.lead) * aw.source;
        rows.place = plane + planes.offset(xd, xh, 0);
        rows.step = aw.step;
        rows.rows = ah.last(rh) - xh;
        rows.source_pitch = ah.step * aw.source;
        rows.place_pitch = aw.pitch;
        add_rows(aw, phase_pitch, rows, all);
      }
      plane += static_cast<Index>(aw.phases.size()) * phase_pitch;
    }
  return all;
}

PlaneStack PlaneStack::copied(const Planes& planes, Index channels, Index images, Index slack) {
  PlaneStack stack;
  stack.planes = &planes;
  stack.channels = channels;
  stack.images = images;
  stack.phase_pitch = planes.phase_pitch(images);
  stack.channel_pitch = padded_pitch(stack.phase_pitch * planes.phase_count());
  stack.rows = rows_of_planes(planes, stack.phase_pitch);
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
