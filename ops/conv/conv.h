// conv: cross-correlation in 1, 2 or 3 dimensions with stride, one-sided padding, dilation, groups and bias.
#pragma once

#include "ops/conv/engine.h"
#include "ops/core/registry.h"

namespace gradproof {

struct ConvAttributes : ConvShape {
  bool bias;
};

ConvAttributes conv_attributes(const Attributes& attributes);

Operation conv_operation();

}  // namespace gradproof
