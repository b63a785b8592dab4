#include "ops/pool/weighted_pool.h"

#include "ops/core/window.h"
#include "ops/pool/pool_spec.h"
#include "ops/pool/weighted_pool_kernels.h"

namespace gradproof {
namespace {

// As a depthwise convolution has them: [c][1][kd][kh][kw].
std::optional<Shape> weighted_pool_weights_shape(const Attributes& attributes) {
  const Window window = window_of(attributes);
  Shape shape{attributes.integer("c"), 1};
  for (int axis = 3 - window.rank; axis < 3; ++axis) shape.push_back(window.axes[static_cast<size_t>(axis)].kernel);
  return shape;
}

// Least bytes: each element is read or written once. A product and a sum for each tap of each window.
Cost weighted_pool_cost(const Attributes& attributes, const Pass&) {
  const Window window = window_of(attributes);
  const auto c = static_cast<double>(attributes.integer("c"));
  const double planes = static_cast<double>(attributes.integer("mb")) * c;
  const double src = planes * static_cast<double>(window.in_count());
  const double dst = planes * static_cast<double>(window.out_count());
  const double weights = c * static_cast<double>(window.taps());
  return {2 * planes * static_cast<double>(window.products()), 4 * (src + dst + weights)};
}

// A sum of n products: the taps of a window, the windows that see an input, or all windows of a channel.
double weighted_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const Window window = window_of(attributes);
  if (pass.is_forward()) return static_cast<double>(window.taps());
  if (pass.slot == "src") return static_cast<double>(windows_over_input(window));
  return static_cast<double>(attributes.integer("mb") * window.out_count());
}

// As conv's: padding may be multiplied by weights, and rows by the gaps between them.
bool weighted_pool_contains_nan(const Pass& pass, std::string_view slot) {
  return (pass.is_forward() && slot != "weights") || (pass.slot == "src" && slot == "diff_dst");
}

}  // namespace

ConvShape weighted_pool_shape(const Attributes& attributes) {
  const Index c = attributes.integer("c");
  ConvShape shape{.mb = attributes.integer("mb"), .ic = c, .oc = c, .g = c, .window = window_of(attributes)};
  for (WindowAxis& axis : shape.window.axes) {
    const Index read = (axis.out() - 1) * axis.stride + axis.extent();
    if (axis.ceil_mode) axis.pad_hi = std::max(axis.pad_hi, read - axis.in - axis.pad_lo);
    axis.ceil_mode = false;
  }
  return shape;
}

Operation weighted_pool_operation() {
  Operation op;
  op.spec = windowed_spec();
  op.spec.name = "weighted_pool";
  op.spec.summary =
      "dst[n,c,o] = sum over taps k inside of weights[c,0,k] * src[n,c,o*s-pad+k*d], weights learned (an average where "
      "each is 1/taps: Sun, Song, Jiang, Pan, Pang 2017, Neurocomputing 224)";
  op.spec.slots.insert(op.spec.slots.begin() + 1,
                       {.name = "weights", .role = Role::kInput, .shape = weighted_pool_weights_shape});
  op.spec.validate = [](const Attributes& attributes) { require_pool("weighted_pool", window_of(attributes)); };
  op.spec.cost = weighted_pool_cost;
  op.spec.depth = weighted_pool_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = weighted_pool_contains_nan;
  op.spec.smoke_cases.emplace_back("mb=2,c=2,ih=6,iw=6,k=3,s=2,p=1,ceil_mode=1");
  op.spec.full_cases.emplace_back("mb=3,c=2,ih=9,iw=21,k=3,p=1");  // a channel's weights meet several images
  std::erase(op.spec.full_cases, "mb=1,c=2,ih=6,iw=6,k=3,s=2,p=1,ceil_mode=1");  // above
  op.implementations = weighted_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
