#include "ops/pool/phases.h"

#include <algorithm>

namespace gradproof {
namespace {

bool is_trivial(const WindowAxis& axis) {
  return axis.kernel == 1 && axis.stride == 1 && axis.pad_lo == 0 && axis.pad_hi == 0;
}

Window merged(Index& planes, Window window) {
  auto& [d, h, w] = window.axes;
  if (!is_trivial(d)) return window;
  planes *= d.in;
  d.in = 1;
  if (is_trivial(h)) {
    h.in *= planes;
    planes = 1;
  }
  return window;
}

}  // namespace

PhaseAxis::PhaseAxis(const WindowAxis& axis)
    : in(axis.in),
      out(axis.out()),
      kernel(axis.kernel),
      stride(axis.stride),
      dilation(axis.dilation),
      pad(axis.pad_lo) {
  for (Index tap = 0; tap < kernel; ++tap) phases.push_back(tap * dilation % stride);
  std::sort(phases.begin(), phases.end());
  phases.erase(std::unique(phases.begin(), phases.end()), phases.end());
  for (Index tap = 0; tap < kernel; ++tap) {
    plane.push_back(std::lower_bound(phases.begin(), phases.end(), tap * dilation % stride) - phases.begin());
    shift.push_back(tap * dilation / stride);
  }
}

Index PhaseAxis::first_tap(Index o) const {
  const Index start = input_of(o, 0);
  return start >= 0 ? 0 : (-start + dilation - 1) / dilation;
}

PhaseAxis::Run PhaseAxis::run(Index phase, Index cells) const {
  const Index cell = phase >= pad ? 0 : (pad - phase + stride - 1) / stride;
  const Index input = cell * stride + phase - pad;
  const Index count = input < in ? (in - 1 - input) / stride + 1 : 0;
  return {cell, input, std::clamp<Index>(cells - cell, 0, count)};
}

PoolGeometry::PoolGeometry(Index plane_count, const Window& window)
    : planes(plane_count), d(WindowAxis()), h(WindowAxis()), w(WindowAxis()) {
  const Window flat = merged(planes, window);
  d = PhaseAxis(flat.axes[0]);
  h = PhaseAxis(flat.axes[1]);
  w = PhaseAxis(flat.axes[2]);
}

}  // namespace gradproof
