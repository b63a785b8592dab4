// max_unpool: values go back to where a max_pool of 1, 2 or 3 dimensions took them from.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation max_unpool_operation();

}  // namespace gradproof
