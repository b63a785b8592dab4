// Rows of what windows picked: for each, the input that its tap falls on.

#if defined(GRADPROOF_PICKED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PICKED_ROWS_INL_H
#undef GRADPROOF_PICKED_ROWS_INL_H
#else
#define GRADPROOF_PICKED_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/tap_numbers-inl.h"
#include "ops/simd/every_second-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Windows of kTaps x kTaps neighbours, kStride 1 or 2 apart: every tap of a vector of windows is loaded, and that kept
// which was asked for. Reads what the windows read.
template <Index kStride, Index kTaps>
struct PickedNeighbours {
  // How many of `count` windows were picked: all, or none where they fill no vector.
  template <typename T>
  static HWY_NOINLINE Index Run(const float* HWY_RESTRICT from, Index pitch, const T* HWY_RESTRICT taps, Index count,
                                float* HWY_RESTRICT out) {
    if (count < Lanes()) return 0;
    const RowVectors vectors(count);
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Index i = vectors.Position(vector);
      const auto wanted = WideTaps::Load(taps + i);
      auto picked = hn::Zero(D());
#pragma GCC unroll 3
      for (Index kh = 0; kh < kTaps; ++kh) PickRow(from + kh * pitch + i * kStride, kh * kTaps, wanted, picked);
      hn::StoreU(picked, D(), out + i);
    }
    return count;
  }

 private:
  static HWY_INLINE void PickRow(const float* from, Index first, hn::Vec<DI> wanted, hn::Vec<D>& picked) {
    const D d;
    hwy::Prefetch(from + kPrefetchAhead);
    const auto pick = [&](Index tap, hn::Vec<D> x) HWY_ATTR {
      const auto is_it = hn::Eq(wanted, hn::Set(DI(), static_cast<std::int32_t>(first + tap)));
      picked = hn::IfThenElse(hn::RebindMask(d, is_it), x, picked);
    };
    if constexpr (kStride == 1) {
#pragma GCC unroll 3
      for (Index tap = 0; tap < kTaps; ++tap) pick(tap, hn::LoadU(d, from + tap));
    } else {
      const EvenOdd<hn::Vec<D>> pair(hn::LoadU(d, from), hn::LoadU(d, from + Lanes()));
      pick(0, pair.even);
      pick(1, pair.odd);
      if constexpr (kTaps == 3)
        pick(2, EvenOdd<hn::Vec<D>>(hn::LoadU(d, from + 1), hn::LoadU(d, from + 1 + Lanes())).odd);
    }
  }
};

// Of other windows one load after the other: what is loaded lies anywhere, and a gather is no faster (Zen 3: 8 loads
// and then some).
class PickedRows {
 public:
  explicit PickedRows(const PoolGeometry& g) : d_(g.d), h_(g.h), w_(g.w) {
    for (Index kd = 0; kd < d_.kernel; ++kd)
      for (Index kh = 0; kh < h_.kernel; ++kh)
        for (Index kw = 0; kw < w_.kernel; ++kw) {
          const Tap tap{kd * d_.dilation, kh * h_.dilation, kw * w_.dilation};
          taps_.push_back(tap);
          offsets_.push_back((tap.d * h_.in + tap.h) * w_.in + tap.w);
        }
    neighbours_ = d_.kernel == 1 && (g.has_neighbours(1) || g.has_neighbours(2));
    inside_ = {0, w_.out};
    while (inside_.first < w_.out && !IsInside(w_, inside_.first)) ++inside_.first;
    while (inside_.end > inside_.first && !IsInside(w_, inside_.end - 1)) --inside_.end;
  }

  // Calls visit(ow, x) for a row of windows, where x is the element of `plane` that tap number taps[ow] of window
  // (od, oh, ow) falls on, or 0 where that is padding, or where there is no tap of that number.
  template <typename T, class Visit>
  HWY_INLINE void ForEach(const float* HWY_RESTRICT plane, Index od, Index oh, const T* HWY_RESTRICT taps,
                          const Visit& visit) const {
    ForRange(plane, od, oh, taps, {0, w_.out}, visit);
  }

