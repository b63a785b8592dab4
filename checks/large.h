// large: correctness at the sizes that are timed, on sampled elements; the reference is evaluated only there.
#pragma once

#include <cstdint>

#include "checks/verdict.h"
#include "ops/core/implementation.h"
#include "reference/reference.h"

namespace gradproof {

struct LargeOptions {
  std::uint64_t seed = 1;
  int threads = 1;
  int samples = 96;      // elements at most
  double seconds = 0.3;  // no further element of the reference is begun after this; at least 8 elements are compared
};

// Runs the pass once on near-normal inputs and compares sampled elements of everything it writes with the reference,
// each within its derived bound: corners first, then borders of vectors and blocks, and random elements. Which
// elements, and in which order, depends on the case and the seed alone; how many, on the time that one element takes.
// Skips with a reason where the implementation does not support the pass. Throws what the implementation throws.
Verdict check_large(const Reference& reference, const Case& c, const Pass& pass, const Implementation& implementation,
                    const LargeOptions& options);

}  // namespace gradproof
