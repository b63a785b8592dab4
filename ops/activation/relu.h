// relu: max(x, 0), element by element.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation relu_operation();

}  // namespace gradproof
