// What the formulas of windowed pools share: the taps of a window and the windows over an input. n batch, c channel,
// o = (od, oh, ow) windows, i = (id, ih, iw) inputs and k = (kd, kh, kw) taps, with i = o * stride - pad + k * dilation
// on each axis.
#pragma once

#include <vector>

#include "reference/grid.h"
#include "reference/sliding.h"

namespace gradproof {

template <class T>
struct Pooling {
  Pooling(const Window& window, const Arrays<T>& inputs)
      : d(window.axes[0]), h(window.axes[1]), w(window.axes[2]), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

  // Calls visit(id, ih, iw) for every tap of a window, padding included.
  template <class Visit>
  void for_each_tap(const Point& window, Visit visit) const {
    const auto [n, c, od, oh, ow] = window;
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) visit(d.input_of(od, kd), h.input_of(oh, kh), w.input_of(ow, kw));
  }

  // Calls visit(window) for every window that sees input p, once for each tap that falls on it.
  template <class Visit>
  void for_each_window(const Point& p, Visit visit) const {
    const auto [n, c, id, ih, iw] = p;
    for (Index kd = 0; kd < d.kernel; ++kd)
      for (Index kh = 0; kh < h.kernel; ++kh)
        for (Index kw = 0; kw < w.kernel; ++kw) {
          const auto od = d.window_of(id, kd), oh = h.window_of(ih, kh), ow = w.window_of(iw, kw);
          if (od && oh && ow) visit(Point{n, c, *od, *oh, *ow});
        }
  }

  // src[n, c, o * stride - pad + k * dilation] of the taps k inside
  std::vector<T> inputs_of(const Point& window) const {
    std::vector<T> inside;
    for_each_tap(window, [&](Index id, Index ih, Index iw) {
      if (src.contains(id, ih, iw)) inside.push_back(src(window[0], window[1], id, ih, iw));
    });
    return inside;
  }

  // sum over the taps k inside of src[n, c, o * stride - pad + k * dilation]
  T sum_of_window(const Point& window) const {
    T sum(0.0);
    for (const T& x : inputs_of(window)) sum += x;
    return sum;
  }

  const Sliding d, h, w;
  const Grid<T> src, diff_dst;
};

}  // namespace gradproof
