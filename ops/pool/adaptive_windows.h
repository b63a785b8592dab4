// Windows of which there are as many as are asked for, along one axis.
#pragma once

#include <algorithm>

#include "ops/core/shape.h"

namespace gradproof {

// Window o holds inputs first(o) = floor(o * in / out) ... end(o) - 1 = ceil((o + 1) * in / out) - 1: none is empty,
// and neighbours share one input where the sizes do not divide (PyTorch's AdaptiveAvgPool). Input i is held by the
// windows that `windows_over_inputs()` gives as window i: o * in / out < i + 1 and (o + 1) * in / out > i say so.
struct AdaptiveAxis {
  Index in = 1, out = 1;

  Index first(Index o) const { return o * in / out; }
  Index end(Index o) const { return ((o + 1) * in + out - 1) / out; }
  Index size(Index o) const { return end(o) - first(o); }
  AdaptiveAxis windows_over_inputs() const { return {out, in}; }

  Index largest() const {
    Index most = 0;
    for (Index o = 0; o < out; ++o) most = std::max(most, size(o));
    return most;
  }
  // Elements of all windows.
  Index total() const {
    Index sum = 0;
    for (Index o = 0; o < out; ++o) sum += size(o);
    return sum;
  }
};

}  // namespace gradproof
