// Copies planes back into an image: the inverse of PackChannel.

#if defined(GRADPROOF_UNPACK_PLANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_UNPACK_PLANES_INL_H
#undef GRADPROOF_UNPACK_PLANES_INL_H
#else
#define GRADPROOF_UNPACK_PLANES_INL_H
#endif

#include <algorithm>

#include "ops/conv/planes.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// One channel of one image out of all its phases. Elements that no tap sees lie in no plane: they are zero.
inline void UnpackChannel(const Planes& planes, const float* HWY_RESTRICT in, Index phase_pitch,
                          float* HWY_RESTRICT image) {
  const auto& [ad, ah, aw] = planes.axes;
  std::fill_n(image, ad.source * ah.source * aw.source, 0.0F);
  for (Index rd : ad.phases)
    for (Index rh : ah.phases)
      for (Index rw : aw.phases) {
        for (Index xd = ad.first(rd); xd < ad.last(rd); ++xd)
          for (Index xh = ah.first(rh); xh < ah.last(rh); ++xh) {
            const Index id = xd * ad.step + rd - ad.lead;
            const Index ih = xh * ah.step + rh - ah.lead;
            float* row = image + (id * ah.source + ih) * aw.source + rw - aw.lead;
            for (Index xw = aw.first(rw); xw < aw.last(rw); ++xw) row[xw * aw.step] = in[planes.offset(xd, xh, xw)];
          }
        in += phase_pitch;
      }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_UNPACK_PLANES_INL_H
