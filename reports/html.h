#pragma once

#include <string>

#include "reports/records.h"

namespace gradproof {

// One self-contained page: no network, no files beside it, readable without scripts.
std::string render_html(const Records& records);

}  // namespace gradproof
