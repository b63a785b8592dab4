// large: correctness at the sizes that are timed, on sampled elements; the reference is evaluated only there.
#pragma once

#include <list>
#include <span>
#include <vector>

#include "checks/execution.h"
#include "checks/samples.h"
#include "checks/verdict.h"
#include "reference/reference.h"

namespace gradproof {

// The truth at sampled elements of everything that a pass writes, on near-normal inputs: corners first, then borders of
// vectors and blocks, and random elements. All who compute the pass are compared with it. Where the second order of
// bounds counts it is evaluated anew for each depth: a normalization that adds a million elements in sequence has no
// bound, and takes none from one that adds in blocks. The reference stays with the caller.
//
// A kernel that is made of others' is held to the truth part by part, each on what it really read
// (docs/decisions/0031-networks-part-by-part.md): where a relu far inside a network reads what is 0 but for rounding
// errors, either sign of it is right, and all that follows from it.
class SampledTruth {
 public:
  SampledTruth(const Reference& reference, const Case& c, const Pass& pass, const SampleOptions& options);

  // Each element within its derived bound, and all fences standing, in an execution of the same case and pass that has
  // run on seeded_inputs(c, pass, options.seed, Regime::kNormal).
  Verdict compare(Execution& execution, const Implementation& implementation);

 private:
  // Masses for computations of one depth.
  struct Samples {
    double depth;
    std::vector<Sample> elements;

    bool hold_for(double other_depth) const;
  };

  const Samples& samples_for(double depth);
  Verdict compare_parts(std::span<const KernelPart> parts) const;
  Verdict compare_whole(const Execution& execution, const Implementation& implementation);

  const Reference& reference_;
  Case case_;
  Pass pass_;
  SampleOptions options_;
  std::list<Samples> samples_;
};

// Runs the pass once and compares it with the sampled truth. Skips with a reason where the implementation does not
// support the pass. Throws what the implementation throws.
Verdict check_large(const Reference& reference, const Case& c, const Pass& pass, const Implementation& implementation,
                    const SampleOptions& options, int threads = 1);

}  // namespace gradproof
