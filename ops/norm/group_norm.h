// group_norm: each group of channels of each sample normalized by its mean and variance.
// instance_norm: the same with one channel a group.
#pragma once

#include "ops/core/registry.h"
#include "ops/norm/sample_norm.h"

namespace gradproof {

// Of either operation: instance_norm has no `g` and as many groups as channels.
SampleNormAttributes group_norm_attributes(const Attributes& attributes);

Operation group_norm_operation();
Operation instance_norm_operation();

}  // namespace gradproof
