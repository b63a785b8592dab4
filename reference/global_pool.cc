// Averages, sums and maxima of whole channels, and their gradients. n batch, c channel, i = (id, ih, iw); m elements a
// channel of one image.

#include "ops/core/window.h"
#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/winner.h"

namespace gradproof {
namespace {

template <class T>
struct GlobalSumPoolFormulas {
  // dst[n,c] = sum over i of src[n,c,i]
  T dst(const Point& p) const {
    const auto& [d, h, w] = window.axes;
    T sum(0.0);
    for (Index id = 0; id < d.in; ++id)
      for (Index ih = 0; ih < h.in; ++ih)
        for (Index iw = 0; iw < w.in; ++iw) sum += src(p[0], p[1], id, ih, iw);
    return sum;
  }

  // diff_src[n,c,i] = diff_dst[n,c]
  T diff_src(const Point& p) const { return diff_dst(p[0], p[1]); }

  static FormulaTable<GlobalSumPoolFormulas, T> table() {
    return {{"dst", &GlobalSumPoolFormulas::dst}, {"diff_src", &GlobalSumPoolFormulas::diff_src}};
  }

  GlobalSumPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : window(window_of(c.attributes)), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

  const Window window;
  const Grid<T> src, diff_dst;
};

// Lin, Chen and Yan 2014: Network in network, arXiv:1312.4400, section 3.2.
template <class T>
struct GlobalAvgPoolFormulas {
  // dst[n,c] = 1/m * sum over i of src[n,c,i]
  T dst(const Point& p) const { return of_sums.dst(p) / m; }

  // diff_src[n,c,i] = diff_dst[n,c] / m
  T diff_src(const Point& p) const { return of_sums.diff_src(p) / m; }

  static FormulaTable<GlobalAvgPoolFormulas, T> table() {
    return {{"dst", &GlobalAvgPoolFormulas::dst}, {"diff_src", &GlobalAvgPoolFormulas::diff_src}};
  }

  GlobalAvgPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : of_sums(c, inputs), m(static_cast<double>(of_sums.window.in_count())) {}

 private:
  const GlobalSumPoolFormulas<T> of_sums;
  const T m;
};

// With the conventions of max_pool; positions are numbered in row-major order.
template <class T>
struct GlobalMaxPoolFormulas {
  // dst[n,c] = maximum over i of src[n,c,i]
  T dst(const Point& p) const {
    return of_winner(p, [](Index, const T& x) { return x; });
  }

  // argmax[n,c] = number of the position that wins
  T argmax(const Point& p) const {
    return of_winner(p, [](Index i, const T&) { return T(static_cast<double>(i)); });
  }

  // diff_src[n,c,i] = diff_dst[n,c] if position i wins, otherwise 0
  T diff_src(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    const Index here = number(id, ih, iw);
    return of_winner(p, [&](Index i, const T&) { return i == here ? diff_dst(p[0], p[1]) : T(0.0); });
  }

  static FormulaTable<GlobalMaxPoolFormulas, T> table() {
    using F = GlobalMaxPoolFormulas;
    return {{"dst", &F::dst}, {"argmax", &F::argmax}, {"diff_src", &F::diff_src}};
  }

  GlobalMaxPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : window(window_of(c.attributes)), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

 private:
  Index number(Index id, Index ih, Index iw) const { return (id * window.axes[1].in + ih) * window.axes[2].in + iw; }

  // What `of` says about the position of channel p[1] that wins.
  template <class Of>
  T of_winner(const Point& p, Of of) const {
    const auto& [d, h, w] = window.axes;
    Winner<T> winner;
    for (Index id = 0; id < d.in; ++id)
      for (Index ih = 0; ih < h.in; ++ih)
        for (Index iw = 0; iw < w.in; ++iw) {
          const T x = src(p[0], p[1], id, ih, iw);
          winner.meet(x, of(number(id, ih, iw), x));
        }
    return winner.value();
  }

  const Window window;
  const Grid<T> src, diff_dst;
};

}  // namespace

Reference global_avg_pool_reference() { return make_reference<GlobalAvgPoolFormulas>(); }
Reference global_max_pool_reference() { return make_reference<GlobalMaxPoolFormulas>(); }
Reference global_sum_pool_reference() { return make_reference<GlobalSumPoolFormulas>(); }

}  // namespace gradproof
