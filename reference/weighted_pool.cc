// The weighted sum of each window, with weights that each channel learns.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/pooling.h"

namespace gradproof {
namespace {

// Sun, Song, Jiang, Pan and Pang 2017, Neurocomputing 224. Every weight 1/taps makes an average.
template <class T>
struct WeightedPoolFormulas : Pooling<T> {
  // dst[n,c,o] = sum over the taps k inside of weights[c,0,k] * src[n, c, o * stride - pad + k * dilation]
  T dst(const Point& p) const {
    const auto [n, c, od, oh, ow] = p;
    T sum(0.0);
    for (Index kd = 0; kd < this->d.kernel; ++kd)
      for (Index kh = 0; kh < this->h.kernel; ++kh)
        for (Index kw = 0; kw < this->w.kernel; ++kw)
          sum += this->src.times(weights(c, 0, kd, kh, kw), n, c, this->d.input_of(od, kd), this->h.input_of(oh, kh),
                                 this->w.input_of(ow, kw));
    return sum;
  }

  // diff_src[n,c,i] = sum over the taps k of weights[c,0,k] * diff_dst[n, c, (i + pad - k * dilation) / stride], where
  // there is such a window
  T diff_src(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    T sum(0.0);
    for (Index kd = 0; kd < this->d.kernel; ++kd)
      for (Index kh = 0; kh < this->h.kernel; ++kh)
        for (Index kw = 0; kw < this->w.kernel; ++kw) {
          const auto od = this->d.window_of(id, kd), oh = this->h.window_of(ih, kh), ow = this->w.window_of(iw, kw);
          if (od && oh && ow) sum += weights(c, 0, kd, kh, kw) * this->diff_dst(n, c, *od, *oh, *ow);
        }
    return sum;
  }

  // diff_weights[c,0,k] = sum over n, o of diff_dst[n,c,o] * src[n, c, o * stride - pad + k * dilation]
  T diff_weights(const Point& p) const {
    const auto [c, one, kd, kh, kw] = p;
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index od = 0; od < this->d.out; ++od)
        for (Index oh = 0; oh < this->h.out; ++oh)
          for (Index ow = 0; ow < this->w.out; ++ow)
            sum += this->src.times(this->diff_dst(n, c, od, oh, ow), n, c, this->d.input_of(od, kd),
                                   this->h.input_of(oh, kh), this->w.input_of(ow, kw));
    return sum;
  }

  static FormulaTable<WeightedPoolFormulas, T> table() {
    using F = WeightedPoolFormulas;
    return {{"dst", &F::dst}, {"diff_src", &F::diff_src}, {"diff_weights", &F::diff_weights}};
  }

  WeightedPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : Pooling<T>(window_of(c.attributes), inputs), mb(c.attributes.integer("mb")), weights(inputs, "weights") {}

 private:
  const Index mb;
  const Grid<T> weights;
};

}  // namespace

Reference weighted_pool_reference() { return make_reference<WeightedPoolFormulas>(); }

}  // namespace gradproof
