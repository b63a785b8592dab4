// Rows of what windows picked: for each, the input that its tap falls on.

#if defined(GRADPROOF_PICKED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PICKED_ROWS_INL_H
#undef GRADPROOF_PICKED_ROWS_INL_H
#else
#define GRADPROOF_PICKED_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// One load after the other: what is loaded lies anywhere, and a gather is no faster (Zen 3: 8 loads and then some).
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
    inside_ = {0, w_.out};
    while (inside_.first < w_.out && !IsInside(w_, inside_.first)) ++inside_.first;
    while (inside_.end > inside_.first && !IsInside(w_, inside_.end - 1)) --inside_.end;
  }

  // Calls visit(ow, x) for a row of windows, where x is the element of `plane` that tap number taps[ow] of window
  // (od, oh, ow) falls on, or 0 where that is padding, or where there is no tap of that number.
  template <typename T, class Visit>
  HWY_INLINE void ForEach(const float* HWY_RESTRICT plane, Index od, Index oh, const T* HWY_RESTRICT taps,
                          const Visit& visit) const {
    const bool whole = IsInside(d_, od) && IsInside(h_, oh);
    const Index first = whole ? inside_.first : w_.out;
    const Index end = whole ? inside_.end : w_.out;
    const Index origin = (d_.input_of(od, 0) * h_.in + h_.input_of(oh, 0)) * w_.in + w_.input_of(0, 0);
    for (Index ow = 0; ow < first; ++ow) visit(ow, Careful(plane, od, oh, ow, taps[ow]));
    for (Index ow = first; ow < end; ++ow)
      visit(ow, IsTap(taps[ow]) ? plane[origin + ow * w_.stride + offsets_[At(taps[ow])]] : 0.0F);
    for (Index ow = end; ow < w_.out; ++ow) visit(ow, Careful(plane, od, oh, ow, taps[ow]));
  }

 private:
  struct Tap {
    Index d, h, w;  // from the first one
  };

  // Whether all taps of a window are on the input, as far as the axis is concerned.
  static bool IsInside(const PoolAxis& axis, Index o) {
    return axis.holds(axis.input_of(o, 0)) && axis.holds(axis.input_of(o, axis.kernel - 1));
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
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PICKED_ROWS_INL_H
