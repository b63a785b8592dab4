// Rows split by the phase of the stride, so that windows beside each other read elements beside each other.
#pragma once

#include <algorithm>

#include "ops/pool/geometry.h"

namespace gradproof {

// Element x of phase r holds input x * stride + r - pad. Tap k of window o reads element o + shift(k) of phase(k).
struct PhasedAxis {
  Index in, stride, pad;
  Index elements;  // of a phase: what windows read, and every input

  explicit PhasedAxis(const PoolAxis& axis)
      : in(axis.in),
        stride(axis.stride),
        pad(axis.pad),
        elements(std::max(axis.out + (axis.extent() - 1) / axis.stride, (axis.in - 1 + axis.pad) / axis.stride + 1)) {}

  // Where tap k of window 0 is in a row whose phases are `pitch` elements apart.
  Index place_of_tap(const PoolAxis& axis, Index k, Index pitch) const {
    return k * axis.dilation % stride * pitch + k * axis.dilation / stride;
  }
  // Elements first(r) ... end(r) - 1 of phase r hold inputs.
  Index first(Index r) const { return (pad - r + stride - 1) / stride; }
  Index end(Index r) const { return (in + pad - r + stride - 1) / stride; }
  Index input_of(Index r, Index x) const { return x * stride + r - pad; }
};

}  // namespace gradproof
