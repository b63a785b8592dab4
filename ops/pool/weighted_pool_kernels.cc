#include "ops/pool/weighted_pool_kernels.h"

#include "ops/pool/weighted_pool.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

std::unique_ptr<Kernel> prepare_weighted_pool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const ConvShape shape = weighted_pool_shape(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.slot == "src")
    return make_conv_kernel(plan_conv_data_gradient(shape, options.threads), arguments,
                            {"diff_dst", "weights", "", "diff_src"});
  if (pass.slot == "weights")
    return make_conv_kernel(plan_conv_weights_gradient(shape, options.threads), arguments,
                            {"src", "diff_dst", "", "diff_weights"});
  return make_conv_kernel(plan_conv_forward(shape, options.threads), arguments, {"src", "weights", "", "dst"});
}

double weighted_pool_kernel_depth(const Case& c, const Pass& pass, std::string_view) {
  const ConvShape shape = weighted_pool_shape(c.attributes);
  if (pass.slot == "src") return conv_data_gradient_depth(shape);
  if (pass.slot == "weights") return conv_weights_gradient_depth(shape);
  return conv_forward_depth(shape);
}

}  // namespace

std::vector<Implementation> weighted_pool_simd_implementations() {
  return simd_implementations(
      {[](const Case& c, const Pass&) { return conv_engine_limit(weighted_pool_shape(c.attributes)); },
       prepare_weighted_pool, weighted_pool_kernel_depth});
}

}  // namespace gradproof
