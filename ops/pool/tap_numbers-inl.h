// Numbers of taps, one a lane beside the value that it gave.

#if defined(GRADPROOF_TAP_NUMBERS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_TAP_NUMBERS_INL_H
#undef GRADPROOF_TAP_NUMBERS_INL_H
#else
#define GRADPROOF_TAP_NUMBERS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "ops/pool/padded_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// As wide as the values. OfTaps and OfValues turn the masks of either into those of the other.
struct WideTaps {
  using Number = std::int32_t;
  using Lanes = DI;

  static HWY_INLINE hn::Mask<Lanes> OfTaps(hn::Mask<D> mask) { return hn::RebindMask(Lanes(), mask); }
  static HWY_INLINE hn::Mask<D> OfValues(hn::Mask<Lanes> mask) { return hn::RebindMask(D(), mask); }

  static HWY_INLINE hn::Vec<Lanes> Load(const std::int32_t* from) { return hn::LoadU(Lanes(), from); }
  static HWY_INLINE hn::Vec<Lanes> Load(const std::int32_t* from, size_t count) {
    return LoadFirst(Lanes(), from, count);
  }
  static HWY_INLINE hn::Vec<Lanes> Load(const std::uint8_t* from) {
    return hn::PromoteTo(Lanes(), hn::LoadU(hn::Rebind<std::uint8_t, DI>(), from));
  }
  static HWY_INLINE hn::Vec<Lanes> Load(const std::uint8_t* from, size_t count) {
    return hn::PromoteTo(Lanes(), LoadFirst(hn::Rebind<std::uint8_t, DI>(), from, count));
  }
};

// In bytes, where masks are the same for lanes of any width: a quarter of a vector, and nothing to widen or narrow
// (docs/decisions/0028-max-pool-in-the-l2-cache.md).
#if HWY_TARGET <= HWY_AVX3
struct ByteTaps {
  using Number = std::uint8_t;
  using Lanes = hn::Rebind<Number, DI>;

  static HWY_INLINE hn::Mask<Lanes> OfTaps(hn::Mask<D> mask) { return {mask.raw}; }
  static HWY_INLINE hn::Mask<D> OfValues(hn::Mask<Lanes> mask) { return {mask.raw}; }

  static HWY_INLINE hn::Vec<Lanes> Load(const std::uint8_t* from) { return hn::LoadU(Lanes(), from); }
  static HWY_INLINE hn::Vec<Lanes> Load(const std::uint8_t* from, size_t count) {
    return LoadFirst(Lanes(), from, count);
  }
};
#else
using ByteTaps = WideTaps;
#endif

// Taps in bytes.
#if HWY_TARGET <= HWY_AVX3
HWY_INLINE hn::Vec<ByteTaps::Lanes> TapBytes(hn::Vec<ByteTaps::Lanes> taps) { return taps; }
#endif
HWY_INLINE hn::Vec<hn::Rebind<std::uint8_t, DI>> TapBytes(hn::Vec<DI> taps) {
#if HWY_TARGET <= HWY_AVX3  // VPMOVDB, in place of two shuffles and what they go by; without a mask GCC 12 warns
  hn::Vec<hn::Rebind<std::uint8_t, DI>> bytes{_mm512_maskz_cvtepi32_epi8(0xFFFF, taps.raw)};
  KeepLoaded(bytes);  // to memory, and with a mask, it is slow (Zen 4, rows of 28 windows: 1.3 of the time)
  return bytes;
#else
  return hn::U8FromU32(hn::BitCast(hn::RebindToUnsigned<DI>(), taps));
#endif
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_TAP_NUMBERS_INL_H
