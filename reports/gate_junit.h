#pragma once

#include <string>

#include "reports/records.h"

namespace gradproof {

// One suite an operation, one test case a row. A run that learned nothing is an error, never a success.
std::string render_gate_junit(const Records& records);

}  // namespace gradproof
