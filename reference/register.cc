#include "reference/families.h"

namespace gradproof {

References layer_references() {
  References references;
  references.emplace("conv", conv_reference());
  references.emplace("conv_transpose", conv_transpose_reference());
  references.emplace("coord_conv", coord_conv_reference());
  references.emplace("depthwise_separable_conv", depthwise_separable_conv_reference());
  references.emplace("separable_conv", separable_conv_reference());
  references.emplace("deform_conv", deform_conv_reference());
  references.emplace("deform_layer", deform_layer_reference());
  references.emplace("local_conv", local_conv_reference());
  references.emplace("max_pool", max_pool_reference());
  references.emplace("min_pool", min_pool_reference());
  references.emplace("mixed_pool", mixed_pool_reference());
  references.emplace("adaptive_max_pool", adaptive_max_pool_reference());
  references.emplace("max_unpool", max_unpool_reference());
  references.emplace("avg_pool", avg_pool_reference());
  references.emplace("sum_pool", sum_pool_reference());
  references.emplace("global_avg_pool", global_avg_pool_reference());
  references.emplace("global_max_pool", global_max_pool_reference());
  references.emplace("global_sum_pool", global_sum_pool_reference());
  references.emplace("subsample", subsample_reference());
  references.emplace("lp_pool", lp_pool_reference());
  references.emplace("std_pool", std_pool_reference());
  references.emplace("weighted_pool", weighted_pool_reference());
  references.emplace("adaptive_avg_pool", adaptive_avg_pool_reference());
  references.emplace("batch_norm", batch_norm_reference());
  references.emplace("group_norm", group_norm_reference());
  references.emplace("instance_norm", instance_norm_reference());
  references.emplace("layer_norm", layer_norm_reference());
  references.emplace("rms_norm", rms_norm_reference());
  references.emplace("lrn", lrn_reference());
  for (const char* name :
       {"relu", "leaky_relu", "relu6", "elu", "selu", "celu", "gelu", "gelu_tanh", "silu", "mish", "softplus",
        "softsign", "sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "hard_swish", "log_sigmoid", "threshold"})
    references.emplace(name, activation_reference());
  references.emplace("prelu", prelu_reference());
  references.emplace("softmax", softmax_reference());
  references.emplace("log_softmax", log_softmax_reference());
  for (const char* name :
       {"step", "sign", "step_ste", "step_ste_clipped", "step_linear", "step_sigmoid", "step_numerical"})
    references.emplace(name, step_reference());
  references.emplace("linear", linear_reference());
  references.emplace("flatten", flatten_reference());
  references.emplace("reshape", reshape_reference());
  references.emplace("add", add_reference());
  references.emplace("concat", concat_reference());
  references.emplace("dropout", dropout_reference());
  references.emplace("softmax_cross_entropy", softmax_cross_entropy_reference());
  references.emplace("nll", nll_reference());
  references.emplace("bce_with_logits", bce_with_logits_reference());
  references.emplace("mse", mse_reference());
  references.emplace("l1", l1_reference());
  references.emplace("huber", huber_reference());
  return references;
}

References register_references() {
  References references = layer_references();
  for (const char* name : {"lenet5", "alexnet_head", "gap_net", "residual_block", "mobile_block", "coord_regressor"})
    references.emplace(name, network_reference());
  return references;
}

}  // namespace gradproof
