// Losses of two tensors, element by element, and their gradients: x = src, t = target, d = x - t.

#include "ops/loss/reduction.h"
#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/numbered.h"

namespace gradproof {
namespace {

// What they share: a loss L(i) of element number i with slopes in x and in t, summed up or not.
template <class T, template <class> class Loss>
struct PointwiseFormulas {
  PointwiseFormulas(const Case& c, const Arrays<T>& inputs)
      : reduction(reduction_of(c.attributes)),
        shape(shape_of_slot(c, "src")),
        src(inputs, "src"),
        target(inputs, "target"),
        diff_dst(inputs, "diff_dst"),
        loss(c, inputs) {}

  // dst[i] = L(i); or the sum of L(i) over i; or that by the number of elements
  T dst(const Position& p) const {
    if (reduction == Reduction::kNone) return value(linear_of(p, shape));
    T sum(0.0);
    for (Index i = 0; i < element_count(shape); ++i) sum += value(i);
    return reduction == Reduction::kMean ? sum / count() : sum;
  }

  T diff_src(const Position& p) const {
    const Index i = linear_of(p, shape);
    return gain(i) * loss.slope(i, src[i], target[i]);
  }
  T diff_target(const Position& p) const {
    const Index i = linear_of(p, shape);
    return gain(i) * loss.slope_in_target(i, src[i], target[i]);
  }

  static FormulaTable<PointwiseFormulas, T> table() {
    using F = PointwiseFormulas;
    return {{"dst", &F::dst}, {"diff_src", &F::diff_src}, {"diff_target", &F::diff_target}};
  }

 private:
  T value(Index i) const { return loss.value(i, src[i], target[i]); }
  T count() const { return T(static_cast<double>(element_count(shape))); }
  // The cotangent of L(i).
  T gain(Index i) const {
    if (reduction == Reduction::kNone) return diff_dst[i];
    return reduction == Reduction::kMean ? diff_dst[0] / count() : diff_dst[0];
  }

  const Reduction reduction;
  const Shape shape;
  const Numbered<T> src, target, diff_dst;
  const Loss<T> loss;
};

// L = f(x - t)
template <class T, class F>
struct OfDifference {
  OfDifference(const Case& c, const Arrays<T>&) : f(c) {}

  T value(Index, const T& x, const T& t) const { return f.value(difference(x, t)); }
  T slope(Index, const T& x, const T& t) const { return f.slope(difference(x, t)); }
  T slope_in_target(Index, const T& x, const T& t) const { return -f.slope(difference(x, t)); }

  const F f;
};

// L = d^2
template <class T>
struct Square {
  explicit Square(const Case&) {}
  T value(const T& d) const { return square(d); }
  T slope(const T& d) const { return T(2.0) * d; }
};

// L = |d|, with slope 0 at 0
template <class T>
struct Magnitude {
  explicit Magnitude(const Case&) {}
  // The constant 0 at 0, so that its tangent there is 0, as the slope is.
  T value(const T& d) const { return select(exceeds(zero, d), -d, select(exceeds(d, zero), d, zero)); }
  T slope(const T& d) const { return select(exceeds(zero, d), T(-1.0), select(exceeds(d, zero), T(1.0), zero)); }
  const T zero = T(0.0);
};

// Huber 1964, Annals of Mathematical Statistics 35, section 2: L = d^2 / 2 where |d| <= delta, beyond it
// delta (|d| - delta / 2). With c = d kept within [-delta, delta] both are c (d - c / 2), and c is the slope.
template <class T>
struct Huber {
  explicit Huber(const Case& c) : delta(c.attributes.real("delta")) {}
  T value(const T& d) const {
    const T c = slope(d);
    return c * (d - T(0.5) * c);
  }
  T slope(const T& d) const { return select(exceeds(d, delta), delta, select(exceeds(-delta, d), -delta, d)); }
  const T delta;
};

template <class T>
using SquaredLoss = OfDifference<T, Square<T>>;
template <class T>
using MagnitudeLoss = OfDifference<T, Magnitude<T>>;
template <class T>
using HuberLoss = OfDifference<T, Huber<T>>;

// The cross-entropy of t and sigmoid(x), positives weighted by w: L = -w t log(sigmoid(x)) - (1 - t) log(1 -
// sigmoid(x)) = (1 - t) x + (1 + (w - 1) t) s(-x), where s(x) = log(1 + exp(x)).
template <class T>
struct LogitsLoss {
  LogitsLoss(const Case& c, const Arrays<T>& inputs)
      : channels(c.attributes.integer("c")),
        space(element_count(shape_of_slot(c, "src")) / channels / c.attributes.integer("mb")),
        pos_weight(inputs, "pos_weight") {}

  T value(Index i, const T& x, const T& t) const { return difference(one, t) * x + of_positives(i, t) * softplus(-x); }
  T slope(Index i, const T& x, const T& t) const { return difference(one, t) - of_positives(i, t) * sigmoid(-x); }
  T slope_in_target(Index i, const T& x, const T&) const {
    return pos_weight.exists() ? difference(weight(i), one) * softplus(-x) - x : -x;
  }

 private:
  T weight(Index i) const { return pos_weight[i / space % channels]; }
  T of_positives(Index i, const T& t) const { return pos_weight.exists() ? one + difference(weight(i), one) * t : one; }
  // One decision for both parts, so that at 0 their tangents go together.
  T softplus(const T& x) const {
    const T zero(0.0);
    const auto positive = exceeds(x, zero);
    return select(positive, x, zero) + log1p(exp(select(positive, -x, x)));
  }

  const Index channels, space;
  const T one = T(1.0);
  const Numbered<T> pos_weight;
};

template <class T>
using MseFormulas = PointwiseFormulas<T, SquaredLoss>;
template <class T>
using L1Formulas = PointwiseFormulas<T, MagnitudeLoss>;
template <class T>
using HuberFormulas = PointwiseFormulas<T, HuberLoss>;
template <class T>
using BceWithLogitsFormulas = PointwiseFormulas<T, LogitsLoss>;

}  // namespace

Reference mse_reference() { return make_reference<MseFormulas>(); }
Reference l1_reference() { return make_reference<L1Formulas>(); }
Reference huber_reference() { return make_reference<HuberFormulas>(); }
Reference bce_with_logits_reference() { return make_reference<BceWithLogitsFormulas>(); }

}  // namespace gradproof
