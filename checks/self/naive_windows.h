// The windows of a pool, and their taps, in plain loops.
#pragma once

#include <array>

#include "ops/core/window.h"

namespace gradproof {

struct NaiveWindows {
  using Place = std::array<Index, 3>;  // d, h, w

  std::array<WindowAxis, 3> axes;
  Place out;  // how many windows

  explicit NaiveWindows(const Window& window)
      : axes(window.axes), out{window.axes[0].out(), window.axes[1].out(), window.axes[2].out()} {}

  // Calls visit(plane, o, number) for all windows of all planes, in order.
  template <class Visit>
  void for_each(Index planes, const Visit& visit) const {
    Index number = 0;
    for (Index plane = 0; plane < planes; ++plane)
      for (Index od = 0; od < out[0]; ++od)
        for (Index oh = 0; oh < out[1]; ++oh)
          for (Index ow = 0; ow < out[2]; ++ow) visit(plane, Place{od, oh, ow}, number++);
  }

  // Calls visit(tap, source) for all taps of a window: the number of the input that it falls on, -1 for padding.
  template <class Visit>
  void for_each_tap(Index plane, const Place& o, const Visit& visit) const {
    for (Index kd = 0, tap = 0; kd < axes[0].kernel; ++kd)
      for (Index kh = 0; kh < axes[1].kernel; ++kh)
        for (Index kw = 0; kw < axes[2].kernel; ++kw, ++tap) visit(tap, source_of(plane, o, {kd, kh, kw}));
  }

 private:
  Index source_of(Index plane, const Place& o, const Place& k) const {
    Index source = plane;
    for (size_t axis = 0; axis < 3; ++axis) {
      const WindowAxis& a = axes[axis];
      const Index i = o[axis] * a.stride - a.pad_lo + k[axis] * a.dilation;
      if (i < 0 || i >= a.in) return -1;
      source = source * a.in + i;
    }
    return source;
  }
};

}  // namespace gradproof
