// depthwise_separable_conv: a convolution in space in g groups, then a mix of the channels at every pixel (Howard et
// al. 2017, arXiv:1704.04861).
//
// n batch, ic input channels, m channels in between (as many), oc output channels, o = (oh, ow) outputs,
// i = (ih, iw) inputs and k = (kh, kw) taps, with i = o * stride - pad + k * dilation on each axis. Channel m sees the
// channels first_ic(m) ... first_ic(m) + ic/g - 1 of its group; weights_dw[m, ic, k] count ic within the group. Padding
// takes no part.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

template <class T>
struct DepthwiseSeparableFormulas {
  // dst[n,oc,o] = bias[oc] + sum over m of weights_pw[oc,m] * mid[n,m,o]
  T dst(const Point& point) const {
    const auto [n, oc, depth, oh, ow] = point;
    T sum = bias.exists() ? bias(oc) : T(0.0);
    for (Index m = 0; m < channels; ++m) sum += weights_pw(oc, m) * mid(n, m, oh, ow);
    return sum;
  }

  // diff_src[n,ic,i] = sum over the m of ic's group, and all k and o with o * stride - pad + k * dilation = i,
  //                    of diff_mid[n,m,o] * weights_dw[m, ic - first_ic(m), k]
  T diff_src(const Point& point) const {
    const auto [n, ic, depth, ih, iw] = point;
    const Index first = first_ic(ic);
    T sum(0.0);
    for (Index kh = 0; kh < h.kernel; ++kh)
      for (Index kw = 0; kw < w.kernel; ++kw) {
        const auto oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
        if (!oh || !ow) continue;
        for (Index m = first; m < first + group_size; ++m)
          sum += diff_mid(n, m, *oh, *ow) * weights_dw(m, ic - first, 0, kh, kw);
      }
    return sum;
  }

  // diff_weights_dw[m,ic,k] = sum over n, o of diff_mid[n,m,o] * src[n, first_ic(m) + ic, o * stride - pad +
  //                           k * dilation]
  T diff_weights_dw(const Point& point) const {
    const auto [m, ic, depth, kh, kw] = point;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow)
          sum += src.times(diff_mid(n, m, oh, ow), n, first_ic(m) + ic, 0, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_weights_pw[oc,m] = sum over n, o of diff_dst[n,oc,o] * mid[n,m,o]
  T diff_weights_pw(const Point& point) const {
    const Index oc = point[0], m = point[1];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) sum += diff_dst(n, oc, 0, oh, ow) * mid(n, m, oh, ow);
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

  static FormulaTable<DepthwiseSeparableFormulas, T> table() {
    return {{"dst", &DepthwiseSeparableFormulas::dst},
            {"diff_src", &DepthwiseSeparableFormulas::diff_src},
            {"diff_weights_dw", &DepthwiseSeparableFormulas::diff_weights_dw},
            {"diff_weights_pw", &DepthwiseSeparableFormulas::diff_weights_pw},
            {"diff_bias", &DepthwiseSeparableFormulas::diff_bias}};
  }

  DepthwiseSeparableFormulas(const Case& c, const Arrays<T>& inputs)
      : DepthwiseSeparableFormulas(c.attributes, window_of(c.attributes), inputs) {}

 private:
  DepthwiseSeparableFormulas(const Attributes& attributes, const Window& window, const Arrays<T>& inputs)
      : mb(attributes.integer("mb")),
        channels(attributes.integer("ic")),
        output_channels(attributes.integer("oc")),
        group_size(attributes.integer("g") == 0 ? 1 : channels / attributes.integer("g")),
        h(window.axes[1]),
        w(window.axes[2]),
        src(inputs, "src"),
        weights_dw(inputs, "weights_dw"),
        weights_pw(inputs, "weights_pw"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}

  // mid[n,m,o] = sum over ic, k of weights_dw[m,ic,k] * src[n, first_ic(m) + ic, o * stride - pad + k * dilation]
  T mid(Index n, Index m, Index oh, Index ow) const {
    T sum(0.0);
    for (Index ic = 0; ic < group_size; ++ic)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw)
          sum +=
              src.times(weights_dw(m, ic, 0, kh, kw), n, first_ic(m) + ic, 0, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_mid[n,m,o] = sum over oc of diff_dst[n,oc,o] * weights_pw[oc,m]
  T diff_mid(Index n, Index m, Index oh, Index ow) const {
    T sum(0.0);
    for (Index oc = 0; oc < output_channels; ++oc) sum += diff_dst(n, oc, 0, oh, ow) * weights_pw(oc, m);
    return sum;
  }

  // The first channel of the group that channel m belongs to, in src and in between alike.
  Index first_ic(Index m) const { return m / group_size * group_size; }

  const Index mb, channels, output_channels, group_size;
  const Sliding h, w;
  const Grid<T> src, weights_dw, weights_pw, bias, diff_dst;
};

}  // namespace

Reference depthwise_separable_conv_reference() { return make_reference<DepthwiseSeparableFormulas>(); }

}  // namespace gradproof
