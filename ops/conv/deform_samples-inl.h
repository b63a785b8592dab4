// Bilinear samples: where they lie, and what is done at their four corners.
//
// All work on NHWC images of whole vectors per pixel, with one pixel of zeros behind the last, to which corners outside
// the image lead.

#if defined(GRADPROOF_DEFORM_SAMPLES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DEFORM_SAMPLES_INL_H
#undef GRADPROOF_DEFORM_SAMPLES_INL_H
#else
#define GRADPROOF_DEFORM_SAMPLES_INL_H
#endif

#include <hwy/highway.h>

#include <limits>

#include "ops/conv/deform_plan.h"
#include "ops/core/memory.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The samples of one tap at a run of pixels. Corners are (low y, low x), (low, high), (high, low), (high, high); rows
// of the tables are `width` apart.
struct TapSamples {
  Index width;
  std::int32_t* at;  // [4]: the corner's element of an image
  float* weight;     // [4]: of the corner, times the mask; 0 where `at` is the zero pixel
  float* ends;       // [4], or null: weights of low y, high y, low x, high x; 0 outside
};

// Memory for the samples of `taps` taps at up to `width` pixels.
class SampleTile {
 public:
  SampleTile(Index taps, Index width, bool with_ends)
      : width_(width),
        at_(static_cast<std::int32_t*>(allocate_aligned(taps * 4 * width * 4))),
        weight_(zeroed_floats(taps * 4 * width)),
        ends_(zeroed_floats(with_ends ? taps * 4 * width : 0)),
        with_ends_(with_ends) {}

  TapSamples tap(Index number) const {
    const Index first = number * 4 * width_;
    return {width_, at_.get() + first, weight_.get() + first, with_ends_ ? ends_.get() + first : nullptr};
  }

 private:
  Index width_;
  AlignedMemory<std::int32_t> at_;
  AlignedMemory<float> weight_, ends_;
  bool with_ends_;
};

// One axis of a vector of samples.
template <class D>
struct AxisPlaces {
  hn::Vec<D> cell;       // the whole number at or below the position
  hn::Vec<D> low, high;  // weights of cell and cell + 1
  hn::Mask<D> inside;    // -1 < position < size
  hn::Mask<D> has_low, has_high;
};

// floor(offset), and what is left of it, are exact, and so is the cell as long as it matters: comparisons with -1 and
// the size never err. Only the weights round, once each.
template <class D>
HWY_INLINE AxisPlaces<D> PlacesOnAxis(D d, hn::Vec<D> origin, hn::Vec<D> offset, Index size) {
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0F), last = hn::Set(d, static_cast<float>(size - 1));
  const auto floor = hn::Floor(offset);
  AxisPlaces<D> places;
  places.cell = hn::Add(origin, floor);
  places.high = hn::Sub(offset, floor);
  places.low = hn::Sub(hn::Add(floor, one), offset);
  places.has_low = hn::And(hn::Ge(places.cell, zero), hn::Le(places.cell, last));
  places.has_high = hn::And(hn::Ge(places.cell, hn::Neg(one)), hn::Lt(places.cell, last));
  // At -1 itself there is nothing to have.
  places.has_high = hn::And(places.has_high, hn::Or(places.has_low, hn::Gt(places.high, zero)));
  places.inside = hn::Or(places.has_low, places.has_high);
  return places;
}

// What LocateTap reads: a tap of an offset group, at the first pixel of a tile.
struct TapFields {
  const float* offset_y;
  const float* offset_x;
  const float* mask;  // or null
};

