#pragma once

#include <string>

#include "reports/records.h"

namespace gradproof {

// Every check, timing and roof as recorded, one a line, under one header (RFC 4180 quoting, lines end in LF).
std::string render_csv(const Records& records);

}  // namespace gradproof
