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

// The same, then times gamma, plus beta, of each element.
struct NormalizeElements {
  Normalize normalize;
  template <class V>
  HWY_ATTR V operator()(V x, V gamma, V beta) const {
    return hn::MulAdd(normalize(x), gamma, beta);
  }
};

// The same for diff * gamma of each element.
struct NormalizeElementsGradient {
  NormalizeGradient gradient;
  template <class V>
  HWY_ATTR V operator()(V x, V diff, V gamma) const {
    return gradient(x, hn::Mul(diff, gamma));
  }
};

struct Scale {
  float scale;
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return hn::Mul(x, hn::Set(hn::DFromV<V>(), scale));
  }
};

struct ScaleElements {
  Scale scale;
  template <class V>
  HWY_ATTR V operator()(V x, V gamma) const {
    return hn::Mul(scale(x), gamma);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_NORM_MAPS_INL_H
