// concat: two tensors side by side along the channels.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation concat_operation();

}  // namespace gradproof
