// Pooling by choice, and its gradients. n batch, c channel, o = (od, oh, ow) windows, i = (id, ih, iw) inputs and k =
// (kd, kh, kw) taps, with i = o * stride - pad + k * dilation on each axis; taps are also numbered in row-major order.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"
#include "reference/winner.h"

namespace gradproof {
namespace {

// What wins: the largest key.
struct Largest {
  template <class T>
  static T key(const T& x) {
    return x;
  }
};
struct Smallest {
  template <class T>
  static T key(const T& x) {
    return -x;
  }
};

// With the conventions of PyTorch: the first tap wins a tie, NaN wins over numbers, padding never wins. Each window
// sees at least one input.
template <class T, class Order>
struct ChoosingPool {
  // dst[n,c,o] = maximum (minimum) over the taps k inside of src[n, c, o * stride - pad + k * dilation]
  T dst(const Point& window) const {
    return of_winner(window, [](Index, const T& x) { return x; });
  }

  // argmax[n,c,o] = number of the tap that wins, relative to the window
  T argmax(const Point& window) const {
    return of_winner(window, [](Index tap, const T&) { return T(static_cast<double>(tap)); });
  }

  // diff_src[n,c,i] = sum of diff_dst[n,c,o] over the windows o won by the tap that falls on i
  T diff_src(const Point& p) const {
    T sum(0.0);
    for_each_window(p, [&](const Point& window, Index here) {
      sum += of_winner(window, [&](Index tap, const T&) { return tap == here ? diff_dst(window) : T(0.0); });
    });
    return sum;
  }

  static FormulaTable<ChoosingPool, T> table() {
    return {{"dst", &ChoosingPool::dst}, {"argmax", &ChoosingPool::argmax}, {"diff_src", &ChoosingPool::diff_src}};
  }

  ChoosingPool(const Case& c, const Arrays<T>& inputs) : ChoosingPool(window_of(c.attributes), inputs) {}

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

  // Calls visit(window, tap) for the windows that see input p, and the tap that falls on it.
  template <class Visit>
  void for_each_window(const Point& p, Visit visit) const {
    const auto [n, c, id, ih, iw] = p;
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto od = d.window_of(id, kd), oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
          if (od && oh && ow) visit(Point{n, c, *od, *oh, *ow}, tap_number(kd, kh, kw));
        }
  }

  // What `of` says about the tap that wins the window.
  template <class Of>
  T of_winner(const Point& window, Of of) const {
    Winner<T> winner;
    for_each_tap(window, [&](Index tap, const T& x) { winner.meet(Order::key(x), of(tap, x)); });
    return winner.value();
  }

  Index tap_number(Index kd, Index kh, Index kw) const { return (kd * h.kernel + kh) * w.kernel + kw; }

  const Sliding d, h, w;
  const Grid<T> src, diff_dst;

 private:
  ChoosingPool(const Window& window, const Arrays<T>& inputs)
      : d(window.axes[0]), h(window.axes[1]), w(window.axes[2]), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
};

template <class T>
using MaxPoolFormulas = ChoosingPool<T, Largest>;

template <class T>
using MinPoolFormulas = ChoosingPool<T, Smallest>;

// mixed_pool: Lee, Gallagher and Tu 2016, arXiv:1509.08985, section 3.1. Padding takes no part in the maximum and none
// in the average: m[o] is the number of taps of window o that lie inside.
template <class T>
struct MixedPoolFormulas : MaxPoolFormulas<T> {
  // dst[n,c,o] = a * maximum over the taps k inside of src + (1 - a) * 1/m[o] * sum over the taps k inside of src
  T dst(const Point& window) const { return a * largest(window) + (T(1.0) - a) * average(window); }

  // diff_src[n,c,i] = sum over the windows o that see i of
  //   a * diff_dst[n,c,o] if the tap that falls on i wins, + (1 - a) * diff_dst[n,c,o] / m[o]
  T diff_src(const Point& p) const {
    T sum(0.0);
    this->for_each_window(p, [&](const Point& window, Index here) {
      const T share = a * this->diff_dst(window);
      sum += this->of_winner(window, [&](Index tap, const T&) { return tap == here ? share : T(0.0); });
      sum += (T(1.0) - a) * (this->diff_dst(window) / count(window));
    });
    return sum;
  }

  // diff_a = sum over n, c, o of diff_dst[n,c,o] * (maximum - average)
  T diff_a(const Point&) const {
    T sum(0.0);
    for (Index n = 0; n < mb; ++n)
      for (Index c = 0; c < channels; ++c)
        for (Index od = 0; od < this->d.out; ++od)
          for (Index oh = 0; oh < this->h.out; ++oh)
            for (Index ow = 0; ow < this->w.out; ++ow) {
              const Point window{n, c, od, oh, ow};
              sum += this->diff_dst(window) * (largest(window) - average(window));
            }
    return sum;
  }

  static FormulaTable<MixedPoolFormulas, T> table() {
    using F = MixedPoolFormulas;
    return {{"dst", &F::dst}, {"argmax", &F::argmax}, {"diff_src", &F::diff_src}, {"diff_a", &F::diff_a}};
  }

  MixedPoolFormulas(const Case& c, const Arrays<T>& inputs)
      : MaxPoolFormulas<T>(c, inputs),
        mb(c.attributes.integer("mb")),
        channels(c.attributes.integer("c")),
        a(Grid<T>(inputs, "a")(0)) {}

 private:
  T argmax(const Point& window) const { return MaxPoolFormulas<T>::argmax(window); }
  T largest(const Point& window) const { return MaxPoolFormulas<T>::dst(window); }

  T average(const Point& window) const {
    T sum(0.0);
    this->for_each_tap(window, [&](Index, const T& x) { sum += x; });
    return sum / count(window);
  }

  T count(const Point& window) const {
    double taps = 0;
    this->for_each_tap(window, [&](Index, const T&) { ++taps; });
    return T(taps);
  }

  const Index mb, channels;
  const T a;
};

}  // namespace

Reference max_pool_reference() { return make_reference<MaxPoolFormulas>(); }
Reference min_pool_reference() { return make_reference<MinPoolFormulas>(); }
Reference mixed_pool_reference() { return make_reference<MixedPoolFormulas>(); }

}  // namespace gradproof
