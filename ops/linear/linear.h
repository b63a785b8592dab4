// linear: dst = src * weights^T + bias.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

struct LinearAttributes {
  Index mb, ic, oc;
  bool bias;
};

LinearAttributes linear_attributes(const Attributes& attributes);

Operation linear_operation();

}  // namespace gradproof
