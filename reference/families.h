// The references, one function an operation; register.cc gathers them.
#pragma once

#include "reference/reference.h"

namespace gradproof {

Reference conv_reference();
Reference conv_transpose_reference();
Reference coord_conv_reference();
Reference depthwise_separable_conv_reference();
Reference separable_conv_reference();
Reference deform_conv_reference();
Reference deform_layer_reference();
Reference local_conv_reference();
Reference max_pool_reference();
Reference min_pool_reference();
Reference mixed_pool_reference();
Reference adaptive_max_pool_reference();
Reference max_unpool_reference();
Reference avg_pool_reference();
Reference sum_pool_reference();
Reference global_avg_pool_reference();
Reference global_max_pool_reference();
Reference global_sum_pool_reference();
Reference subsample_reference();
Reference lp_pool_reference();
Reference std_pool_reference();
Reference weighted_pool_reference();
Reference adaptive_avg_pool_reference();
Reference batch_norm_reference();
Reference group_norm_reference();
Reference instance_norm_reference();
Reference layer_norm_reference();
Reference rms_norm_reference();
Reference lrn_reference();
Reference activation_reference();  // of every row of the table in activation.cc
Reference prelu_reference();
Reference softmax_reference();
Reference log_softmax_reference();
Reference step_reference();  // of every row of the table in step.cc
Reference linear_reference();
Reference flatten_reference();
Reference reshape_reference();
Reference add_reference();
Reference concat_reference();
Reference dropout_reference();
Reference softmax_cross_entropy_reference();
Reference nll_reference();
Reference bce_with_logits_reference();
Reference mse_reference();
Reference l1_reference();
Reference huber_reference();

// Of every operation but networks.
References layer_references();
// Of every network, by those of its operations.
Reference network_reference();

}  // namespace gradproof
