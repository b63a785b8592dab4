// Max pooling to a given size, and its gradient. n batch, c channel, o = (od, oh, ow) windows, i = (id, ih, iw) inputs.
// Along each axis window o holds the inputs floor(o * in / out) <= i < ceil((o + 1) * in / out).

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/winner.h"

namespace gradproof {
namespace {

struct AdaptiveWindows {
  Index in, out;

  AdaptiveWindows(const Attributes& attributes, const std::string& axis)
      : in(attributes.integer("i" + axis)), out(attributes.integer("o" + axis)) {}

  Index first(Index o) const { return o * in / out; }
  Index end(Index o) const { return ((o + 1) * in + out - 1) / out; }
  bool holds(Index o, Index i) const { return first(o) <= i && i < end(o); }

  Index widest() const {
    Index most = 0;
    for (Index o = 0; o < out; ++o) most = std::max(most, end(o) - first(o));
    return most;
  }
};

// With the conventions of max_pool. Taps are numbered in row-major order within a box that holds the widest window
// along each axis.
template <class T>
struct AdaptiveMaxPoolFormulas {
  // dst[n,c,o] = maximum over the inputs i of window o of src[n,c,i]
  T dst(const Point& window) const {
    return of_winner(window, [](Index, const T& x) { return x; });
  }

  // argmax[n,c,o] = number of the tap that wins, relative to the window
  T argmax(const Point& window) const {
    return of_winner(window, [](Index tap, const T&) { return T(static_cast<double>(tap)); });
  }

  // diff_src[n,c,i] = sum of diff_dst[n,c,o] over the windows o that input i wins
  T diff_src(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    T sum(0.0);
    for (Index od = 0; od < d.out; ++od)
      for (Index oh = 0; oh < h.out; ++oh)
        for (Index ow = 0; ow < w.out; ++ow) {
          if (!d.holds(od, id) || !h.holds(oh, ih) || !w.holds(ow, iw)) continue;
          const Point window{n, c, od, oh, ow};
          const Index here = tap_number(window, id, ih, iw);
          sum += of_winner(window, [&](Index tap, const T&) { return tap == here ? diff_dst(window) : T(0.0); });
        }
    return sum;
  }

  static FormulaTable<AdaptiveMaxPoolFormulas, T> table() {
    using F = AdaptiveMaxPoolFormulas;
    return {{"dst", &F::dst}, {"argmax", &F::argmax}, {"diff_src", &F::diff_src}};
  }

  AdaptiveMaxPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : d(c.attributes, "d"),
        h(c.attributes, "h"),
        w(c.attributes, "w"),
        kh(h.widest()),
        kw(w.widest()),
        src(inputs, "src"),
        diff_dst(inputs, "diff_dst") {}

 private:
  // What `of` says about the tap that wins the window.
  template <class Of>
  T of_winner(const Point& window, Of of) const {
    const auto [n, c, od, oh, ow] = window;
    Winner<T> winner;
    for (Index id = d.first(od); id < d.end(od); ++id)
      for (Index ih = h.first(oh); ih < h.end(oh); ++ih)
        for (Index iw = w.first(ow); iw < w.end(ow); ++iw) {
          const T x = src(n, c, id, ih, iw);
          winner.meet(x, of(tap_number(window, id, ih, iw), x));
        }
    return winner.value();
  }

  Index tap_number(const Point& window, Index id, Index ih, Index iw) const {
    return ((id - d.first(window[2])) * kh + ih - h.first(window[3])) * kw + iw - w.first(window[4]);
  }

  const AdaptiveWindows d, h, w;
  const Index kh, kw;
  const Grid<T> src, diff_dst;
};

}  // namespace

Reference adaptive_max_pool_reference() { return make_reference<AdaptiveMaxPoolFormulas>(); }

}  // namespace gradproof
