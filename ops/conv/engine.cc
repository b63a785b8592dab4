#include "ops/conv/engine.h"

#include <algorithm>

#include "ops/conv/dot_weights.h"
#include "ops/conv/outer_conv.h"
#include "ops/conv/stencil_conv.h"
#include "ops/conv/stencil_weights.h"
#include "ops/simd/outer_problem.h"

namespace gradproof {
namespace {

// Few rows would leave blocks of the outer kernel empty: a stencil for each output takes their place.
bool is_forward_stencil(const ConvShape& shape) { return shape.ic_per_group() == 1 && shape.oc_per_group() < 4; }
bool is_gradient_stencil(const ConvShape& shape) { return shape.ic_per_group() == 1 && shape.weights_channels() == 1; }

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
  return is_forward_stencil(shape) ? plan_stencil_conv(shape, true, threads) : plan_outer_conv(shape, true, threads);
}

std::unique_ptr<ConvSum> plan_conv_data_gradient(const ConvShape& shape, int threads) {
  return is_gradient_stencil(shape) ? plan_stencil_conv(shape, false, threads) : plan_outer_conv(shape, false, threads);
}

std::unique_ptr<ConvSum> plan_conv_weights_gradient(const ConvShape& shape, int threads) {
  if (is_weights_stencil(shape)) return plan_stencil_weights(shape, threads);
  return has_few_outputs(shape) ? plan_dot_weights(shape, threads) : plan_outer_weights(shape, threads);
}

double conv_forward_depth(const ConvShape& shape) {
  const Index terms = shape.ic_per_group() * shape.window.taps();
  return is_forward_stencil(shape) ? stencil_depth(terms) : outer_depth(terms);
}

double conv_data_gradient_depth(const ConvShape& shape) {
  const Index terms = shape.oc_per_group() * shape.window.taps();
  return is_gradient_stencil(shape) ? stencil_depth(terms) : outer_depth(terms);
}

double conv_weights_gradient_depth(const ConvShape& shape) {
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
