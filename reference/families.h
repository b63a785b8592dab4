// The references, one function an operation; register.cc gathers them.
#pragma once

#include "reference/reference.h"

namespace gradproof {

Reference conv_reference();
Reference local_conv_reference();
Reference max_pool_reference();
Reference batch_norm_reference();
Reference relu_reference();
Reference linear_reference();

}  // namespace gradproof
