// Wrong truths: references whose gradient is not the gradient of their forward pass.
#include <cmath>

#include "checks/self/faulty_reference.h"
#include "checks/self/mutant.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// relu whose gradient is that of a leaky one.
template <class T>
struct LeakyGradientFormulas {
  LeakyGradientFormulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
  T dst(const Point& p) const { return maximum(T(0.0), src(p)); }
  T diff_src(const Point& p) const {
    return select(exceeds(src(p), T(0.0)), diff_dst(p), T(diff_dst(p) * T(0.0078125)));
  }
  static FormulaTable<LeakyGradientFormulas, T> table() {
    return {{"dst", &LeakyGradientFormulas::dst}, {"diff_src", &LeakyGradientFormulas::diff_src}};
  }
  const Grid<T> src, diff_dst;
};

// relu whose gradient is wrong in the 17th digit: far below what a check in double can see.
template <class T>
struct SeventeenthDigitFormulas {
  SeventeenthDigitFormulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
  T dst(const Point& p) const { return maximum(T(0.0), src(p)); }
  T diff_src(const Point& p) const {
    const T slope = T(1.0) + T(0x1p-56);
    return select(exceeds(src(p), T(0.0)), T(diff_dst(p) * slope), T(0.0));
  }
  static FormulaTable<SeventeenthDigitFormulas, T> table() {
    return {{"dst", &SeventeenthDigitFormulas::dst}, {"diff_src", &SeventeenthDigitFormulas::diff_src}};
  }
  const Grid<T> src, diff_dst;
};

// linear in name only: a square, small, that the declared gradient does not know.
template <class T>
struct NotAffineFormulas {
  NotAffineFormulas(const Case& c, const Arrays<T>& inputs)
      : mb(c.attributes.integer("mb")),
        ic(c.attributes.integer("ic")),
        oc(c.attributes.integer("oc")),
        src(inputs, "src"),
        weights(inputs, "weights"),
        bias(inputs, "bias"),
        diff_dst(inputs, "diff_dst") {}
  T dst(const Point& p) const {
    T sum = bias.exists() ? bias(p[1]) : T(0.0);
    for (Index i = 0; i < ic; ++i) {
      const T x = src(p[0], i);
      sum += weights(p[1], i) * (x + T(0x1p-50) * x * x);
    }
    return sum;
  }
  T diff_src(const Point& p) const {
    T sum(0.0);
    for (Index o = 0; o < oc; ++o) sum += diff_dst(p[0], o) * weights(o, p[1]);
    return sum;
  }
  T diff_weights(const Point& p) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n) sum += diff_dst(n, p[0]) * src(n, p[1]);
    return sum;
  }
  T diff_bias(const Point& p) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n) sum += diff_dst(n, p[0]);
    return sum;
  }
  static FormulaTable<NotAffineFormulas, T> table() {
    return {{"dst", &NotAffineFormulas::dst},
            {"diff_src", &NotAffineFormulas::diff_src},
            {"diff_weights", &NotAffineFormulas::diff_weights},
            {"diff_bias", &NotAffineFormulas::diff_bias}};
  }
  const Index mb, ic, oc;
  const Grid<T> src, weights, bias, diff_dst;
};

// The gradient by the weights is that of another function than the one by src, in the 17th digit.
struct TwoFunctions {
  template <class T>
  static Element<T> element(const Reference& right, const Case& c, const Arrays<T>& inputs, std::string_view argument) {
    const Element<T> truth = right.element<T>(c, inputs, argument);
    if (argument != "diff_weights") return truth;
    return [=](const Position& p) { return truth(p) * (T(1.0) + T(0x1p-56)); };
  }
};

// softmax whose gradient forgets that an element enters the sum of all.
struct SumIsConstant {
  template <class T>
  static Element<T> element(const Reference& right, const Case& c, const Arrays<T>& inputs, std::string_view argument) {
    const Element<T> dst = right.element<T>(c, inputs, "dst");
    if (argument != "diff_src") return dst;
    const Array<T>* diff_dst = &inputs.at("diff_dst");
    return [=](const Position& p) { return diff_dst->at(p) * dst(p); };
  }
};

}  // namespace

std::vector<Mutant> reference_mutants() {
  const std::vector<std::string> truth{"fd", "fd50", "adjoint"};
  const std::vector<std::string> truth_and_symmetry{"fd", "fd50", "adjoint", "second"};
  return {
      {"leaky-gradient",
       "relu",
       "the reference's gradient is that of a leaky relu",
       truth,
       {},
       make_reference<LeakyGradientFormulas>()},
      {"seventeenth-digit",
       "relu",
       "the reference's gradient is wrong in the 17th digit",
       truth,
       {},
       make_reference<SeventeenthDigitFormulas>()},
      {"not-affine",
       "linear",
       "declared affine, but a small square is in it",
       truth,
       {},
       make_reference<NotAffineFormulas>()},
      {"gradients-of-two-functions",
       "linear",
       "the gradient by the weights is that of another function, in the 17th digit",
       truth_and_symmetry,
       {},
       faulty_reference<TwoFunctions>()},
      {"sum-is-constant",
       "softmax",
       "the reference's gradient forgets that an element enters the sum of all",
       truth_and_symmetry,
       {},
       faulty_reference<SumIsConstant>()},
  };
}

}  // namespace gradproof
