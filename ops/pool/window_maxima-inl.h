// Maxima, or minima, over the taps of any windows, and where they were: first along rows, then of those along columns.

#if defined(GRADPROOF_WINDOW_MAXIMA_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_MAXIMA_INL_H
#undef GRADPROOF_WINDOW_MAXIMA_INL_H
#else
#define GRADPROOF_WINDOW_MAXIMA_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"
#include "ops/simd/every_second-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What windows look for. A better value is taken, and the first NaN: the first of equals and of NaNs stays.
struct Largest {
  static constexpr float kWorst = -std::numeric_limits<float>::infinity();
  static HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
    return hn::AndNot(hn::Le(next, best), hn::Eq(best, best));
  }
};

struct Smallest {
  static constexpr float kWorst = std::numeric_limits<float>::infinity();
  static HWY_INLINE hn::Mask<D> Takes(hn::Vec<D> next, hn::Vec<D> best) {
    return hn::AndNot(hn::Ge(next, best), hn::Eq(best, best));
  }
};

// The element that a lane holds: at stride 2 not the lane's own number. Maxima do not mind.
HWY_INLINE Index ElementOfLane(Index stride, Index lane) { return stride == 2 ? ElementOfLane(D(), lane) : lane; }

// The best value so far and the tap that it was found at.
template <class Order>
struct Best {
  hn::Vec<D> value;
  hn::Vec<DI> tap;

  HWY_INLINE void Meet(hn::Vec<D> next, hn::Vec<DI> next_tap) {
    const auto take = Order::Takes(next, value);
    value = hn::IfThenElse(take, next, value);
    tap = hn::IfThenElse(hn::RebindMask(DI(), take), next_tap, tap);
  }
};

// Stores results in the order of elements. Taps that fit a byte are put in order as bytes: one shuffle, where 32-bit
// lanes cross 128-bit blocks (Zen 3, 3 x 3 windows 2 apart: 9% of the time).
template <Index kStride>
class InOrder {
 public:
  HWY_INLINE InOrder()
      : lanes_(hn::IndicesFromVec(D(), LanesOfElements(D()))), bytes_(hn::U8FromU32(LanesOfElements(D()))) {}

  template <class Order>
  HWY_INLINE void Store(const Best<Order>& best, float* dst, std::int32_t* argmax) const {
    StoreValue(best.value, dst);
    const auto taps = hn::BitCast(DI(), hn::TableLookupLanes(hn::BitCast(D(), best.tap), lanes_));
    hn::StoreU(kStride == 2 ? taps : best.tap, DI(), argmax);
  }

  template <class Order>
  HWY_INLINE void Store(const Best<Order>& best, float* dst, std::uint8_t* argmax) const {
    StoreValue(best.value, dst);
    const auto taps = hn::U8FromU32(hn::BitCast(DU(), best.tap));
    hn::StoreU(kStride == 2 ? hn::TableLookupBytes(taps, bytes_) : taps, Bytes(), argmax);
  }

 private:
  using DU = hn::RebindToUnsigned<D>;
  using Bytes = hn::Rebind<std::uint8_t, D>;

  HWY_INLINE void StoreValue(hn::Vec<D> value, float* dst) const {
    hn::StoreU(kStride == 2 ? hn::TableLookupLanes(value, lanes_) : value, D(), dst);
  }

  decltype(hn::IndicesFromVec(D(), hn::Vec<DU>())) lanes_;
  hn::Vec<Bytes> bytes_;
};

// from[0], from[stride], ... in the order of ElementOfLane; reads no further than the last of them. kStride 0 stands
// for any stride.
template <Index kStride>
HWY_INLINE hn::Vec<D> TakeEvery(const float* from, [[maybe_unused]] Index stride) {
  const D d;
  if constexpr (kStride == 1 || HWY_TARGET == HWY_SCALAR) {
    return hn::LoadU(d, from);
  } else if constexpr (kStride == 2) {
    return LoadEverySecond(d, from);
  } else {
    const DI di;
    return hn::GatherIndex(d, from, hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(stride))));
  }
}

// Where vectors of windows read: rows of the input, or a padded copy. Both start with the first tap of window 0.
struct InputRows {
  Rows<const float> in, padded;
  Range inside;  // the vectors whose taps are all in the row

  HWY_INLINE Rows<const float> Of(Index vector) const {
    return vector >= inside.first && vector < inside.end ? in : padded;
  }
};

// The best along `count` rows, for each vector of windows. Ties in the padding go to first_taps. kStride 0: any stride.
template <class Order, Index kStride>
HWY_NOINLINE void RowMaxima(const PoolAxis& w, const InputRows& rows, Index count,
                            const std::int32_t* HWY_RESTRICT first_taps, Rows<float> best, Rows<std::int32_t> taps) {
  const DI di;
  const RowVectors vectors(w.out);
  for (Index row = 0; row < count; ++row)
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Rows<const float> from = rows.Of(vector);
      const float* at = from.data + row * from.pitch + vectors.Position(vector) * w.stride;
      const Index to = vector * Lanes();
      hwy::Prefetch(at + kPrefetchAhead);
      Best<Order> running{TakeEvery<kStride>(at, w.stride), hn::Load(di, first_taps + to)};
      for (Index k = 1; k < w.kernel; ++k)
        running.Meet(TakeEvery<kStride>(at + k * w.dilation, w.stride), hn::Set(di, static_cast<std::int32_t>(k)));
      hn::Store(running.value, D(), best.data + row * best.pitch + to);
      hn::Store(running.tap, di, taps.data + row * taps.pitch + to);
    }
}

// A row of taps within a window: where its row maxima are, and the number of its first tap.
struct TapRow {
  Index offset;
  std::int32_t first;
};

// The best over rows of taps, in their order, for a row of `out` windows. kStride as in RowMaxima.
template <class Order, Index kStride, typename T>
HWY_NOINLINE void ColumnMaxima(const float* HWY_RESTRICT best, const std::int32_t* HWY_RESTRICT taps,
                               const std::vector<TapRow>& rows, Index out, float* HWY_RESTRICT dst,
                               T* HWY_RESTRICT argmax) {
  const DI di;
  const InOrder<kStride> in_order;
  const RowVectors vectors(out);
  for (Index vector = 0; vector < vectors.count; ++vector) {
    const Index i = vector * Lanes();
    Best<Order> running{hn::Load(D(), best + rows[0].offset + i),
                        hn::Add(hn::Load(di, taps + rows[0].offset + i), hn::Set(di, rows[0].first))};
    for (size_t k = 1; k < rows.size(); ++k)
      running.Meet(hn::Load(D(), best + rows[k].offset + i),
                   hn::Add(hn::Load(di, taps + rows[k].offset + i), hn::Set(di, rows[k].first)));
    in_order.Store(running, dst + vectors.Position(vector), argmax + vectors.Position(vector));
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_MAXIMA_INL_H
