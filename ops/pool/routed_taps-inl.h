// Argmax as lanes of 32 bits.

#if defined(GRADPROOF_ROUTED_TAPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ROUTED_TAPS_INL_H
#undef GRADPROOF_ROUTED_TAPS_INL_H
#else
#define GRADPROOF_ROUTED_TAPS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "ops/pool/padded_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE hn::Vec<DI> LoadTaps(const std::int32_t* from, size_t count) { return LoadFirst(DI(), from, count); }
HWY_INLINE hn::Vec<DI> LoadTaps(const std::uint8_t* from, size_t count) {
  return hn::PromoteTo(DI(), LoadFirst(hn::Rebind<std::uint8_t, DI>(), from, count));
}
HWY_INLINE hn::Vec<DI> LoadTaps(const std::int32_t* from) { return hn::LoadU(DI(), from); }
HWY_INLINE hn::Vec<DI> LoadTaps(const std::uint8_t* from) {
  return hn::PromoteTo(DI(), hn::LoadU(hn::Rebind<std::uint8_t, DI>(), from));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROUTED_TAPS_INL_H
