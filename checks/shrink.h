// Shrinking: a smaller case that still shows the failure.
#pragma once

#include <functional>

#include "ops/core/case.h"

namespace gradproof {

// Leaves axes out, sets attributes to their defaults, halves and decrements them or, where they are small, tries all
// smaller numbers, one attribute at a time and then all those that hold the same number (groups and their channels)
// together, as long as the case stays valid and `fails` still holds, until nothing smaller fails or the time is over
// (the last call of `fails` may take longer). The result fails whenever `c` does; `fails` is not called on `c` itself.
Case shrink_case(const Case& c, const std::function<bool(const Case&)>& fails, double seconds);

}  // namespace gradproof
