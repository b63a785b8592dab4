// Channels in lanes: a row of each of Lanes(d) channels, transposed so that a vector holds one element of every
// channel.

#if defined(GRADPROOF_LANE_PLANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LANE_PLANES_INL_H
#undef GRADPROOF_LANE_PLANES_INL_H
#else
#define GRADPROOF_LANE_PLANES_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/core/shape.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index kChannelLanes = hn::MaxLanes(hn::ScalableTag<float>());

// A row, or a plane, of the channel in each lane.
template <typename T>
struct ChannelRows {
  T* of[kChannelLanes];

  // Channels first, first + 1, ... of `count`, `pitch` elements apart. Lanes without a channel repeat the last one.
  ChannelRows(T* channels, Index pitch, Index first, Index count) {
    for (Index lane = 0; lane < kChannelLanes; ++lane) of[lane] = channels + std::min(first + lane, count - 1) * pitch;
  }
};

#if HWY_TARGET != HWY_SCALAR
// Elements [at, at + 4) of every fourth channel, a block of four lanes each.
template <class D>
HWY_INLINE hn::Vec<D> LoadFours(D d, const float* const* rows, Index at) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, rows[0] + at);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, LoadFours(half, rows + hn::MaxLanes(half), at), LoadFours(half, rows, at));
  }
}

template <class D>
HWY_INLINE void StoreFours(D d, hn::Vec<D> v, float* const* rows, Index at) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(v, d, rows[0] + at);
  } else {
    const hn::Half<D> half;
    StoreFours(half, hn::LowerHalf(half, v), rows, at);
    StoreFours(half, hn::UpperHalf(half, v), rows + hn::MaxLanes(half), at);
  }
}

// Within each block of four lanes, rows become columns.
template <class D>
HWY_INLINE void TransposeFours(D d, hn::Vec<D> (&v)[4]) {
  const auto a = hn::InterleaveLower(d, v[0], v[2]);
  const auto b = hn::InterleaveLower(d, v[1], v[3]);
  const auto e = hn::InterleaveUpper(d, v[0], v[2]);
  const auto f = hn::InterleaveUpper(d, v[1], v[3]);
  v[0] = hn::InterleaveLower(d, a, b);
  v[1] = hn::InterleaveUpper(d, a, b);
  v[2] = hn::InterleaveLower(d, e, f);
  v[3] = hn::InterleaveUpper(d, e, f);
}
#endif

// to[i * pitch + lane] = rows.of[lane][at + i] for i < count.
inline void RowsToLanes(const ChannelRows<const float>& rows, Index at, Index count, float* HWY_RESTRICT to,
                        Index pitch = kChannelLanes) {
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  for (Index i = 0; count >= 4 && i < count; i += 4) {
    const Index first = std::min(i, count - 4);
    hn::Vec<decltype(d)> v[4];
#pragma GCC unroll 4
    for (Index r = 0; r < 4; ++r) v[r] = LoadFours(d, rows.of + r, at + first);
    TransposeFours(d, v);
#pragma GCC unroll 4
    for (Index r = 0; r < 4; ++r) hn::StoreU(v[r], d, to + (first + r) * pitch);
  }
  if (count >= 4) return;
#endif
  for (Index i = 0; i < count; ++i)
    for (Index lane = 0; lane < kChannelLanes; ++lane) to[i * pitch + lane] = rows.of[lane][at + i];
}

// The inverse.
inline void LanesToRows(const float* HWY_RESTRICT from, Index count, const ChannelRows<float>& rows,
                        Index pitch = kChannelLanes) {
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  for (Index i = 0; count >= 4 && i < count; i += 4) {
    const Index first = std::min(i, count - 4);
    hn::Vec<decltype(d)> v[4];
#pragma GCC unroll 4
    for (Index r = 0; r < 4; ++r) v[r] = hn::LoadU(d, from + (first + r) * pitch);
    TransposeFours(d, v);
#pragma GCC unroll 4
    for (Index r = 0; r < 4; ++r) StoreFours(d, v[r], rows.of + r, first);
  }
  if (count >= 4) return;
#endif
  for (Index i = 0; i < count; ++i)
    for (Index lane = 0; lane < kChannelLanes; ++lane) rows.of[lane][i] = from[i * pitch + lane];
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LANE_PLANES_INL_H
