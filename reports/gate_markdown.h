#pragma once

#include <string>

#include "reports/gate_summary.h"
#include "reports/records.h"

namespace gradproof {

class MarkdownDocument;

// A comment for a pull request: the gate's verdict, then what it rests on, the gravest first.
std::string render_gate_markdown(const Records& records);

// What follows the verdict. Adds nothing where there are no records of a gate.
void add_gate_tables(const GateSummary& gate, MarkdownDocument& document);

}  // namespace gradproof
