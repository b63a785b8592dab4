// prelu: a leaky relu whose slope is learned, one for each channel.
#pragma once

#include "ops/core/registry.h"

namespace gradproof {

Operation prelu_operation();

}  // namespace gradproof
