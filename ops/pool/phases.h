// Windows without strides: each axis of a padded input is dealt out into `stride` phases, so that tap k of window o
// lies at cell o + shift(k) of phase k * dilation mod stride. Neighbouring windows then read neighbouring cells,
// whatever the stride and dilation, and one contiguous sweep serves all of them.
#pragma once

#include <vector>

#include "ops/core/window.h"

namespace gradproof {

class PhaseAxis {
 public:
  explicit PhaseAxis(const WindowAxis& axis);

  // Input element i is at padded position i + pad = cell * stride + phase.
  Index in, out, kernel, stride, dilation, pad;
  std::vector<Index> phases;  // those that taps read, ascending
  std::vector<Index> plane;   // tap -> number of its phase in `phases`
  std::vector<Index> shift;   // tap -> cells to the right of the window's first

  Index phase_count() const { return static_cast<Index>(phases.size()); }
  Index max_shift() const { return shift.back(); }
  // Cells that a phase needs to hold the whole input.
  Index in_cells() const { return (in - 1 + pad) / stride + 1; }
  // Whether each window has all its taps within the input.
  bool windows_inside() const { return pad == 0 && (out - 1) * stride + (kernel - 1) * dilation < in; }
  // Input that a tap of window o reads; outside [0, in) in the padding.
  Index input_of(Index o, Index tap) const { return o * stride - pad + tap * dilation; }
  // The first tap of window o within the input.
  Index first_tap(Index o) const;

  // The part of a phase that holds input: cells cell, cell + 1, ... are elements input, input + stride, ...
  struct Run {
    Index cell, input, count;
  };
  Run run(Index phase, Index cells) const;
};

// The three axes of a pooling, after axes without windows have been merged: a 1D pooling of many channels is one image
// with a row for each of them.
struct PoolGeometry {
  Index planes;  // images of d * h * w elements
  PhaseAxis d, h, w;

  PoolGeometry(Index plane_count, const Window& window);
  Index in_count() const { return d.in * h.in * w.in; }
  Index out_count() const { return d.out * h.out * w.out; }
};

}  // namespace gradproof
