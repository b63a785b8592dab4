// The operations that networks are made of. Nodes of their graphs point to them.
#pragma once

#include "ops/activation/activations.h"
#include "ops/conv/conv.h"
#include "ops/conv/coord_conv.h"
#include "ops/conv/depthwise_separable_conv.h"
#include "ops/linear/linear.h"
#include "ops/norm/group_norm.h"
#include "ops/norm/lrn.h"
#include "ops/pool/global_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/shape/add.h"
#include "ops/shape/flatten.h"

namespace gradproof {

struct Layers {
  Operation conv = conv_operation();
  Operation coord_conv = coord_conv_operation();
  Operation depthwise_separable_conv = depthwise_separable_conv_operation();
  Operation relu = activation_operation("relu");
  Operation lrn = lrn_operation();
  Operation group_norm = group_norm_operation();
  Operation max_pool = max_pool_operation();
  Operation global_avg_pool = global_avg_pool_operation();
  Operation flatten = flatten_operation();
  Operation add = add_operation();
  Operation linear = linear_operation();
};

}  // namespace gradproof
