// Vectors of elements 2 apart, or 1.
//
// At stride 2 they come in an order that two vectors blend into without crossing 128-bit blocks: lanes 0, 2, ... hold
// the first half of the elements, lanes 1, 3, ... the second. Results are put in order when they are stored.

#if defined(GRADPROOF_EVERY_SECOND_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_EVERY_SECOND_INL_H
#undef GRADPROOF_EVERY_SECOND_INL_H
#else
#define GRADPROOF_EVERY_SECOND_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "ops/core/shape.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The element that a lane holds at stride 2.
template <class D>
HWY_INLINE Index ElementOfLane(D d, Index lane) {
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  return lanes > 1 ? lane % 2 * (lanes / 2) + lane / 2 : lane;
}

template <class D>
HWY_INLINE hn::Mask<D> IsOddLane(D du) {
  return hn::Ne(hn::And(hn::Iota(du, 0), hn::Set(du, 1)), hn::Zero(du));
}

// The elements that lanes 0, 1, ... hold.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> ElementsOfLanes(D d) {
  const hn::RebindToUnsigned<D> du;
  const auto half = hn::Set(du, static_cast<std::uint32_t>(hn::Lanes(d) / 2));
  return hn::Add(hn::ShiftRight<1>(hn::Iota(du, 0)), hn::IfThenElseZero(IsOddLane(du), half));
}

// The lanes that elements 0, 1, ... are in: 0, 2, ... and then 1, 3, ...
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> LanesOfElements(D d) {
  const hn::RebindToUnsigned<D> du;
  const auto twice = hn::ShiftLeft<1>(hn::Iota(du, 0));
  const auto last = hn::Set(du, static_cast<std::uint32_t>(hn::Lanes(d) - 1));
  return hn::Sub(twice, hn::IfThenElseZero(hn::Gt(twice, last), last));
}

// from[0], from[2], ...; reads no further than the last of them.
template <class D>
HWY_INLINE hn::Vec<D> LoadEverySecond(D d, const float* from) {
#if HWY_TARGET == HWY_SCALAR
  return hn::LoadU(d, from);
#else
  return hn::OddEven(hn::LoadU(d, from + hn::Lanes(d) - 1), hn::LoadU(d, from));
#endif
}

// What two neighbouring vectors hold at even places and at odd ones, each in order.
template <class V>
struct EvenOdd {
  HWY_INLINE EvenOdd(V first, V second) {
#if HWY_TARGET == HWY_SCALAR
    even = first;
    odd = second;
#else
    const hn::DFromV<V> d;
    even = hn::ConcatEven(d, second, first);
    odd = hn::ConcatOdd(d, second, first);
#endif
  }

  V even, odd;
};

// from[kTap], from[kTap + kStride], ..., one of kTaps neighbours: at stride 2 a pair of them shares its two loads.
template <Index kStride, Index kTap, Index kTaps, class D>
HWY_INLINE hn::Vec<D> LoadTap(D d, const float* from) {
  static_assert(kStride == 1 || kStride == 2);
  if constexpr (kStride == 1) return hn::LoadU(d, from + kTap);
#if HWY_TARGET != HWY_SCALAR
  constexpr bool kPaired = kTap % 2 == 1 || kTap + 1 < kTaps;
  if constexpr (kStride == 2 && kPaired) {
    const auto low = hn::LoadU(d, from + kTap / 2 * 2);
    const auto high = hn::LoadU(d, from + kTap / 2 * 2 + hn::Lanes(d));
    return kTap % 2 == 0 ? hn::OddEven(hn::DupEven(high), low) : hn::OddEven(high, hn::DupOdd(low));
  }
#endif
  return LoadEverySecond(d, from + kTap);
}

// a[0], b[0], a[1], b[1], ...: the first vector of them and the second. Where blocks are all of a vector's halves no
// lane has to cross more than one of them.
template <class V>
struct Interleaved {
  HWY_INLINE Interleaved(V a, V b) {
    [[maybe_unused]] const hn::DFromV<V> d;
#if HWY_TARGET == HWY_SCALAR
    first = a;
    second = b;
#elif HWY_TARGET == HWY_AVX2
    const V low = hn::InterleaveLower(d, a, b), high = hn::InterleaveUpper(d, a, b);
    first = hn::ConcatLowerLower(d, high, low);
    second = hn::ConcatUpperUpper(d, high, low);
#elif HWY_TARGET <= HWY_AVX3  // VPERMT2PS, which Highway has for even and odd lanes only
    static_assert(sizeof(V) == 64 && sizeof(hn::TFromV<V>) == 4);
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto by_turns = hn::Add(ElementsOfLanes(d), hn::IfThenElseZero(IsOddLane(du), hn::Set(du, 8)));
    first = V{_mm512_permutex2var_ps(a.raw, by_turns.raw, b.raw)};
    second = V{_mm512_permutex2var_ps(a.raw, hn::Add(by_turns, hn::Set(du, 8)).raw, b.raw)};
#else
    const auto by_turns = hn::IndicesFromVec(d, ElementsOfLanes(d));
    first = hn::TableLookupLanes(hn::ConcatLowerLower(d, b, a), by_turns);
    second = hn::TableLookupLanes(hn::ConcatUpperUpper(d, b, a), by_turns);
#endif
  }

  V first, second;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_EVERY_SECOND_INL_H
