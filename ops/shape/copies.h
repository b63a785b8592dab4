// Kernels that move elements and compute nothing.
#pragma once

#include <memory>
#include <vector>

#include "ops/core/implementation.h"

namespace gradproof {

// Runs of elements at equal distances in both tensors: run r goes from from_first + r * from_pitch to to_first + r *
// to_pitch. `from` and `to` are numbers of arguments.
struct CopiedRuns {
  size_t from = 0, to = 1;
  Index runs = 1, length = 0;
  Index from_first = 0, from_pitch = 0, to_first = 0, to_pitch = 0;
};

// One after the other.
std::unique_ptr<Kernel> prepare_copies(std::vector<CopiedRuns> copies, int threads);

}  // namespace gradproof
