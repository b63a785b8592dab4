// Deformable convolution (Dai et al. 2017, arXiv:1703.06211; modulated: Zhu et al. 2019, arXiv:1811.11168) and its
// gradients, whatever the offsets and the mask come from: tensors in deform_conv, a convolution in deform_layer.
//
// n batch, o = (oh, ow) outputs, i = (ih, iw) inputs, k = (kh, kw) taps; channels c of convolution group g and of
// offset group q. Tap k of output o samples at o * stride - pad + k * dilation + offset, by bilinear interpolation:
//   S(y, x) = sum over the corners (iy, ix) of the cell of (y, x) of weight(y, iy) * weight(x, ix) * src[n,c,iy,ix]
// with the cell [low, low + 1) of y, weight(y, low) = low + 1 - y and weight(y, low + 1) = y - low. Corners outside the
// image count as zero, and so do samples with y <= -1 or y >= size. A sample at NaN is NaN, and no corner's.
#pragma once

#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {

// Field is what offset(n, channel, 0, oh, ow) and mask(n, channel, 0, oh, ow) are read from; exists() says whether
// there is a mask.
template <class T, template <class> class Field>
class Deformed {
 public:
  // dst[n,oc,o] = bias[oc] + sum over c, k of weights[oc,c,k] * mask[n,q,k,o] * S(o * stride - pad + k * dilation +
  // offset[n,q,k,o])
  T dst(const Point& p) const {
    const auto [n, oc, d, oh, ow] = p;
    T sum = bias.exists() ? bias(oc) : T(0.0);
    for (Index ic = 0; ic < ic_per_group; ++ic)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const Tap tap{n, first_ic(oc) + ic, kh, kw, oh, ow};
          sum += weights(oc, ic, 0, kh, kw) * modulation(tap) * sample(tap);
        }
    return sum;
  }

  // diff_src[n,c,i] = sum over o, k of diff_column * mask[n,q,k,o] * weight(y, ih) * weight(x, iw)
  T diff_src(const Point& p) const {
    const auto [n, c, d, ih, iw] = p;
    T sum(0.0);
    for (Index oh = 0; oh < h.out; ++oh)
      for (Index ow = 0; ow < w.out; ++ow)
        for (Index kh = 0; kh < h.kernel; ++kh)
          for (Index kw = 0; kw < w.kernel; ++kw) sum += share_of(ih, iw, {n, c, kh, kw, oh, ow});
    return sum;
  }

  // diff_offset[n,q,k,y or x,o] = sum over the c of q of diff_column * mask[n,q,k,o] * dS/dy or dS/dx
  T diff_offset(const Point& p) const {
    const auto [n, channel, d, oh, ow] = p;
    const Index k = channel / 2 % taps();
    T sum(0.0);
    for (Index c = first_channel(channel / 2); c < first_channel(channel / 2) + c_per_offset_group; ++c) {
      const Tap tap{n, c, k / w.kernel, k % w.kernel, oh, ow};
      sum += diff_column(tap) * modulation(tap) * (channel % 2 == 0 ? slope_y(tap) : slope_x(tap));
    }
    return sum;
  }

  // diff_mask[n,q,k,o] = sum over the c of q of diff_column * S
  T diff_mask(const Point& p) const {
    const auto [n, channel, d, oh, ow] = p;
    const Index k = channel % taps();
    T sum(0.0);
    for (Index c = first_channel(channel); c < first_channel(channel) + c_per_offset_group; ++c) {
      const Tap tap{n, c, k / w.kernel, k % w.kernel, oh, ow};
      sum += diff_column(tap) * sample(tap);
    }
    return sum;
  }

  // diff_weights[oc,c,k] = sum over n, o of diff_dst[n,oc,o] * mask[n,q,k,o] * S
  T diff_weights(const Point& p) const {
    const auto [oc, ic, d, kh, kw] = p;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) {
          const Tap tap{n, first_ic(oc) + ic, kh, kw, oh, ow};
          sum += diff_dst(n, oc, 0, oh, ow) * modulation(tap) * sample(tap);
        }
    return sum;
  }

  // diff_bias[oc] = sum over n, o of diff_dst[n,oc,o]
  T diff_bias(const Point& p) const {
    const Index oc = p[0];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) sum += diff_dst(n, oc, 0, oh, ow);
    return sum;
  }

  Deformed(const Attributes& attributes, const Arrays<T>& inputs, Field<T> offsets, Field<T> masks)
      : mb(attributes.integer("mb")),
        ic_per_group(attributes.integer("ic") / attributes.integer("g")),
        oc_per_group(attributes.integer("oc") / attributes.integer("g")),
        c_per_offset_group(attributes.integer("ic") / attributes.integer("og")),
        h(window_of(attributes).axes[1]),
        w(window_of(attributes).axes[2]),
        src(inputs, "src"),
        weights(inputs, "weights"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst"),
        offset(std::move(offsets)),
        mask(std::move(masks)) {}

 private:
  // Tap k of output o of image n, sampled in channel c.
  struct Tap {
    Index n, c, kh, kw, oh, ow;
  };

  // Where a sample lies on an axis: in [low, low + 1).
  struct Cell {
    T decision;
    Index low;
  };
  // The same, and what the ends weigh.
  struct Place : Cell {
    T weight[2];
  };

  // Which cells are told apart: first, ..., last.
  static Cell cell_of(const Sliding& axis, Index o, Index k, const T& offset, Index first, Index last) {
    const Index origin = axis.input_of(o, k);
    const T decision = floor_within(offset, first - origin, last - origin);
    return {decision, origin + whole(decision)};
  }
  static Place place_in(const Cell& cell, const Sliding& axis, Index o, Index k, const T& offset) {
    const auto low = static_cast<double>(cell.low - axis.input_of(o, k));
    return {cell, {T(low + 1) - offset, offset - T(low)}};
  }
  Place place_y(const Tap& tap) const {
    const T offset_y = this->offset_y(tap);
    return place_in(cell_of(h, tap.oh, tap.kh, offset_y, -2, h.in), h, tap.oh, tap.kh, offset_y);
  }
  Place place_x(const Tap& tap) const {
    const T offset_x = this->offset_x(tap);
    return place_in(cell_of(w, tap.ow, tap.kw, offset_x, -2, w.in), w, tap.ow, tap.kw, offset_x);
  }
  T offset_y(const Tap& tap) const { return offset(tap.n, 2 * field_channel(tap), 0, tap.oh, tap.ow); }
  T offset_x(const Tap& tap) const { return offset(tap.n, 2 * field_channel(tap) + 1, 0, tap.oh, tap.ow); }

  // `value`, where the sample is inside the image; 0 outside, NaN at NaN.
  T inside(const Place& y, const Place& x, const T& value) const {
    if (isnan(y.decision) || isnan(x.decision)) return y.decision + x.decision;
    const bool outside = y.low < -1 || y.low >= h.in || x.low < -1 || x.low >= w.in;
    return given(y.decision, given(x.decision, outside ? T(0.0) : beyond_minus_one(y, beyond_minus_one(x, value))));
  }
  // `value`, or 0 for the position -1 itself, which has no weight at 0.
  static T beyond_minus_one(const Place& at, const T& value) {
    return at.low == -1 ? select(exceeds(at.weight[1], T(0.0)), value, T(0.0)) : value;
  }

  T corner(const Tap& tap, const Place& y, const Place& x, Index r, Index s) const {
    return src.padded(tap.n, tap.c, 0, y.low + r, x.low + s);
  }

  // S
  T sample(const Tap& tap) const {
    const Place y = place_y(tap), x = place_x(tap);
    T sum(0.0);
    for (Index r = 0; r < 2; ++r)
      for (Index s = 0; s < 2; ++s) sum += y.weight[r] * x.weight[s] * corner(tap, y, x, r, s);
    return inside(y, x, sum);
  }

  // dS/dy and dS/dx within the cell
  T slope_y(const Tap& tap) const {
    const Place y = place_y(tap), x = place_x(tap);
    T sum(0.0);
    for (Index s = 0; s < 2; ++s) sum += x.weight[s] * (corner(tap, y, x, 1, s) - corner(tap, y, x, 0, s));
    return inside(y, x, sum);
  }
  T slope_x(const Tap& tap) const {
    const Place y = place_y(tap), x = place_x(tap);
    T sum(0.0);
    for (Index r = 0; r < 2; ++r) sum += y.weight[r] * (corner(tap, y, x, r, 1) - corner(tap, y, x, r, 0));
    return inside(y, x, sum);
  }

  // What the element (ih, iw) receives from a sample: 0 unless it is a corner, which most are not, so that the weights
  // come last. Cells further away are not told apart.
  T share_of(Index ih, Index iw, const Tap& tap) const {
    const T offset_y = this->offset_y(tap), offset_x = this->offset_x(tap);
    if (isnan(offset_y) || isnan(offset_x)) return T(0.0);
    const Cell cell_y = cell_of(h, tap.oh, tap.kh, offset_y, ih - 2, ih + 1);
    const Index r = ih - cell_y.low;
    if (r != 0 && r != 1) return given(cell_y.decision, T(0.0));
    const Cell cell_x = cell_of(w, tap.ow, tap.kw, offset_x, iw - 2, iw + 1);
    const Index s = iw - cell_x.low;
    if (s != 0 && s != 1) return given(cell_y.decision, given(cell_x.decision, T(0.0)));
    const Place y = place_in(cell_y, h, tap.oh, tap.kh, offset_y), x = place_in(cell_x, w, tap.ow, tap.kw, offset_x);
    // A mask that is a denormal number is off by half a unit, and its products with the weights by as much again: the
    // column, which may be large, multiplies all of that.
    return inside(y, x, diff_column(tap) * (modulation(tap) * y.weight[r] * x.weight[s]));
  }

  // The gradient with respect to mask * S: sum over the oc of c's group of diff_dst[n,oc,o] * weights[oc,c,k]
  T diff_column(const Tap& tap) const {
    const Index group = tap.c / ic_per_group;
    T sum(0.0);
    for (Index oc = group * oc_per_group; oc < (group + 1) * oc_per_group; ++oc)
      sum += diff_dst(tap.n, oc, 0, tap.oh, tap.ow) * weights(oc, tap.c - first_ic(oc), 0, tap.kh, tap.kw);
    return sum;
  }

  T modulation(const Tap& tap) const {
    return mask.exists() ? mask(tap.n, field_channel(tap), 0, tap.oh, tap.ow) : T(1.0);
  }

  Index taps() const { return h.kernel * w.kernel; }
  Index first_ic(Index oc) const { return oc / oc_per_group * ic_per_group; }
  // Channels of the mask are (offset group, tap), those of the offsets (offset group, tap, y or x).
  Index field_channel(const Tap& tap) const {
    return (tap.c / c_per_offset_group * h.kernel + tap.kh) * w.kernel + tap.kw;
  }
  Index first_channel(Index field_channel) const { return field_channel / taps() * c_per_offset_group; }

  const Index mb, ic_per_group, oc_per_group, c_per_offset_group;
  const Sliding h, w;
  const Grid<T> src, weights, bias, diff_dst;
  const Field<T> offset, mask;
};

}  // namespace gradproof
