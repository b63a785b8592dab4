// flatten and reshape: the same elements in the same order under another shape.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation flatten_operation();
Operation reshape_operation();

}  // namespace gradproof
