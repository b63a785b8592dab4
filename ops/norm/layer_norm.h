// layer_norm: each sample normalized by its mean and variance, over channels and space.
// rms_norm: each sample divided by the root of its mean square.
#pragma once

#include "ops/core/registry.h"
#include "ops/norm/sample_norm.h"

namespace gradproof {

// Of either operation.
SampleNormAttributes layer_norm_attributes(const Attributes& attributes);

Operation layer_norm_operation();
Operation rms_norm_operation();

}  // namespace gradproof
