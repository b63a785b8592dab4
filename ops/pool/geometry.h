// The three axes of a pooling.
#pragma once

#include "ops/core/window.h"

namespace gradproof {

// Tap k of window o reads input o * stride - pad + k * dilation.
struct PoolAxis {
  Index in, out, kernel, stride, dilation, pad;

  explicit PoolAxis(const WindowAxis& axis);

  Index extent() const { return (kernel - 1) * dilation + 1; }
  // Input that a tap of window o reads; outside [0, in) in the padding.
  Index input_of(Index o, Index tap) const { return o * stride - pad + tap * dilation; }
  bool holds(Index i) const { return i >= 0 && i < in; }
  // The first tap of window o within the input.
  Index first_tap(Index o) const;
  // How many taps of window o are within the input.
  Index taps_inside(Index o) const;
  // The first window, perhaps a negative one, that reaches as far as input i.
  Index first_window(Index i) const;
  // The window whose tap reads input i; -1 when there is none.
  Index window_of(Index i, Index tap) const;
};

// The axes, after those without windows have been merged: a 1D pooling of many channels is one image with a row for
// each of them.
struct PoolGeometry {
  Index planes;  // images of d * h * w elements
  PoolAxis d, h, w;

  PoolGeometry(Index plane_count, const Window& window);
  Index in_count() const { return d.in * h.in * w.in; }
  Index out_count() const { return d.out * h.out * w.out; }
  // Whether windows along h and w are squares of 2 or 3 neighbours, `stride` apart.
  bool has_neighbours(Index stride) const;
};

}  // namespace gradproof
