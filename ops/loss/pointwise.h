// Losses of two tensors, element by element: mse, l1, huber, bce_with_logits.
#pragma once

#include "ops/core/registry.h"
#include "ops/loss/reduction.h"

namespace gradproof {

enum class Pointwise { kMse, kL1, kHuber, kBceWithLogits };

struct PointwiseAttributes {
  Index count, channels, space;
  Reduction reduction;
  double delta;     // of huber
  bool pos_weight;  // of bce_with_logits: one a channel
};

PointwiseAttributes pointwise_attributes(const Attributes& attributes);

Operation mse_operation();
Operation l1_operation();
Operation huber_operation();
Operation bce_with_logits_operation();

}  // namespace gradproof
