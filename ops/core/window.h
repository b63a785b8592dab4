// Sliding windows: the sizes that convolutions and pools share, for the axes d, h, w.
#pragma once

#include <array>
#include <string_view>

#include "ops/core/attributes.h"
#include "ops/core/shape.h"

namespace gradproof {

// One axis of a sliding window. Tap k of window o reads input o * stride - pad_lo + k * dilation.
struct WindowAxis {
  Index in = 1;
  Index kernel = 1;
  Index stride = 1;
  Index pad_lo = 0;
  Index pad_hi = 0;
  Index dilation = 1;
  bool ceil_mode = false;
  Index windows = 0;  // how many there are, where not as many as fit; 0: as many as fit

  // Kernel extent with its dilation gaps: (kernel - 1) * dilation + 1.
  Index extent() const { return (kernel - 1) * dilation + 1; }

  // How many taps of a window read an input, not padding.
  Index taps_inside(Index window) const;

  // floor((in + pad_lo + pad_hi - extent) / stride) + 1. With ceil_mode the quotient is rounded up, except that
  // windows that would start beyond in + pad_lo are dropped (PyTorch's rule). 0: no window fits.
  Index out() const;
};

struct Window {
  int rank = 0;                    // 1 to 3; axes that are not there have size 1
  std::array<WindowAxis, 3> axes;  // d, h, w

  Index taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  Index in_count() const { return axes[0].in * axes[1].in * axes[2].in; }
  // Products of taps and inputs, of all windows. Slices of padding along the depth axis, which take no part and which
  // kernels skip, are not counted; along rows and columns padding is, as is usual.
  Index products() const;
  Index out_count() const { return axes[0].out() * axes[1].out() * axes[2].out(); }

  // {batch, channels, [d,] [h,] w} for the input and for the output.
  Shape in_shape(Index batch, Index channels) const;
  Shape out_shape(Index batch, Index channels) const;
};

// Reads i*, k*, s*, p*_lo, p*_hi, d* and ceil_mode, as far as they are declared.
Window window_of(const Attributes& attributes);

// {batch, channels, [id,] [ih,] iw} of an operation that has input sizes but no window.
Shape spatial_shape(const Attributes& attributes, Index batch, Index channels);

// Throws UsageError with the formula filled in when an output axis would be empty, and for a window with more taps than
// a tensor may have elements.
void require_output(std::string_view op, const Window& window);

}  // namespace gradproof
