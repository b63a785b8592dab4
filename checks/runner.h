// Runner: carries out the planned tasks on several worker processes.
#pragma once

#include <functional>

#include "checks/task.h"

namespace gradproof {

struct CheckSummary {
  Index passed = 0, failed = 0, skipped = 0;
};

// Called for every finished task, in no particular order, with the fraction of tasks that are done.
using CheckProgress = std::function<void(const Record&, double fraction)>;

// Plans and runs. Every worker is a process of its own: a kernel that crashes, or hangs for five minutes, is a failed
// check with the signal's name, and the others go on. The first failure of each operation, oracle and implementation is
// shrunk to a smaller case. Throws UsageError where nothing would be checked.
CheckSummary run_checks(const Registry& registry, const References& references, const CheckOptions& options,
                        const CheckProgress& progress);

// Whether failures are shrunk where they are met.
enum class Shrinking { kFirstOfAKind, kNone };

struct RunHow {
  Shrinking shrinking = Shrinking::kFirstOfAKind;
  unsigned patience = 300;  // seconds for one task, sanitizers included; then SIGALRM ends its worker
  unsigned work = 0;        // seconds of processor time for the same; then SIGPROF does. 0: no limit
};

// The same for chosen oracles and tasks that are planned already.
CheckSummary run_tasks(const std::vector<Task>& tasks, int jobs, const CheckProgress& progress, const RunHow& how = {});

// Runs one task here and turns it into its record, with a smaller case if it fails and `shrink` is set.
Record checked_record(const Task& task, Memo& memo, bool shrink);

}  // namespace gradproof
