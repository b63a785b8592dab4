#include "ops/core/window.h"

#include <algorithm>
#include <string_view>

#include "ops/core/error.h"

namespace gradproof {
namespace {

Index floor_div(Index a, Index b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// The keys of one axis.
struct AxisKeys {
  std::string_view in, kernel, stride, pad_lo, pad_hi, dilation;
};
constexpr AxisKeys kAxisKeys[] = {{"id", "kd", "sd", "pd_lo", "pd_hi", "dd"},
                                  {"ih", "kh", "sh", "ph_lo", "ph_hi", "dh"},
                                  {"iw", "kw", "sw", "pw_lo", "pw_hi", "dw"}};

Shape shaped(int rank, Index batch, Index channels, const std::array<Index, 3>& sizes) {
  Shape shape{batch, channels};
  for (int axis = 3 - rank; axis < 3; ++axis) shape.push_back(sizes[static_cast<size_t>(axis)]);
  return shape;
}

}  // namespace

Index WindowAxis::out() const {
  if (windows > 0) return windows;
  const Index room = in + pad_lo + pad_hi - extent();
  const Index fitting = std::max<Index>(0, floor_div(room + (ceil_mode ? stride - 1 : 0), stride) + 1);
  return ceil_mode ? std::min(fitting, floor_div(in + pad_lo - 1, stride) + 1) : fitting;
}

Index WindowAxis::taps_inside(Index window) const {
  const Index begin = window * stride - pad_lo;
  const Index first = std::max<Index>(0, -floor_div(begin, dilation));
  const Index last = std::min(kernel - 1, floor_div(in - 1 - begin, dilation));
  return std::max<Index>(0, last - first + 1);
}

Shape Window::in_shape(Index batch, Index channels) const {
  return shaped(rank, batch, channels, {axes[0].in, axes[1].in, axes[2].in});
}

Shape Window::out_shape(Index batch, Index channels) const {
  return shaped(rank, batch, channels, {axes[0].out(), axes[1].out(), axes[2].out()});
}

Window window_of(const Attributes& attributes) {
  Window window;
  window.rank = attributes.rank();
  const bool ceil_mode = attributes.integer_or("ceil_mode", 0) != 0;
  for (int axis = 3 - window.rank; axis < 3; ++axis) {
    const AxisKeys& keys = kAxisKeys[axis];
    WindowAxis& a = window.axes[static_cast<size_t>(axis)];
    a.in = attributes.integer(keys.in);
    a.kernel = attributes.integer_or(keys.kernel, 1);
    a.stride = attributes.integer_or(keys.stride, 1);
    a.pad_lo = attributes.integer_or(keys.pad_lo, 0);
    a.pad_hi = attributes.integer_or(keys.pad_hi, 0);
    a.dilation = attributes.integer_or(keys.dilation, 1);
    a.ceil_mode = ceil_mode;
  }
  return window;
}

Index Window::products() const {
  const auto& [d, h, w] = axes;
  Index slices = 0;
  for (Index o = 0; o < d.out(); ++o) slices += d.taps_inside(o);
  return slices * h.out() * h.kernel * w.out() * w.kernel;
}

Shape spatial_shape(const Attributes& attributes, Index batch, Index channels) {
  return window_of(attributes).in_shape(batch, channels);
}

void require_output(std::string_view op, const Window& window) {
  for (int axis = 3 - window.rank; axis < 3; ++axis) {
    const WindowAxis& a = window.axes[static_cast<size_t>(axis)];
    if (a.out() >= 1) continue;
    const char* name = kAxisNames[axis];
    refuse(
        "{}: the kernel is larger than the padded input along {}: o{} = floor((i{} + padding - ((k{} - 1) * d{} + 1)) "
        "/ "
        "s{}) + 1 = floor(({} + {} - {}) / {}) + 1 is not positive; enlarge i{} or the padding",
        op, name, name, name, name, name, name, a.in, a.pad_lo + a.pad_hi, a.extent(), a.stride, name);
  }
  const auto& [d, h, w] = window.axes;
  const double taps = unchecked_count({d.kernel, h.kernel, w.kernel});
  if (!(taps <= kMostElements))
    refuse("{}: the kernel has {:.3g} taps; at most {:.0f} are allowed", op, taps, kMostElements);
}

}  // namespace gradproof
