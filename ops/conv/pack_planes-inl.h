// Copies source images into planes.

#if defined(GRADPROOF_PACK_PLANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PACK_PLANES_INL_H
#undef GRADPROOF_PACK_PLANES_INL_H
#else
#define GRADPROOF_PACK_PLANES_INL_H
#endif

#include <hwy/highway.h>

#include "ops/conv/planes.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// out[i] = in[i * step] for i < count; reads nothing beyond in[(count - 1) * step].
inline void CopyStrided(const float* HWY_RESTRICT in, Index step, Index count, float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  if (step == 1 && count >= lanes) {  // the last vector overlaps its neighbour
    for (; i + lanes <= count; i += lanes) hn::StoreU(hn::LoadU(d, in + i), d, out + i);
    if (i < count) hn::StoreU(hn::LoadU(d, in + count - lanes), d, out + count - lanes);
    return;
  }
  if (step == 2) {
    for (; i + lanes < count; i += lanes) {  // "<": the pair of the last element is not read
      hn::Vec<decltype(d)> even, odd;
      hn::LoadInterleaved2(d, in + 2 * i, even, odd);
      hn::StoreU(even, d, out + i);
    }
  }
  for (; i < count; ++i) out[i] = in[i * step];
}

// even[i] = in[2 * i], odd[i] = in[2 * i + 1] for i < count.
inline void CopyPairs(const float* HWY_RESTRICT in, Index count, float* HWY_RESTRICT even, float* HWY_RESTRICT odd) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto copy_vector = [&](Index i) HWY_ATTR {
    hn::Vec<decltype(d)> first, second;
    hn::LoadInterleaved2(d, in + 2 * i, first, second);
    hn::StoreU(first, d, even + i);
    hn::StoreU(second, d, odd + i);
  };
  Index i = 0;
  for (; i + lanes <= count; i += lanes) copy_vector(i);
  if (i < count && count >= lanes) return copy_vector(count - lanes);
  for (; i < count; ++i) {
    even[i] = in[2 * i];
    odd[i] = in[2 * i + 1];
  }
}

// The elements of a row that one phase along w holds.
struct PhaseOfRow {
  Index count, step;
  Index source;  // where the first one is in the source row
  Index place;   // and in the planes, from the start of the row in the first phase's

  PhaseOfRow(const PlaneAxis& w, size_t index, Index phase_pitch) : step(w.step) {
    const Index first = w.first(w.phases[index]);
    count = w.last(w.phases[index]) - first;
    source = first * w.step + w.phases[index] - w.lead;
    place = static_cast<Index>(index) * phase_pitch + first;
  }

  // Without the first `skipped` ones.
  void Copy(const float* row, float* planes, Index skipped = 0) const {
    CopyStrided(row + source + skipped * step, step, count - skipped, planes + place + skipped);
  }
};

// Calls copy(row of the source, row of the phases' planes) for the rows that the phases along d and h hold.
template <class CopyRow>
void ForEachRow(const Planes& planes, Index rd, Index rh, const CopyRow& copy) {
  const auto& [ad, ah, aw] = planes.axes;
  const Index first_h = ah.first(rh), last_h = ah.last(rh), last_d = ad.last(rd);
  const Index from_step = ah.step * aw.source, to_step = aw.pitch;
  for (Index xd = ad.first(rd); xd < last_d; ++xd) {
    const Index id = xd * ad.step + rd - ad.lead;
    Index from = (id * ah.source + first_h * ah.step + rh - ah.lead) * aw.source;
    Index to = planes.offset(xd, first_h, 0);
    for (Index xh = first_h; xh < last_h; ++xh, from += from_step, to += to_step) copy(from, to);
  }
}

// One channel of one image into all its phases; both phases of stride 2 in one sweep.
inline void PackChannel(const Planes& planes, const float* HWY_RESTRICT source, Index phase_pitch,
                        float* HWY_RESTRICT out) {
  const PlaneAxis& w = planes.axes[2];
  for (Index rd : planes.axes[0].phases)
    for (Index rh : planes.axes[1].phases) {
      if (w.step == 2 && w.phases.size() == 2) {
        PhaseOfRow even(w, 0, phase_pitch), odd(w, 1, phase_pitch);
        if (odd.source < even.source) std::swap(even, odd);
        const Index pairs = odd.source == even.source + 1 ? std::min(even.count, odd.count) : 0;
        ForEachRow(planes, rd, rh, [&](Index from, Index to) {
          CopyPairs(source + from + even.source, pairs, out + to + even.place, out + to + odd.place);
          even.Copy(source + from, out + to, pairs);
          odd.Copy(source + from, out + to, pairs);
        });
      } else {
        for (size_t i = 0; i < w.phases.size(); ++i) {
          const PhaseOfRow part(w, i, phase_pitch);
          ForEachRow(planes, rd, rh, [part, source, out](Index from, Index to) { part.Copy(source + from, out + to); });
        }
      }
      out += static_cast<Index>(w.phases.size()) * phase_pitch;
    }
}

// Images 0 to `images` of `source`, dense [image][channel][d][h][w].
inline void PackPlanes(const PlaneStack& stack, const float* source, Index images, int threads) {
  const Planes& planes = *stack.planes;
  const Index channel_size = planes.source_count();
  parallel_tiles(threads, stack.channels, [&](Index channel) {
    for (Index n = 0; n < images; ++n)
      PackChannel(planes, source + (n * stack.channels + channel) * channel_size, stack.phase_pitch,
                  stack.memory.get() + channel * stack.channel_pitch + n * planes.image_pitch());
  });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PACK_PLANES_INL_H
