// coord_conv: a convolution over src and the coordinates of its pixels (Liu et al. 2018, arXiv:1807.03247).
//
// n batch, c channels of src and then i, j and, with radius=1, r; oc output channels, o = (oh, ow) outputs,
// p = (ih, iw) inputs and k = (kh, kw) taps, with p = o * stride - pad + k * dilation on each axis.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

// Position 0 ... size - 1 along an axis on a scale from -1 to 1; 0 where there is nowhere to go.
template <class T>
T coordinate(Index position, Index size) {
  if (size == 1) return T(0.0);
  return T(static_cast<double>(2 * position - (size - 1))) / T(static_cast<double>(size - 1));
}

template <class T>
struct CoordConvFormulas {
  // dst[n,oc,o] = bias[oc] + sum over c, k of weights[oc,c,k] * x[n, c, o * stride - pad + k * dilation]
  T dst(const Point& point) const {
    const auto [n, oc, depth, oh, ow] = point;
    T sum = bias.exists() ? bias(oc) : T(0.0);
    for (Index c = 0; c < channels; ++c)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw)
          sum += times_x(weights(oc, c, 0, kh, kw), n, c, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_src[n,ic,p] = sum over oc, and all k and o with o * stride - pad + k * dilation = p,
  //                    of diff_dst[n,oc,o] * weights[oc,ic,k]
  T diff_src(const Point& point) const {
    const auto [n, ic, depth, ih, iw] = point;
    T sum(0.0);
    for (Index kh = 0; kh < h.kernel; ++kh)
      for (Index kw = 0; kw < w.kernel; ++kw) {
        const auto oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
        if (!oh || !ow) continue;
        for (Index oc = 0; oc < output_channels; ++oc) sum += diff_dst(n, oc, 0, *oh, *ow) * weights(oc, ic, 0, kh, kw);
      }
    return sum;
  }

  // diff_weights[oc,c,k] = sum over n, o of diff_dst[n,oc,o] * x[n, c, o * stride - pad + k * dilation]
  T diff_weights(const Point& point) const {
    const auto [oc, c, depth, kh, kw] = point;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow)
          sum += times_x(diff_dst(n, oc, 0, oh, ow), n, c, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_bias[oc] = sum over n, o of diff_dst[n,oc,o]
  T diff_bias(const Point& point) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) sum += diff_dst(n, point[0], 0, oh, ow);
    return sum;
  }

  static FormulaTable<CoordConvFormulas, T> table() {
    return {{"dst", &CoordConvFormulas::dst},
            {"diff_src", &CoordConvFormulas::diff_src},
            {"diff_weights", &CoordConvFormulas::diff_weights},
            {"diff_bias", &CoordConvFormulas::diff_bias}};
  }

  CoordConvFormulas(const Case& c, const Arrays<T>& inputs)
      : CoordConvFormulas(c.attributes, window_of(c.attributes), inputs) {}

 private:
  CoordConvFormulas(const Attributes& attributes, const Window& window, const Arrays<T>& inputs)
      : mb(attributes.integer("mb")),
        source_channels(attributes.integer("ic")),
        channels(source_channels + (attributes.flag("radius") ? 3 : 2)),
        output_channels(attributes.integer("oc")),
        h(window.axes[1]),
        w(window.axes[2]),
        src(inputs, "src"),
        weights(inputs, "weights"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}

  // factor * x; on padding zero, whatever the factor: padding takes no part.
  T times_x(const T& factor, Index n, Index c, Index ih, Index iw) const {
    return ih >= 0 && ih < h.in && iw >= 0 && iw < w.in ? factor * x(n, c, ih, iw) : T(0.0);
  }

  // x: src and behind it i, j, r.
  T x(Index n, Index c, Index ih, Index iw) const {
    if (c < source_channels) return src(n, c, 0, ih, iw);
    if (c == source_channels) return coordinate<T>(ih, h.in);
    if (c == source_channels + 1) return coordinate<T>(iw, w.in);
    return radius(ih, iw);
  }

  // r = sqrt(i^2 + j^2). The centre is set apart: sqrt has no slope there, which some scalars ask for.
  T radius(Index ih, Index iw) const {
    if (2 * ih == h.in - 1 && 2 * iw == w.in - 1) return T(0.0);
    const T i = coordinate<T>(ih, h.in), j = coordinate<T>(iw, w.in);
    return sqrt(i * i + j * j);
  }

  const Index mb, source_channels, channels, output_channels;
  const Sliding h, w;
  const Grid<T> src, weights, bias, diff_dst;
};

}  // namespace

Reference coord_conv_reference() { return make_reference<CoordConvFormulas>(); }

}  // namespace gradproof
