// The way back through argmax, and its gradient. n batch, c channel, o = (od, oh, ow) windows, i = (id, ih, iw) places
// of dst and k = (kd, kh, kw) taps, with i = o * stride - pad + k * dilation on each axis; taps are also numbered in
// row-major order.

#include "reference/families.h"
#include "reference/formulas.h"
#include "reference/sliding.h"

namespace gradproof {
namespace {

// Windows that overlap add up. A tap that falls on padding, or a number that is no tap, leads nowhere.
template <class T>
struct MaxUnpoolFormulas {
  // dst[n,c,i] = sum of src[n,c,o] over the windows o whose tap number argmax[n,c,o] falls on i
  T dst(const Point& p) const {
    const auto [n, c, id, ih, iw] = p;
    T sum(0.0);
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto od = d.window_of(id, kd), oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
          if (!od || !oh || !ow) continue;
          if (whole(argmax(n, c, *od, *oh, *ow)) == tap_number(kd, kh, kw)) sum += src(n, c, *od, *oh, *ow);
        }
    return sum;
  }

  // diff_src[n,c,o] = diff_dst[n,c,i] where the tap number argmax[n,c,o] falls on i; 0 where it leads nowhere
  T diff_src(const Point& window) const {
    const auto [n, c, od, oh, ow] = window;
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw)
          if (whole(argmax(window)) == tap_number(kd, kh, kw))
            return diff_dst.padded(n, c, d.input_of(od, kd), h.input_of(oh, kh), w.input_of(ow, kw));
    return T(0.0);
  }

  static FormulaTable<MaxUnpoolFormulas, T> table() {
    return {{"dst", &MaxUnpoolFormulas::dst}, {"diff_src", &MaxUnpoolFormulas::diff_src}};
  }

  MaxUnpoolFormulas(const Case& c, const Arrays<T>& inputs) : MaxUnpoolFormulas(window_of(c.attributes), inputs) {}

 private:
  MaxUnpoolFormulas(const Window& window, const Arrays<T>& inputs)
      : d(window.axes[0]),
        h(window.axes[1]),
        w(window.axes[2]),
        src(inputs, "src"),
        argmax(inputs, "argmax"),
        diff_dst(inputs, "diff_dst") {}

  Index tap_number(Index kd, Index kh, Index kw) const { return (kd * h.kernel + kh) * w.kernel + kw; }

  const Sliding d, h, w;
  const Grid<T> src, argmax, diff_dst;
};

}  // namespace

Reference max_unpool_reference() { return make_reference<MaxUnpoolFormulas>(); }

}  // namespace gradproof
