#pragma once

#include <string>

#include "reports/records.h"

namespace gradproof {

// One suite an operation, one test case a check. An empty run holds one error, so that no runner calls it green.
std::string render_junit(const Records& records);

}  // namespace gradproof
