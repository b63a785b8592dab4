#pragma once

#include <string>

#include "reports/summary.h"

namespace gradproof {

// What the charts draw, as JSON fit to stand inside a script element. Checks come aggregated, one entry an operation
// and oracle, so that thousands of them stay small; failures, reasons for skips and timings come one by one.
// Four digits are more than a pixel shows, and keep the page small.
double short_number(double value);

std::string render_island(const Summary& summary);

}  // namespace gradproof
