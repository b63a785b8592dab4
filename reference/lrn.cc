// Local response normalization and its gradient. n batch, c channel, i = (id, ih, iw).

#include <map>

#include "ops/core/window.h"
#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// lrn (Krizhevsky, Sutskever and Hinton 2012, section 3.3) with the conventions of PyTorch's LocalResponseNorm: alpha
// is divided by the number m of elements of a window, of which those outside are zero, and an even window has one
// element more before p than behind.
template <class T>
struct LrnFormulas {
  LrnFormulas(const Case& c, const Arrays<T>& inputs)
      : size(c.attributes.integer("size")),
        alpha(c.attributes.real("alpha")),
        beta(c.attributes.real("beta")),
        k(c.attributes.real("k")),
        m(1.0),
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst") {
    const Window window = window_of(c.attributes);
    const bool within = c.attributes.flag("within");
    extents = {1, c.attributes.integer("c"), window.axes[0].in, window.axes[1].in, window.axes[2].in};
    for (size_t axis = 1; axis < 5; ++axis) {
      const bool spatial = axis >= 2 && static_cast<int>(axis) >= 5 - window.rank;
      slides[axis] = within ? spatial : axis == 1;
      if (slides[axis]) m *= T(static_cast<double>(size));
    }
  }

  // dst[p] = src[p] / scale[p]^beta
  T dst(const Point& p) const { return src(p) / power(p); }

  // diff_src[p] = diff_dst[p] / scale[p]^beta
  //             - src[p] * 2 * beta * alpha/m * sum over the q in whose window p lies of diff_dst[q] * dst[q] /
  //             scale[q]
  T diff_src(const Point& p) const {
    T sum(0.0);
    for_each_neighbour(p, (size - 1) / 2, size / 2, [&](const Point& q) { sum += diff_dst(q) * dst(q) / scale(q); });
    return diff_dst(p) / power(p) - src(p) * sum * T(2.0) * beta * alpha / m;
  }

  static FormulaTable<LrnFormulas, T> table() {
    return {{"dst", &LrnFormulas::dst}, {"diff_src", &LrnFormulas::diff_src}};
  }

 private:
  // scale[p] = k + alpha/m * sum over the q in the window of p of src[q]^2
  const T& scale(const Point& p) const {
    return remembered(scales, p, [&] {
      T sum(0.0);
      for_each_neighbour(p, size / 2, (size - 1) / 2, [&](const Point& q) { sum += square(src(q)); });
      return k + alpha / m * sum;
    });
  }
  // scale[p]^beta
  const T& power(const Point& p) const {
    return remembered(powers, p, [&] { return exp(beta * log(scale(p))); });
  }

  // Calls visit(q) for p - before <= q <= p + behind, as far as the tensor goes, along each axis that windows have.
  template <class Visit>
  void for_each_neighbour(const Point& p, Index before, Index behind, Visit visit) const {
    const auto first = [&](size_t axis) { return slides[axis] ? std::max<Index>(0, p[axis] - before) : p[axis]; };
    const auto last = [&](size_t axis) {
      return slides[axis] ? std::min(extents[axis] - 1, p[axis] + behind) : p[axis];
    };
    for (Index c = first(1); c <= last(1); ++c)
      for (Index d = first(2); d <= last(2); ++d)
        for (Index h = first(3); h <= last(3); ++h)
          for (Index w = first(4); w <= last(4); ++w) visit(Point{p[0], c, d, h, w});
  }

  template <class Compute>
  static const T& remembered(std::map<Point, T>& known, const Point& p, Compute compute) {
    const auto found = known.find(p);
    return found != known.end() ? found->second : known.emplace(p, compute()).first->second;
  }

  const Index size;
  const T alpha, beta, k;
  T m;  // elements of a window
  const Grid<T> src, diff_dst;
  Point extents{};
  std::array<bool, 5> slides{};  // n, c, d, h, w: whether windows extend along this axis
  mutable std::map<Point, T> scales, powers;
};

}  // namespace

Reference lrn_reference() { return make_reference<LrnFormulas>(); }

}  // namespace gradproof
