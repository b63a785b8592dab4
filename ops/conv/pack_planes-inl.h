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

// out[i] = in[i] for i < count, in vectors as long as count allows: the last one overlaps its neighbour.
template <class D>
HWY_INLINE void CopyExactly(D d, const float* HWY_RESTRICT in, Index count, float* HWY_RESTRICT out) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  if (count >= lanes) {
    Index i = 0;
    for (; i + lanes <= count; i += lanes) hn::StoreU(hn::LoadU(d, in + i), d, out + i);
    if (i < count) hn::StoreU(hn::LoadU(d, in + count - lanes), d, out + count - lanes);
  } else if constexpr (hn::MaxLanes(D()) > 1) {
    CopyExactly(hn::CappedTag<float, hn::MaxLanes(D()) / 2>(), in, count, out);
  }
}

// out[i] = in[i * step] for i < count; reads nothing beyond in[(count - 1) * step].
inline void CopyStrided(const float* HWY_RESTRICT in, Index step, Index count, float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  if (step == 1) return CopyExactly(d, in, count, out);
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
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

// One channel of one image into all its phases.
inline void PackChannel(const std::vector<PlaneRows>& all, const float* HWY_RESTRICT source, float* HWY_RESTRICT out) {
  for (const PlaneRows& rows : all) {
    const auto for_each_row = [&rows, source, out](const auto& copy) {
      const float* from = source + rows.source;
      float* to = out + rows.place;
      const Index from_pitch = rows.source_pitch, to_pitch = rows.place_pitch;
      for (Index row = rows.rows; row > 0; --row, from += from_pitch, to += to_pitch) copy(from, to);
    };
    const Index count = rows.count, step = rows.step, odd = rows.odd_place - rows.place;
    if (rows.pairs)
      for_each_row([=](const float* from, float* to) { CopyPairs(from, count, to, to + odd); });
    else if (step == 1)
      for_each_row([=](const float* from, float* to) { CopyExactly(hn::ScalableTag<float>(), from, count, to); });
    else
      for_each_row([=](const float* from, float* to) { CopyStrided(from, step, count, to); });
  }
}

// Images 0 to `images` of `source`, dense [image][channel][d][h][w].
inline void PackPlanes(const PlaneStack& stack, const float* source, Index images, int threads) {
  const Planes& planes = *stack.planes;
  const Index channel_size = planes.source_count();
  parallel_tiles(threads, stack.channels, [&](Index channel) {
    for (Index n = 0; n < images; ++n)
      PackChannel(stack.rows, source + (n * stack.channels + channel) * channel_size,
                  stack.memory.get() + channel * stack.channel_pitch + n * planes.image_pitch());
  });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PACK_PLANES_INL_H
