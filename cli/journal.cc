#include "cli/journal.h"

#include <algorithm>

#include "cli/tables.h"
#include "ops/core/error.h"

namespace gradproof {

void Journal::add(const Record& record) {
  const std::string line = line_of(record);
  lines_ += line + '\n';
  Records one;
  parse_records(line, "a record of this run", one);
  for (const Check& check : one.checks)
    if (check.status == Status::kFail) print_failure(console_, check);
  if (!console_.on_terminal())
    for (const Timing& timing : one.timings) console_.line(timing_text(timing));
}

Records Journal::records() const {
  Records records;
  parse_records(lines_, "the records of this run", records);
  return records;
}

ExitCode judge(const Records& records) {
  const auto failed = [](const Check& check) { return check.status == Status::kFail && !check.peer; };
  const auto found = [](const Check& check) { return check.status == Status::kFail && check.peer; };
  const auto passed = [](const Check& check) { return check.status == Status::kPass; };
  const auto refused = [](const Timing& timing) { return timing.outcome == Outcome::kRefused && !timing.peer; };
  const auto measured = [](const Timing& timing) { return timing.outcome == Outcome::kMeasured; };
  const auto& [checks, timings] = std::tie(records.checks, records.timings);
  if (std::any_of(checks.begin(), checks.end(), failed)) return kFailed;
  if (std::any_of(timings.begin(), timings.end(), refused)) return kFailed;
  if (std::any_of(checks.begin(), checks.end(), passed)) return kHeld;
  if (std::any_of(checks.begin(), checks.end(), found)) return kHeld;
  if (std::any_of(timings.begin(), timings.end(), measured)) return kHeld;
  const std::string reason = !checks.empty()    ? checks.front().reason
                             : !timings.empty() ? timings.front().reason
                                                : "no case was chosen";
  refuse("nothing was checked or measured ({}); choose other cases or another implementation", reason);
}

}  // namespace gradproof
