#pragma once

#include <string>
#include <vector>

#include "reports/summary.h"

namespace gradproof {

// The steps of summarize(), each from the records alone or from what the steps before it have filled in.
void add_operations(const Records& records, Summary& summary);  // operations (without timings), oracles, loose bounds
void add_failures(const Records& records, Summary& summary);    // failures, worst rows, planted bugs
void add_properties(const Records& records, Summary& summary);  // properties
void add_timings(const Records& records, Summary& summary);     // timing rows, best figures, noise, scaling
void add_coverage(const Records& records, Summary& summary);    // what oracles ask, and where else; after add_timings
void add_peers(const Records& records, Summary& summary);       // geometric means, findings; after add_timings
void add_not_run(const Records& records, Summary& summary);     // skips and refusals, counted by reason
void add_verdict(Summary& summary);                             // state, headline, sentence
void add_gate(const Records& records, Summary& summary);        // what the gate adds to the verdict; last

// The row of an operation, made when it is not there yet.
OperationRow& operation_row(Summary& summary, const std::string& op, const std::string& family);

// What an oracle found of an operation, made when it is not there yet.
OracleCell& oracle_cell(OperationRow& row, const std::string& oracle);

// Keeps the larger (or the smaller) of two values of which either may be unknown.
void keep_largest(std::optional<double>& kept, const std::optional<double>& value);
void keep_smallest(std::optional<double>& kept, const std::optional<double>& value);

}  // namespace gradproof
