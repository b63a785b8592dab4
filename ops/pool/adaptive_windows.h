// Windows of which there are as many as are asked for: what adaptive pools share.
#pragma once

#include <array>
#include <optional>

#include "ops/core/spec.h"

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

  bool uniform() const { return in % out == 0; }  // windows are equal and lie side by side
  Index largest() const;
  Index total() const;  // elements of all windows
};

struct AdaptivePoolAttributes {
  Index mb, c;
  int rank;
  std::array<AdaptiveAxis, 3> axes;  // d, h, w
};

AdaptivePoolAttributes adaptive_pool_attributes(const Attributes& attributes);

// mb, c, and the sizes of input and output.
std::vector<AttributeSpec> adaptive_pool_attribute_specs();

std::optional<Shape> adaptive_pool_src_shape(const Attributes& attributes);
std::optional<Shape> adaptive_pool_dst_shape(const Attributes& attributes);

}  // namespace gradproof
