// Which rows the gate watches.
#pragma once

#include <vector>

#include "cli/subcommands.h"
#include "gate/trial.h"

namespace gradproof {

struct GatePlan {
  std::vector<GateCase> cases;  // every pass of the chosen layers by our kernels, as far as the minutes go
  size_t left_out = 0;          // longer ones
  double screening_seconds = 0;
};

// The shortest rows first when the minutes do not suffice to screen all, and none whose confirmation alone would take
// half of them, unless there is no other. Throws UsageError when there is none, and for a
// planted slowdown that makes no sense or that no row takes.
GatePlan plan_gate(const GateCommand& command, const GateRules& rules, const Registry& registry);

}  // namespace gradproof
