// softmax and log_softmax along any axis.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation softmax_operation();
Operation log_softmax_operation();

}  // namespace gradproof
