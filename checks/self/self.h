// The harness on trial: every planted bug must be caught, by every oracle that is said to catch it.
#pragma once

#include <functional>

#include "checks/property/property.h"
#include "checks/self/mutant.h"
#include "ops/core/record.h"

namespace gradproof {

// "check" record with oracle "self": passed when every oracle that the mutant names has caught it. `caught_by` names
// those that did, `case` is the smallest case on which one of them did.
Record try_mutant(const Registry& registry, const References& references, const Mutant& mutant);

// The planted bug as an operation of a registry of its own: the Spec of the real one, nothing but the wrong kernel (or
// the real kernels, and the wrong truth; or both wrong).
struct Trial {
  Registry registry;
  References references;

  Trial(const Registry& real, const References& truths, const Mutant& mutant);

 private:
  // What a property compares the planted bug with, as it really is.
  void add_others(const Registry& real, const References& truths, const Property& property);
};

// The mutants given, in no particular order, with the fraction done, in `jobs` worker processes (0: one a core). One
// that ends its worker, or hangs for five minutes, has not been caught by an oracle: a failed check.
void try_mutants(const Registry& registry, const References& references, const std::vector<Mutant>& mutants, int jobs,
                 const std::function<void(const Record&, double fraction)>& progress);

}  // namespace gradproof
