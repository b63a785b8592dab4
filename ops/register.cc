#include "ops/register.h"

#include "ops/activation/activations.h"
#include "ops/activation/prelu.h"
#include "ops/activation/softmax.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_transpose.h"
#include "ops/conv/coord_conv.h"
#include "ops/conv/deform_conv.h"
#include "ops/conv/deform_layer.h"
#include "ops/conv/depthwise_separable_conv.h"
#include "ops/conv/local_conv.h"
#include "ops/conv/separable_conv.h"
#include "ops/linear/linear.h"
#include "ops/loss/class_loss.h"
#include "ops/loss/pointwise.h"
#include "ops/net/networks.h"
#include "ops/norm/batch_norm.h"
#include "ops/norm/group_norm.h"
#include "ops/norm/layer_norm.h"
#include "ops/norm/lrn.h"
#include "ops/pool/adaptive_avg_pool.h"
#include "ops/pool/adaptive_max_pool.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/linear_pool.h"
#include "ops/pool/lp_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/max_unpool.h"
#include "ops/pool/mixed_pool.h"
#include "ops/pool/std_pool.h"
#include "ops/pool/subsample.h"
#include "ops/pool/weighted_pool.h"
#include "ops/shape/add.h"
#include "ops/shape/concat.h"
#include "ops/shape/dropout.h"
#include "ops/shape/flatten.h"
#include "ops/step/step.h"

namespace gradproof {

Registry register_operations() {
  Registry registry;
  registry.add(conv_operation());
  registry.add(conv_transpose_operation());
  registry.add(coord_conv_operation());
  registry.add(depthwise_separable_conv_operation());
  registry.add(separable_conv_operation());
  registry.add(deform_conv_operation());
  registry.add(deform_layer_operation());
  registry.add(local_conv_operation());
  registry.add(max_pool_operation());
  registry.add(min_pool_operation());
  registry.add(mixed_pool_operation());
  registry.add(adaptive_max_pool_operation());
  registry.add(max_unpool_operation());
  registry.add(avg_pool_operation());
  registry.add(sum_pool_operation());
  registry.add(global_avg_pool_operation());
  registry.add(global_max_pool_operation());
  registry.add(global_sum_pool_operation());
  registry.add(subsample_operation());
  registry.add(lp_pool_operation());
  registry.add(std_pool_operation());
  registry.add(weighted_pool_operation());
  registry.add(adaptive_avg_pool_operation());
  registry.add(batch_norm_operation());
  registry.add(group_norm_operation());
  registry.add(instance_norm_operation());
  registry.add(layer_norm_operation());
  registry.add(rms_norm_operation());
  registry.add(lrn_operation());
  for (Operation& operation : activation_operations()) registry.add(std::move(operation));
  registry.add(prelu_operation());
  registry.add(softmax_operation());
  registry.add(log_softmax_operation());
  for (Operation& operation : step_operations()) registry.add(std::move(operation));
  registry.add(linear_operation());
  registry.add(flatten_operation());
  registry.add(reshape_operation());
  registry.add(add_operation());
  registry.add(concat_operation());
  registry.add(dropout_operation());
  registry.add(softmax_cross_entropy_operation());
  registry.add(nll_operation());
  registry.add(bce_with_logits_operation());
  registry.add(mse_operation());
  registry.add(l1_operation());
  registry.add(huber_operation());
  for (Operation& operation : network_operations()) registry.add(std::move(operation));
  return registry;
}

}  // namespace gradproof
