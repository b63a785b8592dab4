#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "reports/judge.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

FailureRow row_of(const Check& check) { return {check, judge(check).reason, repeat_command(check)}; }

// A failure without a number (a NaN, a wrong shape) ranks above every number.
double badness(const Check& check) {
  const double unknown = judge(check).status == Status::kFail ? std::numeric_limits<double>::infinity() : -1;
  return check.worst.value_or(unknown);
}

bool is_worse(const Check* a, const Check* b) {
  const bool a_failed = judge(*a).status == Status::kFail;
  const bool b_failed = judge(*b).status == Status::kFail;
  return a_failed != b_failed ? a_failed : badness(*a) > badness(*b);
}

struct ReasonKey {
  std::string what, op, reason;
  auto operator<=>(const ReasonKey&) const = default;
};

void count_reason(std::map<ReasonKey, ReasonRow>& rows, const ReasonKey& key, const std::string& example) {
  ReasonRow& row = rows[key];
  if (row.count == 0) row = {key.what, key.op, key.reason, example, 0};
  ++row.count;
}

}  // namespace

void add_failures(const Records& records, Summary& summary) {
  constexpr std::ptrdiff_t kWorstRows = 10;
  std::vector<const Check*> ranked;
  for (const Check& check : records.checks) {
    if (is_planted_bug(check)) {
      summary.planted.add(check.status);
      summary.planted_bugs.push_back(row_of(check));
      continue;
    }
    if (check.peer) continue;
    const bool failed = judge(check).status == Status::kFail;
    const bool ranks = check.worst && !is_about_reference(check) && check.status != Status::kSkip;
    if (failed || ranks) ranked.push_back(&check);
  }
  std::stable_sort(ranked.begin(), ranked.end(), is_worse);
  for (const Check* check : ranked) {
    if (judge(*check).status == Status::kFail) summary.failures.push_back(row_of(*check));
  }
  const auto shown = std::min(kWorstRows, static_cast<std::ptrdiff_t>(ranked.size()));
  for (std::ptrdiff_t i = 0; i < shown; ++i) summary.worst_rows.push_back(row_of(*ranked[static_cast<std::size_t>(i)]));
  std::stable_sort(
      summary.planted_bugs.begin(), summary.planted_bugs.end(), [](const FailureRow& a, const FailureRow& b) {
        const auto caught = [](const FailureRow& row) { return row.check.status == Status::kPass; };
        return std::tuple(caught(a), a.check.op, a.check.mutant) < std::tuple(caught(b), b.check.op, b.check.mutant);
      });
}

void add_properties(const Records& records, Summary& summary) {
  for (const Check& check : records.checks)
    if (check.oracle == "property") summary.properties.push_back(row_of(check));
  std::stable_sort(summary.properties.begin(), summary.properties.end(), [](const FailureRow& a, const FailureRow& b) {
    const auto holds = [](const FailureRow& row) { return judge(row.check).status == Status::kPass; };
    return std::tuple(holds(a), a.check.case_text) < std::tuple(holds(b), b.check.case_text);
  });
}

void add_not_run(const Records& records, Summary& summary) {
  std::map<ReasonKey, ReasonRow> rows;
  for (const Check& check : records.checks) {
    if (check.status != Status::kSkip) continue;
    count_reason(rows, {check.peer ? "peer check skipped" : "check skipped", check.op, check.reason},
                 check.oracle + " " + check.case_text);
  }
  for (const Timing& timing : records.timings) {
    const JudgedTiming judged = judge(timing);
    if (judged.outcome == Outcome::kMeasured) continue;
    const std::string what = judged.outcome == Outcome::kRefused ? "timing refused" : "timing skipped";
    count_reason(rows, {(timing.peer ? "peer " : "") + what, timing.op, judged.reason}, timing.case_text);
  }
  for (auto& [key, row] : rows) summary.not_run.push_back(std::move(row));
  std::stable_sort(summary.not_run.begin(), summary.not_run.end(),
                   [](const ReasonRow& a, const ReasonRow& b) { return a.count > b.count; });
}

}  // namespace gradproof
