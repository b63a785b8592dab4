// What normalizations do to each element once the statistics are known.

#if defined(GRADPROOF_NORM_MAPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_NORM_MAPS_INL_H
#undef GRADPROOF_NORM_MAPS_INL_H
#else
#define GRADPROOF_NORM_MAPS_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// (x - mean) * scale + offset.
struct Normalize {
  float mean, scale, offset;
  template <class V>
  HWY_ATTR V operator()(V x) const {
    const hn::DFromV<V> d;
    return hn::MulAdd(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, scale), hn::Set(d, offset));
  }
};

// diff * scale + (offset - (x - mean) * slope).
struct NormalizeGradient {
  float mean, scale, slope, offset;
  template <class V>
  HWY_ATTR V operator()(V x, V diff) const {
    const hn::DFromV<V> d;
    const V rest = hn::NegMulAdd(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, slope), hn::Set(d, offset));
    return hn::MulAdd(diff, hn::Set(d, scale), rest);
  }
};

struct Scale {
  float scale;
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::Mul(x, hn::Set(hn::DFromV<V>(), scale));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_NORM_MAPS_INL_H
