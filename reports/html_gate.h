// The parts of the page that tell of the gate, as static HTML that needs no scripts.
#pragma once

#include <string>

#include "reports/summary.h"

namespace gradproof {

std::string html_gate_verdict(const Summary& summary);  // heading and figures of a page about the gate alone
std::string html_gate_ruling(const GateSummary& gate);  // the same as a paragraph, on a page about more
std::string html_gate_rows(const GateSummary& gate);
std::string html_gate_pools(const GateSummary& gate);
std::string html_gate_exactness(const GateSummary& gate);
std::string html_gate_controls(const GateSummary& gate);

}  // namespace gradproof
