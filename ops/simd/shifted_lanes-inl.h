// Elements a few lanes away, across the vectors of a row that is read from left to right.

#if defined(GRADPROOF_SHIFTED_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_SHIFTED_LANES_INL_H
#undef GRADPROOF_SHIFTED_LANES_INL_H
#else
#define GRADPROOF_SHIFTED_LANES_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "ops/core/shape.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET <= HWY_AVX3
// Lanes kFirst, kFirst + 1, ... of two vectors in a row, as many as one has: VALIGND, which Highway has for blocks
// only; without a mask GCC 12 warns (PR 105593).
template <int kFirst, class V>
HWY_INLINE V AcrossVectors(V low, V high) {
  const hn::DFromV<V> d;
  static_assert(sizeof(hn::TFromD<decltype(d)>) == 4);
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Vec<decltype(di)> shifted{
      _mm512_maskz_alignr_epi32(0xFFFF, hn::BitCast(di, high).raw, hn::BitCast(di, low).raw, kFirst)};
  return hn::BitCast(d, shifted);
}
#endif

// Brings element i + kShift, at most a vector away, to lane i: each vector is rotated once, and what was rotated out at
// one end comes from the vector before or behind. Loading it at an offset instead would touch two cache lines (Zen 5, 3
// x 3 sums of 64-byte vectors in the L1 cache: 2.6 ns that way, 1.1 this).
template <class D, Index kShift>
class ShiftedLanes {
 public:
  using V = hn::Vec<D>;

  HWY_INLINE ShiftedLanes() : lanes_(Rotation()), first_lanes_(FirstLanes()) {}

  HWY_INLINE V Rotated(V v) const {
    if constexpr (kShift == 0) return v;
    return hn::TableLookupLanes(v, lanes_);
  }

  // Of three neighbours, each Rotated.
  HWY_INLINE V Joined(V before, V v, V behind) const {
    if constexpr (kShift == 0) return v;
    return kShift < 0 ? hn::IfThenElse(first_lanes_, before, v) : hn::IfThenElse(first_lanes_, v, behind);
  }

 private:
  static HWY_INLINE auto Rotation() {
    const hn::RebindToUnsigned<D> du;
    const auto lanes = static_cast<Index>(hn::Lanes(du));
    const auto shift = static_cast<std::uint32_t>((kShift + 2 * lanes) % lanes);
    const auto last = hn::Set(du, static_cast<std::uint32_t>(lanes - 1));
    return hn::IndicesFromVec(D(), hn::And(hn::Add(hn::Iota(du, 0), hn::Set(du, shift)), last));
  }

  // Those that come from the vector before, or not from the one behind.
  static HWY_INLINE hn::Mask<D> FirstLanes() {
    const D d;
    return hn::FirstN(d, kShift < 0 ? -kShift : hn::Lanes(d) - kShift);
  }

  decltype(Rotation()) lanes_;
  hn::Mask<D> first_lanes_;
};

// The element beside each of a row that comes a vector at a time: the one before it, kShift -1, from left to right, and
// the one behind it, kShift 1, from right to left.
template <class D, Index kShift>
class OneBeside {
 public:
  static_assert(kShift == -1 || kShift == 1);

  // What lies beyond the first vector's end.
  explicit HWY_INLINE OneBeside(hn::TFromD<D> beyond) { Begin(beyond); }
  HWY_INLINE void Begin(hn::TFromD<D> beyond) { beside_ = hn::Set(D(), beyond); }

  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> v) {
#if HWY_TARGET <= HWY_AVX3
    const hn::Vec<D> shifted =
        kShift < 0 ? AcrossVectors<hn::MaxLanes(D()) - 1>(beside_, v) : AcrossVectors<1>(v, beside_);
    beside_ = v;
    return shifted;
#else
    const auto rotated = lanes_.Rotated(v);
    const auto shifted = lanes_.Joined(beside_, rotated, beside_);
    beside_ = rotated;
    return shifted;
#endif
  }

 private:
#if HWY_TARGET > HWY_AVX3
  const ShiftedLanes<D, kShift> lanes_;
#endif
  hn::Vec<D> beside_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_SHIFTED_LANES_INL_H
