#include "ops/conv/conv_kernels.h"

#include "ops/conv/conv.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

std::unique_ptr<Kernel> prepare_conv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const ConvAttributes a = conv_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.slot == "src")
    return make_conv_kernel(plan_conv_data_gradient(a, options.threads), arguments,
                            {"diff_dst", "weights", "", "diff_src"});
  if (pass.slot == "weights")
    return make_conv_kernel(plan_conv_weights_gradient(a, options.threads), arguments,
                            {"src", "diff_dst", "", "diff_weights"});
  if (pass.slot == "bias")
    return make_conv_kernel(plan_channel_sums(a.mb, a.oc, a.window.out_count(), options.threads), arguments,
                            {"diff_dst", "", "", "diff_bias"});
  return make_conv_kernel(plan_conv_forward(a, options.threads), arguments, {"src", "weights", "bias", "dst"});
}

double conv_kernel_depth(const Case& c, const Pass& pass, std::string_view) {
  const ConvAttributes a = conv_attributes(c.attributes);
  if (pass.slot == "src") return conv_data_gradient_depth(a);
  if (pass.slot == "weights") return conv_weights_gradient_depth(a);
  if (pass.slot == "bias") return channel_sums_depth();
  return conv_forward_depth(a) + (a.bias ? 1 : 0);
}

}  // namespace

std::vector<Implementation> conv_simd_implementations() {
  return simd_implementations(
      {[](const Case& c, const Pass&) { return conv_engine_limit(conv_attributes(c.attributes)); }, prepare_conv,
       conv_kernel_depth});
}

}  // namespace gradproof
