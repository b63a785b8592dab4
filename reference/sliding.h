// Sliding windows as the formulas write them: i = o * stride - pad + k * dilation.
#pragma once

#include <optional>

#include "ops/core/window.h"

namespace gradproof {

// One axis. Window o is one of 0 ... out - 1, tap k one of 0 ... kernel - 1; an input i outside the axis is padding.
struct Sliding {
  Index in, out, kernel, stride, pad, dilation;

  explicit Sliding(const WindowAxis& axis)
      : in(axis.in),
        out(axis.out()),
        kernel(axis.kernel),
        stride(axis.stride),
        pad(axis.pad_lo),
        dilation(axis.dilation) {}

  // The input that tap k of window o falls on.
  Index input_of(Index o, Index k) const { return o * stride - pad + k * dilation; }

  // The window whose tap k falls on input i, if there is one: o = (i + pad - k * dilation) / stride.
  std::optional<Index> window_of(Index i, Index k) const {
    const Index start = i + pad - k * dilation;
    if (start < 0 || start % stride != 0 || start / stride >= out) return {};
    return start / stride;
  }
};

}  // namespace gradproof
