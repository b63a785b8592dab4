// Windows as naive kernels look at them, for pools of any kind.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "ops/core/window.h"

namespace gradproof {

// The axes may be changed, to look at other windows; the number of windows stays.
struct NaiveWindows {
  using Place = std::array<Index, 3>;
  struct Tap {
    Index number;  // row-major in the window
    Index input;   // row-major in src
  };

  explicit NaiveWindows(const Attributes& attributes) : axes(window_of(attributes).axes) {
    for (size_t axis = 0; axis < 3; ++axis) out[axis] = axes[axis].out();
  }

  // Calls visit(plane, number of the window in dst, taps within the input).
  template <class Visit>
  void for_each(Index planes, Visit visit) const {
    Index number = 0;
    for (Index plane = 0; plane < planes; ++plane)
      for (Index od = 0; od < out[0]; ++od)
        for (Index oh = 0; oh < out[1]; ++oh)
          for (Index ow = 0; ow < out[2]; ++ow) visit(plane, number++, taps_of(plane, {od, oh, ow}));
  }

  std::vector<Tap> taps_of(Index plane, const Place& o) const {
    std::vector<Tap> taps;
    Index number = 0;
    for (Index kd = 0; kd < axes[0].kernel; ++kd)
      for (Index kh = 0; kh < axes[1].kernel; ++kh)
        for (Index kw = 0; kw < axes[2].kernel; ++kw, ++number) {
          const Place k{kd, kh, kw};
          Index input = plane;
          bool inside = true;
          for (size_t axis = 0; axis < 3; ++axis) {
            const Index i = o[axis] * axes[axis].stride - axes[axis].pad_lo + k[axis] * axes[axis].dilation;
            inside &= i >= 0 && i < axes[axis].in;
            input = input * axes[axis].in + i;
          }
          if (inside) taps.push_back({number, input});
        }
    return taps;
  }

  Index taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }

  std::array<WindowAxis, 3> axes;
  Place out{};
};

}  // namespace gradproof