// Places `count` samples from `first_pixel` on in an image with `pitch` elements a pixel.
inline void LocateTap(const DeformPlan& plan, Index tap, const TapFields& fields, Index first_pixel, Index count,
                      Index pitch, const TapSamples& samples) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const Index in_h = plan.a.height().in, in_w = plan.a.width().in;
  const auto zero_pixel = hn::Set(di, static_cast<std::int32_t>(in_h * in_w * pitch));
  const auto nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
  const auto tap_y = hn::Set(d, plan.origins.tap_y[static_cast<size_t>(tap)]);
  const auto tap_x = hn::Set(d, plan.origins.tap_x[static_cast<size_t>(tap)]);
  for (Index i = 0; i < count; i += lanes) {
    const auto valid = static_cast<size_t>(std::min(lanes, count - i));
    const auto load = [&](const float* from) HWY_ATTR {
      return valid == static_cast<size_t>(lanes) ? hn::LoadU(d, from + i) : LoadFirst(d, from + i, valid);
    };
    const auto offset_y = load(fields.offset_y), offset_x = load(fields.offset_x);
    const auto origin_y = hn::Add(tap_y, hn::LoadU(d, plan.origins.y.data() + first_pixel + i));
    const auto origin_x = hn::Add(tap_x, hn::LoadU(d, plan.origins.x.data() + first_pixel + i));
    const auto y = PlacesOnAxis(d, origin_y, offset_y, in_h);
    const auto x = PlacesOnAxis(d, origin_x, offset_x, in_w);
    const auto inside = hn::And(y.inside, x.inside);
    const auto nowhere = hn::Or(hn::IsNaN(offset_y), hn::IsNaN(offset_x));
    const auto row = hn::ConvertTo(di, hn::IfThenElseZero(inside, y.cell));
    const auto column = hn::ConvertTo(di, hn::IfThenElseZero(inside, x.cell));
    const auto pixel = hn::Add(hn::Mul(row, hn::Set(di, static_cast<std::int32_t>(in_w))), column);
    const auto element = hn::Mul(pixel, hn::Set(di, static_cast<std::int32_t>(pitch)));
    const auto corner = [&](Index number, auto has_y, auto has_x, auto weight, Index step) HWY_ATTR {
      const auto there = hn::And(inside, hn::And(has_y, has_x));
      const auto at = hn::Add(element, hn::Set(di, static_cast<std::int32_t>(step * pitch)));
      hn::StoreU(hn::IfThenElse(hn::RebindMask(di, there), at, zero_pixel), di,
                 samples.at + number * samples.width + i);
      auto kept = hn::IfThenElse(nowhere, nan, hn::IfThenElseZero(there, weight));
      if (fields.mask != nullptr) kept = hn::Mul(kept, load(fields.mask));
      hn::StoreU(kept, d, samples.weight + number * samples.width + i);
    };
    corner(0, y.has_low, x.has_low, hn::Mul(y.low, x.low), 0);
    corner(1, y.has_low, x.has_high, hn::Mul(y.low, x.high), 1);
    corner(2, y.has_high, x.has_low, hn::Mul(y.high, x.low), in_w);
    corner(3, y.has_high, x.has_high, hn::Mul(y.high, x.high), in_w + 1);
    if (samples.ends == nullptr) continue;
    const auto end = [&](Index number, auto weight) HWY_ATTR {
      hn::StoreU(hn::IfThenElse(nowhere, nan, hn::IfThenElseZero(inside, weight)), d,
                 samples.ends + number * samples.width + i);
    };
    end(0, y.low);
    end(1, y.high);
    end(2, x.low);
    end(3, x.high);
  }
}

// out[p][channel] = mask * S for `count` pixels, whole vectors of `pitch` channels; pixels are `out_pitch` apart.
inline void SampleChannels(const TapSamples& samples, Index count, const float* HWY_RESTRICT image, Index pitch,
                           float* HWY_RESTRICT out, Index out_pitch) {
  const hn::ScalableTag<float> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  for (Index p = 0; p < count; ++p, out += out_pitch) {
    const float* corner[4];
    hn::Vec<decltype(d)> weight[4];
#pragma GCC unroll 4
    for (Index c = 0; c < 4; ++c) {
      corner[c] = image + samples.at[c * samples.width + p];
      weight[c] = hn::Set(d, samples.weight[c * samples.width + p]);
    }
    for (Index i = 0; i < pitch; i += lanes) {
      auto sum = hn::Mul(weight[0], hn::LoadU(d, corner[0] + i));
#pragma GCC unroll 4
      for (Index c = 1; c < 4; ++c) sum = hn::MulAdd(weight[c], hn::LoadU(d, corner[c] + i), sum);
      hn::StoreU(sum, d, out + i);
    }
  }
}

// Adds gradient[channel] * weight to the four corners of sample p. They are four different pixels, but for those
// outside, which share the zero pixel: what that holds is never read.
inline void ScatterChannels(const TapSamples& samples, Index p, const float* HWY_RESTRICT gradient, Index pitch,
                            float* HWY_RESTRICT image) {
  const hn::ScalableTag<float> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
#pragma GCC unroll 4
  for (Index c = 0; c < 4; ++c) {
    float* corner = image + samples.at[c * samples.width + p];
    const auto weight = hn::Set(d, samples.weight[c * samples.width + p]);
    for (Index i = 0; i < pitch; i += lanes)
      hn::StoreU(hn::MulAdd(weight, hn::LoadU(d, gradient + i), hn::LoadU(d, corner + i)), d, corner + i);
  }
}

// Adds <gradient, corner> over the channels to dots[corner][p] for each corner of sample p.
inline void DotCorners(const TapSamples& samples, Index p, const float* HWY_RESTRICT gradient, Index pitch,
                       const float* HWY_RESTRICT image, float* HWY_RESTRICT dots) {
  const hn::ScalableTag<float> d;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  const float* corner[4];
  hn::Vec<decltype(d)> sum[4];
#pragma GCC unroll 4
  for (Index c = 0; c < 4; ++c) {
    corner[c] = image + samples.at[c * samples.width + p];
    sum[c] = hn::Zero(d);
  }
  for (Index i = 0; i < pitch; i += lanes) {
    const auto g = hn::LoadU(d, gradient + i);
#pragma GCC unroll 4
    for (Index c = 0; c < 4; ++c) sum[c] = hn::MulAdd(g, hn::LoadU(d, corner[c] + i), sum[c]);
  }
#pragma GCC unroll 4
  for (Index c = 0; c < 4; ++c) dots[c * samples.width + p] += hn::GetLane(hn::SumOfLanes(d, sum[c]));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DEFORM_SAMPLES_INL_H
