// What the gate says of a row, and of all of them.
#pragma once

#include <string_view>

namespace gradproof {

enum class GateVerdict {
  kPass,           // not slower than delta allows
  kImproved,       // faster by more than delta
  kInconclusive,   // a slowdown beyond delta cannot be excluded, or it did not recur
  kLayout,         // slower, by the same machine code: where the code lies in memory is no regression
  kTrade,          // faster but less exact, or slower but more exact: somebody has to decide
  kNotComparable,  // one side cannot run it, or runs another instruction set
  kInvalid,        // what should stand still moved: nothing was learned
  kLessExact,      // errors have grown beyond the reviewed file
  kFail,           // slower by more than delta
  kLost            // the candidate does not run, or computes wrongly, what the baseline runs
};

// "PASS", "NOT_COMPARABLE", ...
std::string_view name_of(GateVerdict verdict);

// What the process ends with. Inconclusive is 0 unless `strict`.
int exit_code_of(GateVerdict verdict, bool strict);

}  // namespace gradproof
