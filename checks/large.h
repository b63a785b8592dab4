// large: correctness at the sizes that are timed, on sampled elements; the reference is evaluated only there.
#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "checks/execution.h"
#include "checks/verdict.h"
#include "reference/reference.h"

namespace gradproof {

struct LargeOptions {
  std::uint64_t seed = 1;
  int threads = 1;
  int samples = 96;      // elements at most
  double seconds = 0.3;  // no further element of the reference is begun after this; at least 8 elements are compared
};

// Sample number k of a tensor: its corners, borders of vectors and blocks, and random positions in turn. They may
// recur.
Position sample_position(const Shape& shape, std::uint64_t seed, std::string_view name, Index k);

// The truth at sampled elements of everything that a pass writes, on near-normal inputs: corners first, then borders of
// vectors and blocks, and random elements. Which elements, and in which order, depends on the case and the seed alone;
// how many, on the time that one element takes. All who compute the pass are compared with it. Where the second order
// of bounds counts it is evaluated anew for each depth: a normalization that adds a million elements in sequence has no
// bound, and takes none from one that adds in blocks. The reference stays with the caller.
class SampledTruth {
 public:
  SampledTruth(const Reference& reference, const Case& c, const Pass& pass, const LargeOptions& options);

  // Each element within its derived bound, and all fences standing, in an execution of the same case and pass that has
  // run on seeded_inputs(c, pass, options.seed, Regime::kNormal).
  Verdict compare(Execution& execution, const Implementation& implementation);

 private:
  struct Sample {
    size_t argument;
    Position position;
    Mass<Real> truth;
  };
  // Masses for computations of one depth.
  struct Samples {
    double depth;
    std::vector<Sample> elements;

    bool hold_for(double other_depth) const;
  };

  const Samples& samples_for(double depth);
  Samples evaluate(double depth) const;

  const Reference& reference_;
  Case case_;
  Pass pass_;
  LargeOptions options_;
  std::list<Samples> samples_;
};

// Runs the pass once and compares it with the sampled truth. Skips with a reason where the implementation does not
// support the pass. Throws what the implementation throws.
Verdict check_large(const Reference& reference, const Case& c, const Pass& pass, const Implementation& implementation,
                    const LargeOptions& options);

}  // namespace gradproof
