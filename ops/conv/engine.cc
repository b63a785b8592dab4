#include "ops/conv/engine.h"

#include <algorithm>

namespace gradproof {
namespace {

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
