// linear: dst = src * weights^T + bias, and its gradients. n batch, i input features, o output features.

#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

template <class T>
struct LinearFormulas {
  // dst[n,o] = bias[o] + sum over i of weights[o,i] * src[n,i]
  T dst(const Point& p) const {
    const Index n = p[0], o = p[1];
    T sum = bias.exists() ? bias(o) : T(0.0);
    for (Index i = 0; i < ic; ++i) sum += weights(o, i) * src(n, i);
    return sum;
  }

  // diff_src[n,i] = sum over o of diff_dst[n,o] * weights[o,i]
  T diff_src(const Point& p) const {
    const Index n = p[0], i = p[1];
    T sum(0.0);
    for (Index o = 0; o < oc; ++o) sum += diff_dst(n, o) * weights(o, i);
    return sum;
  }

  // diff_weights[o,i] = sum over n of diff_dst[n,o] * src[n,i]
  T diff_weights(const Point& p) const {
    const Index o = p[0], i = p[1];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n) sum += diff_dst(n, o) * src(n, i);
    return sum;
  }

  // diff_bias[o] = sum over n of diff_dst[n,o]
  T diff_bias(const Point& p) const {
    const Index o = p[0];
    T sum(0.0);
    for (Index n = 0; n < mb; ++n) sum += diff_dst(n, o);
    return sum;
  }

  static FormulaTable<LinearFormulas, T> table() {
    return {{"dst", &LinearFormulas::dst},
            {"diff_src", &LinearFormulas::diff_src},
            {"diff_weights", &LinearFormulas::diff_weights},
            {"diff_bias", &LinearFormulas::diff_bias}};
  }

  LinearFormulas(const Case& c, const Arrays<T>& inputs)
      : mb(c.attributes.integer("mb")),
        ic(c.attributes.integer("ic")),
        oc(c.attributes.integer("oc")),
        src(inputs, "src"),
        weights(inputs, "weights"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}

 private:
  const Index mb, ic, oc;
  const Grid<T> src, weights, bias, diff_dst;
};

}  // namespace

Reference linear_reference() { return make_reference<LinearFormulas>(); }

}  // namespace gradproof
