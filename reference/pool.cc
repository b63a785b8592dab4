// Pooling and its gradients. n batch, c channel, o = (od, oh, ow) windows, i = (id, ih, iw) inputs and k = (kd, kh, kw)
// taps, with i = o * stride - pad + k * dilation on each axis; taps are also numbered in row-major order.

#include <limits>
#include <optional>

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

// max_pool, with the conventions of PyTorch: the first tap wins a tie, NaN wins over numbers, padding never wins.
template <class T>
struct MaxPoolFormulas {
  // dst[n,c,o] = maximum over the taps k inside of src[n, c, o * stride - pad + k * dilation]
  T dst(const Point& window) const {
    std::optional<T> best;
    for_each_tap(window, [&](Index, const T& x) { best = best ? maximum(*best, x) : x; });
    return best.value_or(T(-std::numeric_limits<double>::infinity()));
  }

  // argmax[n,c,o] = number of the tap that wins, relative to the window
  T argmax(const Point& window) const {
    return of_winner(window, [](Index tap) { return T(static_cast<double>(tap)); });
  }

  // diff_src[n,c,i] = sum of diff_dst[n,c,o] over the windows o won by the tap that falls on i
  T diff_src(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    T sum(0.0);
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto od = d.window_of(id, kd), oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
          if (!od || !oh || !ow) continue;
          const Point window{n, c, *od, *oh, *ow};
          const Index here = tap_number(kd, kh, kw);
          sum += of_winner(window, [&](Index tap) { return tap == here ? diff_dst(window) : T(0.0); });
        }
    return sum;
  }

  static FormulaTable<MaxPoolFormulas, T> table() {
    return {
        {"dst", &MaxPoolFormulas::dst}, {"argmax", &MaxPoolFormulas::argmax}, {"diff_src", &MaxPoolFormulas::diff_src}};
  }

  MaxPoolFormulas(const Case& c, const Arrays<T>& inputs) : MaxPoolFormulas(window_of(c.attributes), inputs) {}

 private:
  MaxPoolFormulas(const Window& window, const Arrays<T>& inputs)
      : d(window.axes[0]), h(window.axes[1]), w(window.axes[2]), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

  Index tap_number(Index kd, Index kh, Index kw) const { return (kd * h.kernel + kh) * w.kernel + kw; }

  // Calls visit(tap, src) for the taps of a window that lie inside, in order.
  template <class Visit>
  void for_each_tap(const Point& window, Visit visit) const {
    const auto [n, c, od, oh, ow] = window;
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const Index id = d.input_of(od, kd), ih = h.input_of(oh, kh), iw = w.input_of(ow, kw);
          if (src.contains(id, ih, iw)) visit(tap_number(kd, kh, kw), src(n, c, id, ih, iw));
        }
  }

  // What `of` says about the tap that wins the window. Every decision goes through select, so that scalars see it.
  template <class Of>
  T of_winner(const Point& window, Of of) const {
    std::optional<T> best;
    T result(0.0);
    for_each_tap(window, [&](Index tap, const T& x) {
      if (!best) {
        best = x;
        result = of(tap);
      } else {
        const auto wins = exceeds(x, *best);
        best = select(wins, x, *best);
        result = select(wins, of(tap), result);
      }
    });
    return result;
  }

  const Sliding d, h, w;
  const Grid<T> src, diff_dst;
};

}  // namespace

Reference max_pool_reference() { return make_reference<MaxPoolFormulas>(); }

}  // namespace gradproof
