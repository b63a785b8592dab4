// conv_transpose (Dumoulin and Visin 2016, arXiv:1603.07285, chapter 4) and its gradients.
//
// n batch, ic and oc input and output channels, i = (id, ih, iw) inputs, o = (od, oh, ow) outputs and k = (kd, kh, kw)
// taps: input i puts a kernel on the outputs o = i * stride - pad + k * dilation on each axis; what falls outside is
// cut off. Channels ic of group g write the channels first_oc(ic) ... first_oc(ic) + oc/g - 1; weights[ic, oc, k] count
// oc within the group.

#include <optional>

#include "ops/core/window.h"
#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// One axis: where taps of input i fall, and which input's tap k falls on an output.
struct Placing {
  Index in, kernel, stride, pad, dilation;

  explicit Placing(const WindowAxis& axis)
      : in(axis.in), kernel(axis.kernel), stride(axis.stride), pad(axis.pad_lo), dilation(axis.dilation) {}

  Index output_of(Index i, Index k) const { return i * stride - pad + k * dilation; }

  std::optional<Index> input_of(Index o, Index k) const {
    for (Index i = 0; i < in; ++i)
      if (output_of(i, k) == o) return i;
    return {};
  }
};

template <class T>
struct ConvTransposeFormulas {
  // dst[n,oc,o] = bias[oc] + sum over the ic of oc's group, and all k and i with i * stride - pad + k * dilation = o,
  //               of src[n,ic,i] * weights[ic, oc - first_oc(ic), k]
  T dst(const Point& p) const {
    const auto [n, oc, od, oh, ow] = p;
    const Index group = oc / oc_per_group;
    T sum = bias.exists() ? bias(oc) : T(0.0);
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto id = d.input_of(od, kd), ih = h.input_of(oh, kh), iw = w.input_of(ow, kw);
          if (!id || !ih || !iw) continue;
          for (Index ic = group * ic_per_group; ic < (group + 1) * ic_per_group; ++ic)
            sum += src(n, ic, *id, *ih, *iw) * weights(ic, oc - first_oc(ic), kd, kh, kw);
        }
    return sum;
  }

  // diff_src[n,ic,i] = sum over oc, k of weights[ic,oc,k] * diff_dst[n, first_oc(ic) + oc, i * stride - pad + k *
  // dilation]
  T diff_src(const Point& p) const {
    const auto [n, ic, id, ih, iw] = p;
    T sum(0.0);
    for (Index oc = 0; oc < oc_per_group; ++oc)
      for (Index kd = 0; kd < d.kernel; ++kd)
        for (Index kh = 0; kh < h.kernel; ++kh)
          for (Index kw = 0; kw < w.kernel; ++kw)
            sum += diff_dst.times(weights(ic, oc, kd, kh, kw), n, first_oc(ic) + oc, d.output_of(id, kd),
                                  h.output_of(ih, kh), w.output_of(iw, kw));
    return sum;
  }

  // diff_weights[ic,oc,k] = sum over n, i of src[n,ic,i] * diff_dst[n, first_oc(ic) + oc, i * stride - pad + k *
  // dilation]
  T diff_weights(const Point& p) const {
    const auto [ic, oc, kd, kh, kw] = p;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index id = 0; id < d.in; ++id)
        for (Index ih = 0; ih < h.in; ++ih)
          for (Index iw = 0; iw < w.in; ++iw)
            sum += diff_dst.times(src(n, ic, id, ih, iw), n, first_oc(ic) + oc, d.output_of(id, kd),
                                  h.output_of(ih, kh), w.output_of(iw, kw));
    return sum;
  }

  // diff_bias[oc] = sum over n, o of diff_dst[n,oc,o]
  T diff_bias(const Point& p) const {
    const Index oc = p[0];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index od = 0; od < out[2]; ++od)
        for (Index oh = 0; oh < out[3]; ++oh)
          for (Index ow = 0; ow < out[4]; ++ow) sum += diff_dst(n, oc, od, oh, ow);
    return sum;
  }

  static FormulaTable<ConvTransposeFormulas, T> table() {
    return {{"dst", &ConvTransposeFormulas::dst},
            {"diff_src", &ConvTransposeFormulas::diff_src},
            {"diff_weights", &ConvTransposeFormulas::diff_weights},
            {"diff_bias", &ConvTransposeFormulas::diff_bias}};
  }

  ConvTransposeFormulas(const Case& c, const Arrays<T>& inputs)
      : ConvTransposeFormulas(c, window_of(c.attributes), inputs) {}

 private:
  ConvTransposeFormulas(const Case& c, const Window& window, const Arrays<T>& inputs)
      : mb(c.attributes.integer("mb")),
        ic_per_group(c.attributes.integer("ic") / c.attributes.integer("g")),
        oc_per_group(c.attributes.integer("oc") / c.attributes.integer("g")),
        d(window.axes[0]),
        h(window.axes[1]),
        w(window.axes[2]),
        out(point_of(*c.spec->find_slot("dst")->shape(c.attributes), 1)),
        src(inputs, "src"),
        weights(inputs, "weights"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}

  // The first output channel that input channel ic writes.
  Index first_oc(Index ic) const { return ic / ic_per_group * oc_per_group; }

  const Index mb, ic_per_group, oc_per_group;
  const Placing d, h, w;
  const Point out;
  const Grid<T> src, weights, bias, diff_dst;
};

}  // namespace

Reference conv_transpose_reference() { return make_reference<ConvTransposeFormulas>(); }

}  // namespace gradproof
