#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "reports/records.h"

namespace gradproof {

// Made-up records for tests: five operations, every oracle, planted bugs, about a hundred timings, roofs.
// Deterministic. `rounds` repeats the checks with other seeds, to make files of any size.
std::string fixture_lines(bool with_failures, int rounds = 1);
Records fixture_records(bool with_failures, int rounds = 1);

// The smallest records that are accepted.
nlohmann::json a_check();
nlohmann::json a_timing();
Records parse(const nlohmann::json& record);
Records parse_lines(const std::string& lines);

}  // namespace gradproof
