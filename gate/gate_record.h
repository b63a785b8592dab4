// A comparison as records: one "gate_row" a row, pool and control, and one "gate" for all (reports/schema.md).
#pragma once

#include <optional>
#include <vector>

#include "gate/calibration.h"
#include "gate/trial.h"
#include "ops/core/record.h"

namespace gradproof {

std::vector<Record> gate_records(const GateResult& result, const std::optional<Calibration>& calibration);

}  // namespace gradproof
