#pragma once

#include <nlohmann/json.hpp>

#include "reports/gate_summary.h"

namespace gradproof {

// What the gate's charts draw.
nlohmann::json gate_json(const GateSummary& gate);

// "bad", "warn", "good", "better" for what became faster, "quiet" for what only moved in memory.
const char* tone_of(Ruling ruling);

}  // namespace gradproof
