// Trials: is a planted bug noticed, by which oracles, on how small a case.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mutants/catalogue.h"
#include "ops/core/record.h"
#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

struct TrialOptions {
  std::uint64_t seed = 1;
  int jobs = 0;             // trials at a time; 0: one a core
  unsigned work = 60;       // seconds of processor time for one check, then it counts as hung
  unsigned patience = 600;  // seconds on the clock for the same: what waits forever uses no processor
};

// Checks the smoke tier of the operations that the patterns name, with no bug switched on. Returns the "check" record
// of the first failure, if there is one.
std::optional<Record> failing_control(const Registry& registry, const References& references,
                                      const std::vector<std::string>& patterns, const TrialOptions& options,
                                      const std::function<void(double fraction)>& progress);

// Tries the bugs with these numbers (see planted.h), each in a process of its own with its switch on: the smoke tier of
// its operations, and the rest of the full tier where that notices nothing. A trial ends with the case that fails
// first. Of a bug in the kernels the reference is not asked. One in the reference or in the checks is noticed, too,
// where a wrong kernel of checks/self is not caught any more. Calls `progress` with a "mutant" record for each, in no
// particular order.
void try_planted_bugs(const Registry& registry, const References& references, const std::vector<int>& numbers,
                      const TrialOptions& options,
                      const std::function<void(const Record& record, double fraction)>& progress);

}  // namespace gradproof
