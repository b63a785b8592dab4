// local_conv: unshared convolution, a kernel of its own at every output position (Taigman et al., DeepFace, CVPR 2014,
// section 2.2), and its gradients.
//
// n batch, oc and ic output and input channels, o = (oh, ow) outputs, i = (ih, iw) inputs and k = (kh, kw) taps, with
// i = o * stride - pad + k * dilation on each axis; in one dimension there is no h. weights[oc, ic, k, o] and
// bias[oc, o]. Padding is zeros that take part: a NaN weight on padding gives NaN, and so does a NaN cotangent.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

template <class T>
struct LocalConvFormulas {
  // dst[n,oc,o] = bias[oc,o] + sum over ic, k of weights[oc,ic,k,o] * src[n, ic, o * stride - pad + k * dilation]
  T dst(const Point& p) const {
    const auto [n, oc, od, oh, ow] = p;
    T sum = bias.exists() ? bias(oc, oh, ow) : T(0.0);
    for (Index ic = 0; ic < input_channels; ++ic)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw)
          sum += weights(oc, ic, kh, kw, oh, ow) * src.padded(n, ic, 0, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_src[n,ic,i] = sum over oc, and all k and o with o * stride - pad + k * dilation = i,
  //                    of diff_dst[n,oc,o] * weights[oc,ic,k,o]
  T diff_src(const Point& p) const {
    const auto [n, ic, id, ih, iw] = p;
    T sum(0.0);
    for (Index kh = 0; kh < h.kernel; ++kh)
      for (Index kw = 0; kw < w.kernel; ++kw) {
        const auto oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
        if (!oh || !ow) continue;
        for (Index oc = 0; oc < output_channels; ++oc)
          sum += diff_dst(n, oc, 0, *oh, *ow) * weights(oc, ic, kh, kw, *oh, *ow);
      }
    return sum;
  }

  // diff_weights[oc,ic,k,o] = sum over n of diff_dst[n,oc,o] * src[n, ic, o * stride - pad + k * dilation]
  T diff_weights(const Position& p) const {
    const auto [oc, ic, kh, kw, oh, ow] = weights.indices_of(p);
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      sum += diff_dst(n, oc, 0, oh, ow) * src.padded(n, ic, 0, h.input_of(oh, kh), w.input_of(ow, kw));
    return sum;
  }

  // diff_bias[oc,o] = sum over n of diff_dst[n,oc,o]
  T diff_bias(const Position& p) const {
    const auto [oc, oh, ow] = bias.indices_of(p);
    T sum(0.0);
    for (Index n = 0; n < mb; ++n) sum += diff_dst(n, oc, 0, oh, ow);
    return sum;
  }

  static FormulaTable<LocalConvFormulas, T> table() {
    return {{"dst", &LocalConvFormulas::dst},
            {"diff_src", &LocalConvFormulas::diff_src},
            {"diff_weights", &LocalConvFormulas::diff_weights},
            {"diff_bias", &LocalConvFormulas::diff_bias}};
  }

  LocalConvFormulas(const Case& c, const Arrays<T>& inputs)
      : LocalConvFormulas(c.attributes, window_of(c.attributes), inputs) {}

 private:
  LocalConvFormulas(const Attributes& attributes, const Window& window, const Arrays<T>& inputs)
      : mb(attributes.integer("mb")),
        input_channels(attributes.integer("ic")),
        output_channels(attributes.integer("oc")),
        h(window.axes[1]),
        w(window.axes[2]),
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst"),
        weights(inputs, "weights", {output_channels, input_channels, h.kernel, w.kernel, h.out, w.out}),
        bias(inputs, "bias", {output_channels, h.out, w.out}) {}

  const Index mb, input_channels, output_channels;
  const Sliding h, w;
  const Grid<T> src, diff_dst;
  const RowMajor<T, 6> weights;
  const RowMajor<T, 3> bias;
};

}  // namespace

Reference local_conv_reference() { return make_reference<LocalConvFormulas>(); }

}  // namespace gradproof
