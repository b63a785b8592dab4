#pragma once

#include <string>

#include "reports/records.h"

namespace gradproof {

// Under 60,000 bytes, so that it fits into a review comment; the ten worst rows come first.
std::string render_markdown(const Records& records);

}  // namespace gradproof
