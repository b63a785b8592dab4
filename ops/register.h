// All operations of the project.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Registry register_operations();

}  // namespace gradproof
