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

// One channel of one image into all its phases.
inline void PackChannel(const Planes& planes, const float* HWY_RESTRICT source, Index phase_pitch,
                        float* HWY_RESTRICT out) {
  const auto& [ad, ah, aw] = planes.axes;
  for (Index rd : ad.phases)
    for (Index rh : ah.phases)
      for (Index rw : aw.phases) {
        const Index first = aw.first(rw), count = aw.last(rw) - first;
        const Index first_h = ah.first(rh), last_h = ah.last(rh), last_d = ad.last(rd);
        const Index iw = first * aw.step + rw - aw.lead;
        for (Index xd = ad.first(rd); xd < last_d && count > 0; ++xd) {
          const Index id = xd * ad.step + rd - ad.lead;
          const float* row = source + (id * ah.source + first_h * ah.step + rh - ah.lead) * aw.source + iw;
          float* to = out + planes.offset(xd, first_h, first);
          for (Index xh = first_h; xh < last_h; ++xh, row += ah.step * aw.source, to += aw.pitch)
            CopyStrided(row, aw.step, count, to);
        }
        out += phase_pitch;
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
