#include "cli/tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/format.h"
#include "reports/judge.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

std::string count(size_t number) { return show_count(static_cast<double>(number)); }

Colour colour_of_state(const std::vector<std::string>& row) {
  if (row.back() == to_text(State::kFailed)) return Colour::kBad;
  return row.back() == to_text(State::kVerified) ? Colour::kPlain : Colour::kFaint;
}

Colour colour_of_outcome(const std::vector<std::string>& row) {
  return row.back().empty() ? Colour::kPlain : Colour::kFaint;
}

std::string layer_of(const Timing& timing) { return timing.layer.empty() ? timing.case_text : timing.layer; }

std::vector<std::string> cells_of(const Timing& timing) {
  return {layer_of(timing),
          timing.pass,
          timing.impl,
          std::to_string(timing.threads),
          show_duration(timing.ns),
          show_rate(timing.gflops),
          show_rate(timing.gbps),
          show_percent(timing.roof),
          timing.outcome == Outcome::kMeasured ? "" : to_text(timing.outcome) + (": " + timing.reason)};
}

}  // namespace

void print_failure(Console& console, const Check& check) {
  std::string title = check.peer ? "PEER" : "FAIL";
  for (const std::string& part : {check.oracle, check.op, check.mutant, check.case_text, check.pass, check.impl})
    if (!part.empty() && !(part == check.op && !check.case_text.empty())) title += "  " + part;
  console.line(console.paint(check.peer ? Colour::kStrong : Colour::kBad, title));
  const auto say = [&](const char* what, const std::string& text) {
    if (!text.empty()) console.line(fmt::format("      {:<9} {}", what, text));
  };
  say("reason", check.reason);
  say("where", check.where);
  say("expected", check.expected);
  say("got", check.got);
  if (check.error && check.bound) say("error", fmt::format("{:.3g}, allowed {:.3g}", *check.error, *check.bound));
  say("smaller", check.shrunk);
  say("repeat", check.repro);
}

namespace {

void print_properties(Console& console, const Summary& summary) {
  Table table{{"property", "compared", "error/bound", "state"}, {}, colour_of_state};
  for (const FailureRow& row : summary.properties) {
    const Status status = judge(row.check).status;
    const State state = status == Status::kPass   ? State::kVerified
                        : status == Status::kFail ? State::kFailed
                                                  : State::kIncomplete;
    table.rows.push_back(
        {row.check.case_text, show_count(row.check.compared.value_or(0)), show_ratio(row.check.worst), to_text(state)});
  }
  if (!table.rows.empty()) print(console, table);
}

}  // namespace

void print_summary(Console& console, const Records& records) {
  const Summary summary = summarize(records);
  Table table{{"operation", "passed", "failed", "skipped", "error/bound", "digits", "measured", "withheld", "state"},
              {},
              colour_of_state};
  for (const OperationRow& row : summary.operations)
    table.rows.push_back({row.op, count(row.checks.passed), count(row.checks.failed), count(row.checks.skipped),
                          show_ratio(row.worst), show_digits(row.digits), count(row.measured), count(row.withheld),
                          to_text(row.state)});
  if (!table.rows.empty()) print(console, table);
  print_properties(console, summary);
  const Colour colour = summary.state == State::kFailed     ? Colour::kBad
                        : summary.state == State::kVerified ? Colour::kGood
                                                            : Colour::kStrong;
  console.line(console.paint(colour, summary.sentence));
}

void print_timings(Console& console, const Records& records) {
  Table table{
      {"layer", "pass", "impl", "threads", "time", "GFLOP/s", "GB/s", "of roof", "note"}, {}, colour_of_outcome};
  for (const Timing& timing : records.timings) table.rows.push_back(cells_of(timing));
  if (!table.rows.empty()) print(console, table);
}

std::string timing_text(const Timing& timing) {
  if (timing.outcome != Outcome::kMeasured)
    return fmt::format("{} {} {}: {}: {}", layer_of(timing), timing.pass, timing.impl, to_text(timing.outcome),
                       timing.reason);
  return fmt::format("{} {} {}: {}, {} GFLOP/s, {} GB/s, {} of the roof, {}", layer_of(timing), timing.pass,
                     timing.impl, show_duration(timing.ns), show_rate(timing.gflops), show_rate(timing.gbps),
                     show_percent(timing.roof), plural(static_cast<size_t>(timing.threads), "thread"));
}

std::string measured_text(const Records& records) {
  const auto having = [&](Outcome outcome) {
    return static_cast<size_t>(std::count_if(records.timings.begin(), records.timings.end(),
                                             [&](const Timing& timing) { return timing.outcome == outcome; }));
  };
  return fmt::format("{}, each verified at its own size; {} withheld; {} skipped",
                     plural(having(Outcome::kMeasured), "timing"), count(having(Outcome::kRefused)),
                     count(having(Outcome::kSkipped)));
}

}  // namespace gradproof