  // The same, to out[ow]: in vectors where taps are neighbours.
  template <typename T>
  HWY_INLINE void Pick(const float* HWY_RESTRICT plane, Index od, Index oh, const T* HWY_RESTRICT taps,
                       float* HWY_RESTRICT out) const {
    const auto one = [=](Index ow, float x) { out[ow] = x; };
    const Range inside = Inside(od, oh);
    const float* from = plane + Origin(od, oh) + inside.first * w_.stride;
    const Index count = inside.end - inside.first;
    const Index done = neighbours_ ? PickNeighbours(from, taps + inside.first, count, out + inside.first) : 0;
    ForRange(plane, od, oh, taps, {0, inside.first}, one);
    ForRange(plane, od, oh, taps, {inside.first + done, w_.out}, one);
  }

 private:
  struct Tap {
    Index d, h, w;  // from the first one
  };

  // Whether all taps of a window are on the input, as far as the axis is concerned.
  static bool IsInside(const PoolAxis& axis, Index o) {
    return axis.holds(axis.input_of(o, 0)) && axis.holds(axis.input_of(o, axis.kernel - 1));
  }

  // The windows of a row with all their taps on the input.
  Range Inside(Index od, Index oh) const {
    return IsInside(d_, od) && IsInside(h_, oh) ? inside_ : Range{w_.out, w_.out};
  }

  // Where in a plane the first tap of a row's first window is; perhaps outside.
  Index Origin(Index od, Index oh) const {
    return (d_.input_of(od, 0) * h_.in + h_.input_of(oh, 0)) * w_.in + w_.input_of(0, 0);
  }

  template <typename T, class Visit>
  HWY_INLINE void ForRange(const float* HWY_RESTRICT plane, Index od, Index oh, const T* HWY_RESTRICT taps, Range range,
                           const Visit& visit) const {
    const Range inside = Inside(od, oh);
    const Index first = std::clamp(inside.first, range.first, range.end);
    const Index end = std::clamp(inside.end, first, range.end);
    const Index origin = Origin(od, oh);
    for (Index ow = range.first; ow < first; ++ow) visit(ow, Careful(plane, od, oh, ow, taps[ow]));
    for (Index ow = first; ow < end; ++ow)
      visit(ow, IsTap(taps[ow]) ? plane[origin + ow * w_.stride + offsets_[At(taps[ow])]] : 0.0F);
    for (Index ow = end; ow < range.end; ++ow) visit(ow, Careful(plane, od, oh, ow, taps[ow]));
  }

  // How many of `count` windows were picked; the first tap of the first one reads `from`.
  template <typename T>
  HWY_INLINE Index PickNeighbours(const float* from, const T* taps, Index count, float* out) const {
    if (w_.stride == 1)
      return w_.kernel == 2 ? PickedNeighbours<1, 2>::Run(from, w_.in, taps, count, out)
                            : PickedNeighbours<1, 3>::Run(from, w_.in, taps, count, out);
    return w_.kernel == 2 ? PickedNeighbours<2, 2>::Run(from, w_.in, taps, count, out)
                          : PickedNeighbours<2, 3>::Run(from, w_.in, taps, count, out);
  }

  bool IsTap(Index tap) const { return tap >= 0 && tap < static_cast<Index>(taps_.size()); }

  float Careful(const float* plane, Index od, Index oh, Index ow, Index number) const {
    if (!IsTap(number)) return 0;
    const Tap& tap = taps_[At(number)];
    const Index id = d_.input_of(od, 0) + tap.d;
    const Index ih = h_.input_of(oh, 0) + tap.h;
    const Index iw = w_.input_of(ow, 0) + tap.w;
    return d_.holds(id) && h_.holds(ih) && w_.holds(iw) ? plane[(id * h_.in + ih) * w_.in + iw] : 0.0F;
  }

  const PoolAxis d_, h_, w_;
  std::vector<Tap> taps_;
  std::vector<Index> offsets_;  // of the taps, in a plane
  Range inside_{};              // windows of a row with all their taps on it
  bool neighbours_ = false;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PICKED_ROWS_INL_H
