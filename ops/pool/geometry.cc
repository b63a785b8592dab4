#include "ops/pool/geometry.h"

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

// A stride beyond the padded input has no second window that meets the input, however long it is; kernels lay out rows
// as long as a stride.
PoolAxis::PoolAxis(const WindowAxis& axis)
    : in(axis.in),
      out(axis.out()),
      kernel(axis.kernel),
      stride(std::min(axis.stride, axis.in + axis.pad_lo + axis.pad_hi)),
      dilation(axis.dilation),
      pad(axis.pad_lo) {}

Index PoolAxis::first_tap(Index o) const {
  const Index start = input_of(o, 0);
  return start >= 0 ? 0 : (-start + dilation - 1) / dilation;
}

Index PoolAxis::taps_inside(Index o) const {
  const Index first = first_tap(o), start = input_of(o, 0);
  const Index before_end = start < in ? (in - 1 - start) / dilation + 1 : 0;
  return std::max<Index>(0, std::min(kernel, before_end) - first);
}

Index PoolAxis::first_window(Index i) const {
  const Index before = extent() - 1 - pad - i;  // inputs between the start of that window and padded input 0
  return before >= 0 ? -(before / stride) : (stride - 1 - before) / stride;
}

Index PoolAxis::window_of(Index i, Index tap) const {
  const Index start = i + pad - tap * dilation;
  return start >= 0 && start % stride == 0 && start / stride < out ? start / stride : -1;
}

PoolGeometry::PoolGeometry(Index plane_count, const Window& window)
    : planes(plane_count), d(WindowAxis()), h(WindowAxis()), w(WindowAxis()) {
  const Window flat = merged(planes, window);
  d = PoolAxis(flat.axes[0]);
  h = PoolAxis(flat.axes[1]);
  w = PoolAxis(flat.axes[2]);
}

bool PoolGeometry::has_neighbours(Index stride) const {
  const auto along = [stride](const PoolAxis& axis) {
    return (axis.kernel == 2 || axis.kernel == 3) && axis.stride == stride && axis.dilation == 1;
  };
  return along(h) && along(w) && h.kernel == w.kernel;
}

}  // namespace gradproof
