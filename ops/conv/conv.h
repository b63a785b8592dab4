// conv: cross-correlation in 1, 2 or 3 dimensions with stride, one-sided padding, dilation, groups and bias.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

struct ConvAttributes {
  Index mb, ic, oc, g;
  bool bias;
  Window window;

  Index ic_per_group() const { return ic / g; }
  Index oc_per_group() const { return oc / g; }
};

ConvAttributes conv_attributes(const Attributes& attributes);

Operation conv_operation();

}  // namespace gradproof
