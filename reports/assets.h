#pragma once

#include <string_view>

namespace gradproof {

// A file of reports/page/ (or "chart.min.js"), embedded at build time; asking for another name is a fault of the caller
// and throws std::logic_error.
std::string_view page_asset(std::string_view name);

}  // namespace gradproof
