#include "reports/gate_junit.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "reports/format.h"
#include "reports/gate_summary.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

// What becomes of a row in the eyes of a build server.
struct RowResult {
  Status status = Status::kPass;
  std::string message;
};

// That errors have grown, or that a row is lost, is certain; what was timed in a run that is void is not.
RowResult result_of(const TimeChange& row, const GateSummary& gate) {
  const std::string verdict = to_text(row.ruling);
  const std::string why = verdict + (row.reason.empty() ? "" : ": " + row.reason);
  if (gate.is_void() && row.ruling != Ruling::kLessExact && row.ruling != Ruling::kLost)
    return {Status::kSkip, "the times of this run are void: " + (gate.reason.empty() ? why : gate.reason)};
  if (is_failure(row.ruling))
    return {Status::kFail,
            row.change ? fmt::format("{}, {} where {} is allowed", why, show_change(row.change), show_change(row.delta))
                       : why};
  if (row.ruling == Ruling::kPass || row.ruling == Ruling::kImproved) return {};
  return {Status::kSkip, why};
}

std::string launch_details(const TimeChange& row) {
  std::string text = fmt::format("change: {}\n95%: {}\nallowed: {}\n", show_change(row.change), show_interval(row),
                                 show_change(row.delta));
  if (row.adjusted) text += fmt::format("p, adjusted by Holm: {}\n", show_ratio(row.adjusted));
  if (row.baseline_ns && row.candidate_ns)
    text += fmt::format("time: {} before, {} now\n", show_duration(row.baseline_ns), show_duration(row.candidate_ns));
  return text + fmt::format("screened: {}\nconfirmed: {}\nrecurred: {}\n", show_launches(row.screened),
                            show_launches(row.confirmed), show_launches(row.recurred));
}

std::string test_name(const TimeChange& row) {
  if (row.role == GateRole::kPool) return fmt::format("{}, mean of {}", row.pass, plural(row.rows, "row"));
  return fmt::format("{} {} {}{}{}", row.case_text, row.pass, row.impl, row.isa.empty() ? "" : " ", row.isa);
}

std::string gate_case(const TimeChange& row, const RowResult& result) {
  const std::string head = fmt::format("    <testcase classname=\"{}\" name=\"{}\"", escape_xml(row.op + ".gate"),
                                       escape_xml(test_name(row)));
  if (result.status == Status::kPass) return head + "/>\n";
  if (result.status == Status::kSkip)
    return head + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", escape_xml(result.message));
  return head + fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                            escape_xml(result.message), escape_xml(launch_details(row)));
}

// Where an error has grown, or its value is gone.
std::string loss_case(const ExactnessRecord& e) {
  const std::string message =
      fmt::format("{}: error / bound {} → {}, ulps {} → {}", to_text(e.turn), show_ratio(e.before_worst),
                  show_ratio(e.after_worst), show_ratio(e.before_ulps), show_ratio(e.after_ulps));
  return fmt::format("    <testcase classname=\"{}\" name=\"{}\">\n      <failure message=\"{}\"/>\n    </testcase>\n",
                     escape_xml(e.op + ".exactness"), escape_xml(fmt::format("{} {} {}", e.case_text, e.pass, e.isa)),
                     escape_xml(message));
}

std::string gate_suite(const std::string& name, const Counts& counts, std::size_t errors, const std::string& cases) {
  return fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n{}  </testsuite>\n",
      escape_xml(name), counts.all() + errors, counts.failed, errors, counts.skipped, cases);
}

// `element`: "error" or "failure".
std::string verdict_case(const char* element, const std::string& message) {
  return fmt::format(
      "    <testcase classname=\"gate\" name=\"verdict\">\n      <{} message=\"{}\"/>\n    </testcase>\n", element,
      escape_xml(message));
}

struct Suites {
  std::string text;
  Counts counts;
  std::size_t errors = 0;

  void add(const std::string& name, const Counts& some, std::size_t some_errors, const std::string& cases) {
    text += gate_suite(name, some, some_errors, cases);
    counts.passed += some.passed;
    counts.failed += some.failed;
    counts.skipped += some.skipped;
    errors += some_errors;
  }
};

// The rows, the pools and the lost exactness of each operation, in the order of the summary.
Suites operation_suites(const GateSummary& gate) {
  std::map<std::string, std::pair<Counts, std::string>> by_op;
  for (const auto* rows : {&gate.rows, &gate.pools})
    for (const TimeChange& row : *rows) {
      const RowResult result = result_of(row, gate);
      auto& [counts, cases] = by_op[row.op];
      counts.add(result.status);
      cases += gate_case(row, result);
    }
  for (const ExactnessRecord& e : gate.exactness) {
    if (!is_loss(e)) continue;
    auto& [counts, cases] = by_op[e.op];
    counts.add(Status::kFail);
    cases += loss_case(e);
  }
  Suites suites;
  for (const auto& [op, suite] : by_op) suites.add(op, suite.first, 0, suite.second);
  return suites;
}

// The verdict on everything has a test case of its own where no row shows it.
void add_verdict_suite(const GateSummary& gate, Suites& suites) {
  if (!gate.present || gate.ruling == Ruling::kInvalid)
    return suites.add("gate", {}, 1, verdict_case("error", gate.present ? gate.sentence : "no record of a gate"));
  if (is_failure(gate.ruling) && suites.counts.failed == 0)
    return suites.add("gate", {.failed = 1}, 0, verdict_case("failure", gate.sentence));
  if (gate.measured == 0 && !is_failure(gate.ruling))
    suites.add("gate", {}, 1, verdict_case("error", "nothing was measured: " + gate.sentence));
}

}  // namespace

std::string render_gate_junit(const Records& records) {
  const GateSummary gate = summarize(records).gate;
  Suites suites = operation_suites(gate);
  add_verdict_suite(gate, suites);
  return fmt::format(
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<testsuites name=\"gradproof gate\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
             suites.counts.all() + suites.errors, suites.counts.failed, suites.errors, suites.counts.skipped) +
         suites.text + "</testsuites>\n";
}

}  // namespace gradproof
