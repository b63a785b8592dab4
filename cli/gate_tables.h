// What the gate says on the terminal.
#pragma once

#include <optional>

#include "cli/console.h"
#include "cli/gate_plan.h"
#include "gate/calibration.h"
#include "gate/trial.h"

namespace gradproof {

// With the slowdown that can be found, as far as the latest calibration of this processor tells.
void print_plan(Console& console, const GatePlan& plan, const GateRules& rules, int core,
                const std::optional<Calibration>& calibration);
// That slowdown in a sentence. Noise is that of an effort: a calibration of another one says nothing.
std::string detectable_text(const GateRules& rules, const std::optional<Calibration>& calibration);
// The rows that moved or could not be compared, the gravest first; nothing when there are none.
void print_rows(Console& console, const GateResult& result);
// The verdict on all, what it rests on, and how often the gate is wrong on this machine where that was measured.
void print_verdict(Console& console, const GateResult& result, const std::optional<Calibration>& calibration);

}  // namespace gradproof
