// The windows of a pool, and their taps, in plain loops.
#pragma once

#include <array>
#include <vector>

#include "ops/core/window.h"

namespace gradproof {

// The axes may be changed, to look at other windows; the number of windows stays.
struct NaiveWindows {
  using Place = std::array<Index, 3>;  // d, h, w
  struct Tap {
    Index number;  // row-major in the window
    Index input;   // row-major in src
  };

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

  // Calls visit(plane, number, taps within the input) for them.
  template <class Visit>
  void for_each_with_taps(Index planes, const Visit& visit) const {
    for_each(planes, [&](Index plane, const Place& o, Index number) { visit(plane, number, taps_of(plane, o)); });
  }

  // Calls visit(tap, source) for all taps of a window: the number of the input that it falls on, -1 for padding.
  template <class Visit>
  void for_each_tap(Index plane, const Place& o, const Visit& visit) const {
    for (Index kd = 0, tap = 0; kd < axes[0].kernel; ++kd)
      for (Index kh = 0; kh < axes[1].kernel; ++kh)
        for (Index kw = 0; kw < axes[2].kernel; ++kw, ++tap) visit(tap, source_of(plane, o, {kd, kh, kw}));
  }

  std::vector<Tap> taps_of(Index plane, const Place& o) const {
    std::vector<Tap> taps;
    for_each_tap(plane, o, [&](Index number, Index input) {
      if (input >= 0) taps.push_back({number, input});
    });
    return taps;
  }

  Index taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }

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
