// adaptive_max_pool: the largest element of each of a given number of windows along each axis, and where it was.
#pragma once

#include <array>

#include "ops/core/registry.h"

namespace gradproof {

// `out` windows that cover `in` inputs: window o holds floor(o * in / out) <= i < ceil((o + 1) * in / out).
struct AdaptiveAxis {
  Index in = 1, out = 1;

  Index first(Index o) const { return o * in / out; }
  Index end(Index o) const { return ((o + 1) * in + out - 1) / out; }
  Index widest() const;
  bool uniform() const { return in % out == 0; }  // windows are equal and lie side by side
  Index seen() const;                             // elements of all windows

  // The windows that hold an input are, conversely, those of an axis with `in` and `out` exchanged.
  AdaptiveAxis reversed() const { return {out, in}; }
};

struct AdaptivePoolAttributes {
  Index mb, c;
  int rank;
  std::array<AdaptiveAxis, 3> axes;  // d, h, w

  // argmax counts taps, row-major in a box that holds the widest window along each axis: one byte holds it for up to
  // 255.
  ElementType argmax_type() const;
};

AdaptivePoolAttributes adaptive_pool_attributes(const Attributes& attributes);

Operation adaptive_max_pool_operation();

}  // namespace gradproof
