// Two sums of the convolution engine with a workspace between them, which holds the channels in between or their
// cotangents. Where both are images, a few images at a time go through both, so that the workspace stays in the cache.
#include "ops/conv/depthwise_separable_conv_kernels.h"

#include <algorithm>

#include "ops/conv/depthwise_separable_conv.h"
#include "ops/conv/engine.h"
#include "ops/core/memory.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

// The convolution in space of `mb` images, and the mix of their channels.
ConvShape space_shape(const DepthwiseSeparableAttributes& a, Index mb) {
  return {.mb = mb, .ic = a.ic, .oc = a.ic, .g = a.g, .window = a.window};
}
ConvShape mix_shape(const DepthwiseSeparableAttributes& a, Index mb) {
  ConvShape shape{.mb = mb, .ic = a.ic, .oc = a.oc, .g = 1, .window = {}};
  shape.window.rank = a.window.rank;
  for (size_t axis = 0; axis < 3; ++axis) shape.window.axes[axis].in = a.window.axes[axis].out();
  return shape;
}

// The most images that divide the batch evenly and whose workspace fits the cache; one if none does.
Index images_at_a_time(const DepthwiseSeparableAttributes& a) {
  constexpr Index kCacheFloats = Index{1} << 18;  // 1 MiB, a second-level cache
  const Index image = a.ic * a.window.out_count();
  Index images = a.mb;
  while (images > 1 && (a.mb % images != 0 || images * image > kCacheFloats)) --images;
  return images;
}

// A tensor of a pass that is walked `step` elements a turn; a step of 0 for weights.
struct Operand {
  int argument = -1;
  Index step = 0;

  float* at(std::span<const TensorRef> arguments, Index turn) const {
    return argument < 0 ? nullptr : arguments[static_cast<size_t>(argument)].floats() + turn * step;
  }
};

// first(left, right) into the workspace, then second, which takes the workspace as its left or its right operand.
class TwoSumsKernel final : public Kernel {
 public:
  struct Plan {
    Index turns = 1;
    std::unique_ptr<ConvSum> first, second;
    Operand first_left, first_right;
    bool workspace_left = true;
    Operand second_other, bias, out;
  };

  TwoSumsKernel(Plan plan, Index workspace) : plan_(std::move(plan)), workspace_(zeroed_floats(workspace)) {}

  void run(std::span<const TensorRef> arguments) override {
    for (Index turn = 0; turn < plan_.turns; ++turn) {
      plan_.first->run(plan_.first_left.at(arguments, turn), plan_.first_right.at(arguments, turn), nullptr,
                       workspace_.get());
      const float* other = plan_.second_other.at(arguments, turn);
      const float* left = plan_.workspace_left ? workspace_.get() : other;
      const float* right = plan_.workspace_left ? other : workspace_.get();
      plan_.second->run(left, right, plan_.bias.at(arguments, turn), plan_.out.at(arguments, turn));
    }
  }

  std::string isa() const override { return plan_.first->isa(); }

 private:
  Plan plan_;
  AlignedMemory<float> workspace_;
};

// Where the tensors of a pass are, for `images` images a turn.
class Operands {
 public:
  Operands(const DepthwiseSeparableAttributes& a, Index images, const std::vector<Argument>& arguments)
      : src_step_(images * a.ic * a.window.in_count()),
        dst_step_(images * a.oc * a.window.out_count()),
        arguments_(arguments) {}

  Operand like_src(std::string_view name) const { return {argument_index(arguments_, name), src_step_}; }
  Operand like_dst(std::string_view name) const { return {argument_index(arguments_, name), dst_step_}; }
  Operand whole(std::string_view name) const { return {argument_index(arguments_, name), 0}; }

 private:
  Index src_step_, dst_step_;
  const std::vector<Argument>& arguments_;
};

TwoSumsKernel::Plan plan_pass(const DepthwiseSeparableAttributes& a, const Pass& pass, Index images, int threads,
                              const Operands& in) {
  const ConvShape space = space_shape(a, images);
  const ConvShape mix = mix_shape(a, images);
  TwoSumsKernel::Plan plan;
  plan.turns = a.mb / images;
  if (pass.is_forward() || pass.slot == "weights_pw") {
    plan.first = plan_conv_forward(space, threads);
    plan.first_left = in.like_src("src");
    plan.first_right = in.whole("weights_dw");
  } else {
    plan.first = plan_conv_data_gradient(mix, threads);
    plan.first_left = in.like_dst("diff_dst");
    plan.first_right = in.whole("weights_pw");
  }
  if (pass.is_forward()) {
    plan.second = plan_conv_forward(mix, threads);
    plan.second_other = in.whole("weights_pw");
    plan.bias = in.whole("bias");
    plan.out = in.like_dst("dst");
  } else if (pass.slot == "src") {
    plan.second = plan_conv_data_gradient(space, threads);
    plan.second_other = in.whole("weights_dw");
    plan.out = in.like_src("diff_src");
  } else if (pass.slot == "weights_pw") {
    plan.second = plan_conv_weights_gradient(mix, threads);
    plan.second_other = in.like_dst("diff_dst");
    plan.out = in.whole("diff_weights_pw");
  } else {
    plan.second = plan_conv_weights_gradient(space, threads);
    plan.workspace_left = false;
    plan.second_other = in.like_src("src");
    plan.out = in.whole("diff_weights_dw");
  }
  return plan;
}

std::unique_ptr<Kernel> prepare_depthwise_separable_conv(const Case& c, const Pass& pass,
                                                         const PrepareOptions& options) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.slot == "bias")
    return make_conv_kernel(plan_channel_sums(a.mb, a.oc, a.window.out_count(), options.threads), arguments,
                            {"diff_dst", "", "", "diff_bias"});
  // Gradients of weights are sums over the whole batch.
  const Index images = pass.is_forward() || pass.slot == "src" ? images_at_a_time(a) : a.mb;
  return std::make_unique<TwoSumsKernel>(plan_pass(a, pass, images, options.threads, Operands(a, images, arguments)),
                                         images * a.ic * a.window.out_count());
}

// The roundings of the first sum come on top of those of the second.
double depthwise_separable_conv_kernel_depth(const Case& c, const Pass& pass, std::string_view) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(c.attributes);
  if (pass.slot == "bias") return channel_sums_depth();
  if (pass.is_forward()) {
    const Index images = images_at_a_time(a);
    return conv_forward_depth(space_shape(a, images)) + conv_forward_depth(mix_shape(a, images)) + (a.bias ? 1 : 0);
  }
  if (pass.slot == "weights_pw")
    return conv_forward_depth(space_shape(a, a.mb)) + conv_weights_gradient_depth(mix_shape(a, a.mb));
  const Index images = pass.slot == "src" ? images_at_a_time(a) : a.mb;
  const double cotangents = conv_data_gradient_depth(mix_shape(a, images));
  if (pass.slot == "src") return cotangents + conv_data_gradient_depth(space_shape(a, images));
  return cotangents + conv_weights_gradient_depth(space_shape(a, images));
}

std::optional<std::string> depthwise_separable_conv_unsupported(const Case& c, const Pass&) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(c.attributes);
  const auto reason = conv_engine_limit(space_shape(a, a.mb));
  return reason ? reason : conv_engine_limit(mix_shape(a, a.mb));
}

}  // namespace

std::vector<Implementation> depthwise_separable_conv_simd_implementations() {
  return simd_implementations(
      {depthwise_separable_conv_unsupported, prepare_depthwise_separable_conv, depthwise_separable_conv_kernel_depth});
}

}  // namespace gradproof
