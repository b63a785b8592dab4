// The p-norm of each window.

#include <limits>
#include <map>

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/pooling.h"

namespace gradproof {
namespace {

// Goodfellow, Bengio and Courville 2016, section 2.5; as pooling Sermanet, Chintala and LeCun 2012, arXiv:1204.3968,
// section 2.2. With M the largest |x| of a window, (sum |x|^p)^(1/p) = M (sum (|x| / M)^p)^(1/p), where no power leaves
// the range of any number. What is not finite stays: the norm of a window with an infinity is infinite.
template <class T>
struct LpPoolFormulas : Pooling<T> {
  // dst[n,c,o] = (sum over the taps k inside of |src[n, c, o * stride - pad + k * dilation]|^p)^(1/p); of nothing but
  // zeros 0
  T dst(const Point& o) const {
    if (p == 1) return sum_of_magnitudes(this->inputs_of(o));
    const Norm& norm = norm_of(o);
    const T finite_or_not = select(exceeds(norm.largest, T(kMost)), norm.largest, norm.largest * norm.relative);
    return select(exceeds(norm.largest, T(0.0)), finite_or_not, T(0.0));
  }

  // diff_src[n,c,i] = sum over the windows o that see i of diff_dst[n,c,o] * sign(src) * (|src| / dst[n,c,o])^(p-1),
  // with src at n,c,i; the sign of 0 is 0, NaN counts as positive, and windows of nothing but zeros send 0
  T diff_src(const Point& i) const {
    const T x = this->src(i);
    T sum(0.0);
    this->for_each_window(i, [&](const Point& o) { sum += this->diff_dst(o) * (sign(x) * share(magnitude(x), o)); });
    return sum;
  }

  static FormulaTable<LpPoolFormulas, T> table() {
    return {{"dst", &LpPoolFormulas::dst}, {"diff_src", &LpPoolFormulas::diff_src}};
  }

  LpPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : Pooling<T>(window_of(c.attributes), inputs), p(c.attributes.real("norm")) {}

 private:
  static constexpr double kMost = std::numeric_limits<float>::max();  // of an input that is finite

  // Of a window: M = the largest |x|, and (sum (|x| / M)^p)^(1/p).
  struct Norm {
    T largest, relative;

    Norm(const std::vector<T>& inside, double p) : largest(0.0), relative(0.0) {
      for (const T& x : inside) largest = maximum(largest, magnitude(x));
      T sum(0.0);
      for (const T& x : inside) sum += power(magnitude(x) / largest, p);
      relative = p == 2 ? T(sqrt(sum)) : T(exp(log(sum) / T(p)));
    }
  };

  const Norm& norm_of(const Point& o) const { return norms.try_emplace(o, this->inputs_of(o), p).first->second; }

  // (magnitude / dst[o])^(p-1); of a window of nothing but zeros 0
  T share(const T& magnitude, const Point& o) const {
    if (p == 1) return T(1.0);
    const Norm& norm = norm_of(o);
    const T part = magnitude / norm.largest;
    const T ratio = select(exceeds(norm.largest, T(kMost)), part, part / norm.relative);
    return select(exceeds(norm.largest, T(0.0)), power(ratio, p - 1), T(0.0));
  }

  static T sum_of_magnitudes(const std::vector<T>& inside) {
    T sum(0.0);
    for (const T& x : inside) sum += magnitude(x);
    return sum;
  }

  // The constant 0 at 0, so that its tangent there is 0, as the sign is.
  static T magnitude(const T& x) { return select(exceeds(T(0.0), x), -x, select(exceeds(x, T(0.0)), x, T(0.0))); }
  static T sign(const T& x) { return select(exceeds(x, T(0.0)), T(1.0), select(exceeds(T(0.0), x), T(-1.0), T(0.0))); }

  // x^q of x >= 0 and q > 0
  static T power(const T& x, double q) {
    if (q == 1) return x;
    if (q == 2) return x * x;
    return select(exceeds(x, T(0.0)), T(exp(T(q) * log(x))), T(0.0));
  }

  const double p;
  mutable std::map<Point, Norm> norms;  // by window, once computed
};

}  // namespace

Reference lp_pool_reference() { return make_reference<LpPoolFormulas>(); }

}  // namespace gradproof
