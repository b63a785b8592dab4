#include "ops/conv/deform_conv_kernels.h"

#include "ops/conv/deform_engine.h"
#include "ops/conv/engine.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

DeformPass deform_pass(const Pass& pass) {
  if (pass.is_forward()) return DeformPass::kForward;
  if (pass.slot == "src") return DeformPass::kSrc;
  return pass.slot == "weights" ? DeformPass::kWeights : DeformPass::kFields;
}

// A pass of deform_conv that is one run of the engine.
class DeformConvKernel final : public Kernel {
 public:
  DeformConvKernel(const Case& c, const Pass& pass, int threads)
      : arguments_(arguments_of(*c.spec, c.attributes, pass)),
        sum_(plan_deform(DeformShape::dense(deform_conv_attributes(c.attributes)), deform_pass(pass), threads)) {}

  void run(std::span<const TensorRef> tensors) override {
    const auto at = [&](std::string_view name) {
      const int index = argument_index(arguments_, name);
      return index < 0 ? nullptr : tensors[static_cast<size_t>(index)].floats();
    };
    sum_->run({at("src"), at("offset"), at("mask"), at("weights"), at("bias"), at("diff_dst"), at("dst"),
               at("diff_src"), at("diff_offset"), at("diff_mask"), at("diff_weights")});
  }

  std::string isa() const override { return sum_->isa(); }

 private:
  std::vector<Argument> arguments_;
  std::unique_ptr<DeformSum> sum_;
};

std::unique_ptr<Kernel> prepare_deform_conv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  if (pass.slot != "bias") return std::make_unique<DeformConvKernel>(c, pass, options.threads);
  const DeformConvAttributes a = deform_conv_attributes(c.attributes);
  return make_conv_kernel(plan_channel_sums(a.mb, a.oc, a.window.out_count(), options.threads),
                          arguments_of(*c.spec, c.attributes, pass), {"diff_dst", "", "", "diff_bias"});
}

double deform_conv_kernel_depth(const Case& c, const Pass& pass, std::string_view tensor) {
  const DeformConvAttributes a = deform_conv_attributes(c.attributes);
  if (pass.slot == "bias") return channel_sums_depth();
  return deform_engine_depth(a, tensor, {0, 0}) + (pass.is_forward() && a.bias ? 1 : 0);
}

}  // namespace

std::vector<Implementation> deform_conv_simd_implementations() {
  return simd_implementations(
      {[](const Case& c, const Pass&) { return deform_engine_limit(deform_conv_attributes(c.attributes)); },
       prepare_deform_conv, deform_conv_kernel_depth});
}

}  // namespace gradproof
