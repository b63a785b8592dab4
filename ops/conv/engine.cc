#include "ops/conv/engine.h"

#include <algorithm>

#include "ops/conv/dot_weights.h"
#include "ops/conv/lane_conv.h"
#include "ops/conv/outer_conv.h"
#include "ops/conv/outer_geometry.h"
#include "ops/conv/pixel_conv.h"
#include "ops/conv/plane_stencil.h"
#include "ops/conv/stencil_conv.h"
#include "ops/conv/stencil_weights.h"
#include "ops/simd/outer_problem.h"

namespace gradproof {
namespace {

// Few rows would leave blocks of the outer kernel empty: a stencil for each output takes their place.
bool is_forward_stencil(const ConvShape& shape) { return shape.ic_per_group() == 1 && shape.oc_per_group() < 4; }
bool is_gradient_stencil(const ConvShape& shape) { return shape.ic_per_group() == 1 && shape.weights_channels() == 1; }

// Depthwise, with channels enough for a vector each, and sums of their planes that stay in the L2 cache.
bool fills_lanes(const ConvShape& shape) {
  constexpr Index kLeastChannels = 16, kMostPixels = 1 << 14;
  return shape.ic_per_group() == 1 && shape.oc_per_group() == 1 && shape.weights_channels() == 1 &&
         shape.g >= kLeastChannels && shape.window.in_count() <= kMostPixels;
}

// Rows of a stencil this short leave lanes empty, or are copied in parts of a vector: of 7 elements it takes 3.5 times
// as long with AVX-512 and 2 times with AVX2, of 14 elements 1.5 to 2 and 1 to 1.3 times, of 28 as long (Zen 5).
constexpr Index kShortRow = 16;
bool is_forward_in_lanes(const ConvShape& shape) {
  return fills_lanes(shape) && shape.window.axes[2].out() <= kShortRow;
}

// With a stride the stencil's outputs take turns along a row: 1.5 times as long for rows of 56 and 112.
bool is_gradient_in_lanes(const ConvShape& shape) {
  const WindowAxis& row = shape.window.axes[2];
  return fills_lanes(shape) && (row.in <= kShortRow || row.stride > 1);
}

// Up to this many output channels a group, columns of the outer kernel stay empty, and dot products are faster.
bool has_few_outputs(const ConvShape& shape) { return shape.oc_per_group() <= 8; }

class OneSumKernel final : public Kernel {
 public:
  OneSumKernel(std::unique_ptr<ConvSum> sum, const std::vector<Argument>& arguments, const ConvOperands& operands)
      : sum_(std::move(sum)),
        left_(argument_index(arguments, operands.left)),
        right_(argument_index(arguments, operands.right)),
        bias_(argument_index(arguments, operands.bias)),
        out_(argument_index(arguments, operands.out)) {}

  void run(std::span<const TensorRef> arguments) override {
    const auto floats = [&](int index) { return index < 0 ? nullptr : arguments[static_cast<size_t>(index)].floats(); };
    sum_->run(floats(left_), floats(right_), floats(bias_), floats(out_));
  }

  std::string isa() const override { return sum_->isa(); }

 private:
  std::unique_ptr<ConvSum> sum_;
  int left_, right_, bias_, out_;
};

}  // namespace

std::unique_ptr<ConvSum> plan_conv_forward(const ConvShape& shape, int threads) {
  if (is_pixel_conv(shape)) return plan_pixel_conv(shape, threads);
  if (!is_forward_stencil(shape)) return plan_outer_conv(shape, true, threads);
  if (auto stencil = plan_plane_stencil(shape, true, threads)) return stencil;
  return is_forward_in_lanes(shape) ? plan_lane_conv(shape, true, threads) : plan_stencil_conv(shape, true, threads);
}

std::unique_ptr<ConvSum> plan_conv_data_gradient(const ConvShape& shape, int threads) {
  if (!is_gradient_stencil(shape)) return plan_outer_conv(shape, false, threads);
  if (auto stencil = plan_plane_stencil(shape, false, threads)) return stencil;
  return is_gradient_in_lanes(shape) ? plan_lane_conv(shape, false, threads) : plan_stencil_conv(shape, false, threads);
}

std::unique_ptr<ConvSum> plan_conv_weights_gradient(const ConvShape& shape, int threads) {
  if (is_forward_in_lanes(shape)) return plan_lane_weights(shape, threads);
  if (is_weights_stencil(shape)) return plan_stencil_weights(shape, threads);
  return has_few_outputs(shape) ? plan_dot_weights(shape, threads) : plan_outer_weights(shape, threads);
}

double conv_forward_depth(const ConvShape& shape) {
  const Index terms = shape.ic_per_group() * shape.window.taps();
  if (is_pixel_conv(shape)) return outer_depth(terms);
  return is_forward_stencil(shape) ? stencil_depth(terms) : outer_geometry_depth(shape, true);
}

double conv_data_gradient_depth(const ConvShape& shape) {
  const Index terms = shape.oc_per_group() * shape.window.taps();
  return is_gradient_stencil(shape) ? stencil_depth(terms) : outer_geometry_depth(shape, false);
}

double conv_weights_gradient_depth(const ConvShape& shape) {
  if (is_forward_in_lanes(shape)) return lane_weights_depth(shape);
  if (is_weights_stencil(shape)) return stencil_weights_depth(shape);
  return has_few_outputs(shape) ? dot_weights_depth(shape) : outer_weights_depth(shape);
}

std::optional<std::string> conv_engine_limit(const ConvShape& shape) {
  constexpr double kMost = 2147483647.0;
  double planes = 1;
  const auto weights = static_cast<double>(shape.oc * shape.weights_channels() * shape.window.taps());
  for (const WindowAxis& axis : shape.window.axes)
    planes *= static_cast<double>(axis.in + axis.pad_lo + axis.pad_hi + axis.extent() + axis.stride);
  if (planes * static_cast<double>(std::max(shape.ic, shape.oc)) < kMost && weights < kMost) return {};
  return "an image or the weights exceed 2^31 elements";
}

std::unique_ptr<Kernel> make_conv_kernel(std::unique_ptr<ConvSum> sum, const std::vector<Argument>& arguments,
                                         const ConvOperands& operands) {
  return std::make_unique<OneSumKernel>(std::move(sum), arguments, operands);
}

}  // namespace gradproof
