#include <algorithm>
#include <set>
#include <string>

#include "reports/judge.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

// Sizes that were verified to be timed, each once, by however many threads and implementations of ours.
void add_timed_sizes(OperationRow& row) {
  std::set<std::pair<std::string, std::string>> seen;
  for (const TimingRow& timing : row.timings) {
    if (timing.outcome != Outcome::kMeasured || timing.timing.peer) continue;
    for (const std::string& oracle : timing.timing.verified)
      if (seen.insert({oracle, timing.timing.case_text + " " + timing.timing.pass}).second)
        ++oracle_cell(row, oracle).timed;
  }
}

}  // namespace

void add_coverage(const Records& records, Summary& summary) {
  for (OracleRow& row : summary.oracles)
    for (const OracleText& text : records.oracles)
      if (text.name == row.oracle) {
        row.question = text.question;
        row.asked_of = text.asked_of;
      }
  for (OperationRow& row : summary.operations) add_timed_sizes(row);
  for (const Check& check : records.checks) {
    if (check.oracle != "property" || check.peer || judge(check).status != Status::kPass) continue;
    for (OperationRow& row : summary.operations)
      if (row.op != check.op && std::count(check.operations.begin(), check.operations.end(), row.op) > 0)
        ++oracle_cell(row, check.oracle).properties;
  }
}

}  // namespace gradproof
