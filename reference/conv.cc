// conv: cross-correlation (Dumoulin and Visin 2016, arXiv:1603.07285) and its gradients.
//
// n batch, g group, oc and ic output and input channels, o = (od, oh, ow) outputs, i = (id, ih, iw) inputs and
// k = (kd, kh, kw) taps, with i = o * stride - pad + k * dilation on each axis. Channels oc of group g see the channels
// first_ic(oc) ... first_ic(oc) + ic/g - 1; weights[oc, ic, k] count ic within the group. Padding takes no part.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

template <class T>
struct ConvFormulas {
  // dst[n,oc,o] = bias[oc] + sum over ic, k of weights[oc,ic,k] * src[n, first_ic(oc) + ic, o * stride - pad + k *
  // dilation]
  T dst(const Point& p) const {
    const auto [n, oc, od, oh, ow] = p;
    T sum = bias.exists() ? bias(oc) : T(0.0);
    for (Index ic = 0; ic < ic_per_group; ++ic)
      for (Index kd = 0; kd < d.kernel; ++kd)
        for (Index kh = 0; kh < h.kernel; ++kh)
          for (Index kw = 0; kw < w.kernel; ++kw)
            sum += src.times(weights(oc, ic, kd, kh, kw), n, first_ic(oc) + ic, d.input_of(od, kd), h.input_of(oh, kh),
                             w.input_of(ow, kw));
    return sum;
  }

  // diff_src[n,ic,i] = sum over the oc of ic's group, and all k and o with o * stride - pad + k * dilation = i,
  //                    of diff_dst[n,oc,o] * weights[oc, ic - first_ic(oc), k]
  T diff_src(const Point& p) const {
    const auto [n, ic, id, ih, iw] = p;
    const Index group = ic / ic_per_group;
    T sum(0.0);
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto od = d.window_of(id, kd), oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
          if (!od || !oh || !ow) continue;
          for (Index oc = group * oc_per_group; oc < (group + 1) * oc_per_group; ++oc)
            sum += diff_dst(n, oc, *od, *oh, *ow) * weights(oc, ic - first_ic(oc), kd, kh, kw);
        }
    return sum;
  }

  // diff_weights[oc,ic,k] = sum over n, o of diff_dst[n,oc,o] * src[n, first_ic(oc) + ic, o * stride - pad + k *
  // dilation]
  T diff_weights(const Point& p) const {
    const auto [oc, ic, kd, kh, kw] = p;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index od = 0; od < d.out; ++od)
        for (Index oh = 0; oh < h.out; ++oh)
          for (Index ow = 0; ow < w.out; ++ow)
            sum += src.times(diff_dst(n, oc, od, oh, ow), n, first_ic(oc) + ic, d.input_of(od, kd), h.input_of(oh, kh),
                             w.input_of(ow, kw));
    return sum;
  }

  // diff_bias[oc] = sum over n, o of diff_dst[n,oc,o]
  T diff_bias(const Point& p) const {
    const Index oc = p[0];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index od = 0; od < d.out; ++od)
        for (Index oh = 0; oh < h.out; ++oh)
          for (Index ow = 0; ow < w.out; ++ow) sum += diff_dst(n, oc, od, oh, ow);
    return sum;
  }

  static FormulaTable<ConvFormulas, T> table() {
    return {{"dst", &ConvFormulas::dst},
            {"diff_src", &ConvFormulas::diff_src},
            {"diff_weights", &ConvFormulas::diff_weights},
            {"diff_bias", &ConvFormulas::diff_bias}};
  }

  ConvFormulas(const Case& c, const Arrays<T>& inputs) : ConvFormulas(c.attributes, window_of(c.attributes), inputs) {}

 private:
  ConvFormulas(const Attributes& attributes, const Window& window, const Arrays<T>& inputs)
      : mb(attributes.integer("mb")),
        ic_per_group(attributes.integer("ic") / attributes.integer("g")),
        oc_per_group(attributes.integer("oc") / attributes.integer("g")),
        d(window.axes[0]),
        h(window.axes[1]),
        w(window.axes[2]),
        src(inputs, "src"),
        weights(inputs, "weights"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}

  // The first input channel that output channel oc sees.
  Index first_ic(Index oc) const { return oc / oc_per_group * ic_per_group; }

  const Index mb, ic_per_group, oc_per_group;
  const Sliding d, h, w;
  const Grid<T> src, weights, bias, diff_dst;
};

}  // namespace

Reference conv_reference() { return make_reference<ConvFormulas>(); }

}  // namespace gradproof
