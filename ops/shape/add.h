// add: src + other, where other may lack axes.
#pragma once

#include <vector>

#include "ops/core/registry.h"

namespace gradproof {

// Axes of src from the outermost to the innermost, those of size 1 left out and neighbours that other has, or lacks,
// taken together: of two neighbours one is repeated.
struct BroadcastAxis {
  Index size = 1;
  bool repeated = false;  // other has size 1 there
};
using BroadcastAxes = std::vector<BroadcastAxis>;

BroadcastAxes broadcast_axes(const Attributes& attributes);

Operation add_operation();

}  // namespace gradproof
