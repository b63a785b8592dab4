// separable_conv: a convolution with kernels of rank 1, weights[oc,ic,k] = v[oc,ic,kh] * h[oc,ic,kw] (Rigamonti et al.
// 2013, Learning separable filters, CVPR).
//
// n batch, oc and ic output and input channels, o = (oh, ow) outputs, i = (ih, iw) inputs and k = (kh, kw) taps, with
// i = o * stride - pad + k * dilation on each axis. Channels oc of group g see the channels first_ic(oc) ...
// first_ic(oc) + ic/g - 1; v and h count ic within the group. Padding takes no part.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

template <class T>
struct SeparableConvFormulas {
  // dst[n,oc,o] = bias[oc] + sum over ic, k of v[oc,ic,kh] * h[oc,ic,kw] * src[n, first_ic(oc) + ic, o * stride - pad +
  // k * dilation]
  T dst(const Point& point) const {
    const auto [n, oc, depth, oh, ow] = point;
    T sum = bias.exists() ? bias(oc) : T(0.0);
    for (Index ic = 0; ic < ic_per_group; ++ic)
      for (Index kh = 0; kh < rows.kernel; ++kh)
        for (Index kw = 0; kw < columns.kernel; ++kw)
          sum += src.times(v(oc, ic, kh) * h(oc, ic, kw), n, first_ic(oc) + ic, 0, rows.input_of(oh, kh),
                           columns.input_of(ow, kw));
    return sum;
  }

  // diff_src[n,ic,i] = sum over the oc of ic's group, and all k and o with o * stride - pad + k * dilation = i,
  //                    of diff_dst[n,oc,o] * v[oc, ic - first_ic(oc), kh] * h[oc, ic - first_ic(oc), kw]
  T diff_src(const Point& point) const {
    const auto [n, ic, depth, ih, iw] = point;
    const Index group = ic / ic_per_group;
    T sum(0.0);
    for (Index kh = 0; kh < rows.kernel; ++kh)
      for (Index kw = 0; kw < columns.kernel; ++kw) {
        const auto oh = rows.window_of(ih, kh), ow = columns.window_of(iw, kw);
        if (!oh || !ow) continue;
        for (Index oc = group * oc_per_group; oc < (group + 1) * oc_per_group; ++oc)
          sum += v(oc, ic - first_ic(oc), kh) * h(oc, ic - first_ic(oc), kw) * diff_dst(n, oc, 0, *oh, *ow);
      }
    return sum;
  }

  // diff_v[oc,ic,kh] = sum over n, o, kw of diff_dst[n,oc,o] * src[n, first_ic(oc) + ic, o * stride - pad +
  //                    k * dilation] * h[oc,ic,kw]
  T diff_v(const Point& point) const {
    const Index oc = point[0], ic = point[1], kh = point[4];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < rows.out; ++oh)
        for (Index ow = 0; ow < columns.out; ++ow)
          for (Index kw = 0; kw < columns.kernel; ++kw)
            sum += src.times(diff_dst(n, oc, 0, oh, ow) * h(oc, ic, kw), n, first_ic(oc) + ic, 0, rows.input_of(oh, kh),
                             columns.input_of(ow, kw));
    return sum;
  }

  // diff_h[oc,ic,kw] = sum over n, o, kh of diff_dst[n,oc,o] * src[n, first_ic(oc) + ic, o * stride - pad +
  //                    k * dilation] * v[oc,ic,kh]
  T diff_h(const Point& point) const {
    const Index oc = point[0], ic = point[1], kw = point[4];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < rows.out; ++oh)
        for (Index ow = 0; ow < columns.out; ++ow)
          for (Index kh = 0; kh < rows.kernel; ++kh)
            sum += src.times(diff_dst(n, oc, 0, oh, ow) * v(oc, ic, kh), n, first_ic(oc) + ic, 0, rows.input_of(oh, kh),
                             columns.input_of(ow, kw));
    return sum;
  }

  // diff_bias[oc] = sum over n, o of diff_dst[n,oc,o]
  T diff_bias(const Point& point) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index oh = 0; oh < rows.out; ++oh)
        for (Index ow = 0; ow < columns.out; ++ow) sum += diff_dst(n, point[0], 0, oh, ow);
    return sum;
  }

  static FormulaTable<SeparableConvFormulas, T> table() {
    return {{"dst", &SeparableConvFormulas::dst},
            {"diff_src", &SeparableConvFormulas::diff_src},
            {"diff_weights_v", &SeparableConvFormulas::diff_v},
            {"diff_weights_h", &SeparableConvFormulas::diff_h},
            {"diff_bias", &SeparableConvFormulas::diff_bias}};
  }

  SeparableConvFormulas(const Case& c, const Arrays<T>& inputs)
      : SeparableConvFormulas(c.attributes, window_of(c.attributes), inputs) {}

 private:
  SeparableConvFormulas(const Attributes& attributes, const Window& window, const Arrays<T>& inputs)
      : mb(attributes.integer("mb")),
        ic_per_group(attributes.integer("ic") / attributes.integer("g")),
        oc_per_group(attributes.integer("oc") / attributes.integer("g")),
        rows(window.axes[1]),
        columns(window.axes[2]),
        src(inputs, "src"),
        weights_v(inputs, "weights_v"),
        weights_h(inputs, "weights_h"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}

  // The first input channel that output channel oc sees.
  Index first_ic(Index oc) const { return oc / oc_per_group * ic_per_group; }
  T v(Index oc, Index ic, Index kh) const { return weights_v(oc, ic, 0, 0, kh); }
  T h(Index oc, Index ic, Index kw) const { return weights_h(oc, ic, 0, 0, kw); }

  const Index mb, ic_per_group, oc_per_group;
  const Sliding rows, columns;
  const Grid<T> src, weights_v, weights_h, bias, diff_dst;
};

}  // namespace

Reference separable_conv_reference() { return make_reference<SeparableConvFormulas>(); }

}  // namespace gradproof
