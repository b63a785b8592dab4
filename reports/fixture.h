#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reports/records.h"

namespace gradproof {

// Made-up records for tests: five operations, every oracle, planted bugs, about a hundred timings, roofs.
// Deterministic. `rounds` repeats the checks with other seeds, to make files of any size.
std::string fixture_lines(bool with_failures, int rounds = 1);
Records fixture_records(bool with_failures, int rounds = 1);

// What a run of the gate writes: every verdict, a pool, controls, changes of exactness; no environment.
std::string gate_lines();
// Ends with a gate record of this verdict.
std::string quiet_gate_lines(const char* verdict = "PASS");

// The smallest records that are accepted.
nlohmann::json a_check();
nlohmann::json a_timing();
nlohmann::json a_gate_row();
nlohmann::json a_gate();
nlohmann::json an_exactness();
nlohmann::json a_calibration();
Records parse(const nlohmann::json& record);
Records parse_lines(const std::string& lines);

}  // namespace gradproof
