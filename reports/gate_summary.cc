#include "reports/gate_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "reports/format.h"
#include "reports/summary.h"

namespace gradproof {
namespace {

constexpr std::size_t kCommitLetters = 12;

void sort_rows(const Records& records, GateSummary& gate) {
  for (const TimeChange& row : records.time_changes) {
    auto& rows = row.role == GateRole::kRow ? gate.rows : row.role == GateRole::kPool ? gate.pools : gate.controls;
    rows.push_back(row);
    gate.measured += row.role == GateRole::kRow && !row.screened.empty() ? 1 : 0;
  }
  for (auto* rows : {&gate.rows, &gate.pools, &gate.controls}) std::stable_sort(rows->begin(), rows->end(), graver);
  gate.exactness = records.exactness;
  std::stable_sort(gate.exactness.begin(), gate.exactness.end(),
                   [](const ExactnessRecord& a, const ExactnessRecord& b) { return a.turn < b.turn; });
}

bool is_good(Ruling ruling) {
  return ruling == Ruling::kPass || ruling == Ruling::kImproved || ruling == Ruling::kLayout;
}

// A reason may name every operation there is.
std::string first_of(const std::string& reason) {
  constexpr std::size_t kMost = 240;
  if (reason.size() <= kMost) return reason;
  return reason.substr(0, reason.rfind(' ', kMost)) + " …";
}

// A verdict that its own rows contradict, or that rests on nothing, does not count in its own favour.
void rule(const Records& records, GateSummary& gate) {
  const auto conclude = [&gate](Ruling ruling, const std::string& reason) {
    gate.ruling = ruling;
    gate.reason = reason;
  };
  if (records.gate_runs.empty()) return conclude(Ruling::kInvalid, "the run ended before its verdict");
  const GateRun& gravest = *std::min_element(records.gate_runs.begin(), records.gate_runs.end(),
                                             [](const GateRun& a, const GateRun& b) { return a.ruling < b.ruling; });
  conclude(gravest.ruling, gravest.reason);
  if (!is_good(gate.ruling)) return;
  if (gate.measured == 0) return conclude(Ruling::kInvalid, "nothing was measured");
  for (const auto* rows : {&gate.rows, &gate.pools})
    for (const TimeChange& row : *rows)
      if (row.ruling != Ruling::kNotComparable && row.ruling < gate.ruling)
        conclude(row.ruling, fmt::format("{} says so, against the verdict of the gate", name_of(row)));
  if (is_good(gate.ruling) && std::any_of(gate.exactness.begin(), gate.exactness.end(), is_loss))
    conclude(Ruling::kLessExact, "errors have grown, against the verdict of the gate");
}

const char* headline_of(Ruling ruling) {
  switch (ruling) {
    case Ruling::kLost:
      return "Lost or wrong";
    case Ruling::kFail:
      return "Slower";
    case Ruling::kLessExact:
      return "Less exact";
    case Ruling::kTrade:
      return "To be decided";
    case Ruling::kInvalid:
      return "Nothing was learned";
    case Ruling::kInconclusive:
      return "Undecided";
    case Ruling::kLayout:
      return "Slower by memory layout only";
    case Ruling::kNotComparable:
      return "Not comparable";
    case Ruling::kImproved:
      return "Faster";
    case Ruling::kPass:
      return "Nothing is slower";
  }
  return "";
}

// "50 rows: 1 slower, 1 undecided, 48 not slower"
std::string counts_phrase(const GateSummary& gate) {
  constexpr std::array<std::pair<Ruling, const char*>, 10> kWords = {{{Ruling::kLost, "lost or wrong"},
                                                                      {Ruling::kFail, "slower"},
                                                                      {Ruling::kLessExact, "less exact"},
                                                                      {Ruling::kTrade, "to be decided"},
                                                                      {Ruling::kInvalid, "invalid"},
                                                                      {Ruling::kInconclusive, "undecided"},
                                                                      {Ruling::kLayout, "moved by layout"},
                                                                      {Ruling::kNotComparable, "not comparable"},
                                                                      {Ruling::kImproved, "faster"},
                                                                      {Ruling::kPass, "not slower"}}};
  std::string out;
  for (const auto& [ruling, word] : kWords)
    if (gate.count(ruling) > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", show_count(static_cast<double>(gate.count(ruling))), word);
  return gate.rows.empty() ? "no row was compared" : fmt::format("{}: {}", plural(gate.rows.size(), "row"), out);
}

std::string pools_phrase(const GateSummary& gate) {
  const auto slower = static_cast<std::size_t>(std::count_if(
      gate.pools.begin(), gate.pools.end(), [](const TimeChange& row) { return is_failure(row.ruling); }));
  return slower == 0 ? "" : fmt::format("; {} of {} slower or less exact", slower, plural(gate.pools.size(), "pool"));
}

std::string exactness_phrase(const GateSummary& gate) {
  if (gate.exactness.empty()) return "";
  std::string out;
  for (const ExactnessTurn turn :
       {ExactnessTurn::kWorse, ExactnessTurn::kGone, ExactnessTurn::kNew, ExactnessTurn::kBetter})
    if (gate.count(turn) > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", gate.count(turn), to_text(turn));
  return "; exactness: " + out;
}

std::string noise_phrase(const GateSummary& gate) {
  std::string out;
  if (gate.noise) out += fmt::format("; noise of a launch {}", show_percent(gate.noise));
  if (gate.detectable) out += fmt::format("; finds slowdowns from {} on", show_percent(gate.detectable));
  return out;
}

std::string commits_phrase(const Records& records) {
  if (records.gate_runs.empty()) return "";
  const GateRun& run = records.gate_runs.back();
  if (run.baseline_commit.empty() || run.candidate_commit.empty()) return "";
  return fmt::format("; {} against {}", run.candidate_commit.substr(0, kCommitLetters),
                     run.baseline_commit.substr(0, kCommitLetters));
}

std::string calibration_text(const CalibrationRun& run) {
  std::string out = fmt::format("{} in {} of {}", plural(run.alarms, "false alarm"), plural(run.quiet_runs, "run"),
                                plural(run.rows, "row"));
  for (const FoundSlowdowns& power : run.powers)
    out += fmt::format("; {} found in {} of {}", show_change(power.slowdown), power.found, power.runs);
  return out;
}

std::string calibration_sentence(const Records& records) {
  std::string text;
  for (const GateRun& run : records.gate_runs)
    if (!run.calibration.empty()) text = run.calibration;
  if (text.empty() && !records.calibrations.empty()) text = calibration_text(records.calibrations.back());
  return text.empty()
             ? "Not calibrated on this machine: gradproof gate --calibrate measures how often the gate is wrong."
             : fmt::format("Calibrated on this machine: {}.", text);
}

}  // namespace

State GateSummary::state() const {
  return is_failure(ruling) ? State::kFailed : is_good(ruling) ? State::kVerified : State::kIncomplete;
}

bool GateSummary::is_void() const {
  return ruling == Ruling::kInvalid || std::any_of(controls.begin(), controls.end(), [](const TimeChange& row) {
           return row.ruling == Ruling::kInvalid;
         });
}

std::size_t GateSummary::count(Ruling wanted) const {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [wanted](const TimeChange& row) { return row.ruling == wanted; }));
}

std::size_t GateSummary::count(ExactnessTurn wanted) const {
  return static_cast<std::size_t>(std::count_if(exactness.begin(), exactness.end(),
                                                [wanted](const ExactnessRecord& e) { return e.turn == wanted; }));
}

GateSummary summarize_gate(const Records& records, const std::string& machine) {
  GateSummary gate;
  gate.present = !records.gate_runs.empty() || !records.time_changes.empty() || !records.exactness.empty();
  if (!gate.present) return gate;
  sort_rows(records, gate);
  rule(records, gate);
  for (const GateRun& run : records.gate_runs) {
    gate.noise = std::max(gate.noise, run.noise);
    gate.detectable = std::max(gate.detectable, run.detectable);
    gate.batches += run.batches;
    gate.dropped += run.dropped;
  }
  gate.calibration = calibration_sentence(records);
  gate.headline = headline_of(gate.ruling);
  gate.brief = fmt::format("{} ({}).", gate.headline, to_text(gate.ruling));
  gate.sentence = fmt::format("{} ({}): {}{}{}{}{}{}{}.", gate.headline, to_text(gate.ruling),
                              gate.reason.empty() ? "" : first_of(gate.reason) + "; ", counts_phrase(gate),
                              pools_phrase(gate), exactness_phrase(gate), noise_phrase(gate), commits_phrase(records),
                              machine.empty() ? "; machine not recorded" : "; on " + machine);
  return gate;
}

bool graver(const TimeChange& a, const TimeChange& b) {
  const auto rank = [](const TimeChange& row) { return std::tuple(row.ruling, -row.change.value_or(0)); };
  return rank(a) < rank(b);
}

bool is_failure(Ruling ruling) {
  return ruling == Ruling::kLost || ruling == Ruling::kFail || ruling == Ruling::kLessExact || ruling == Ruling::kTrade;
}

std::string noise_sentence(const GateSummary& gate) {
  const std::size_t all = gate.batches + gate.dropped;
  return fmt::format(
      "Noise of a launch: {}; slowdowns from {} on are found 19 times of 20. {} of {} batches were dropped.",
      show_percent(gate.noise), show_percent(gate.detectable), show_count(static_cast<double>(gate.dropped)),
      show_count(static_cast<double>(all)));
}

bool is_loss(const ExactnessRecord& record) {
  return record.turn == ExactnessTurn::kWorse || record.turn == ExactnessTurn::kGone;
}

std::string name_of(const TimeChange& row) {
  const std::string name = row.op + " " + row.pass;
  return row.role == GateRole::kPool ? fmt::format("{}, mean of {}", name, plural(row.rows, "row")) : name;
}

std::string show_change(std::optional<double> part) { return part ? fmt::format("{:+.1f}%", 100 * *part) : "–"; }

std::string show_interval(const TimeChange& row) {
  return row.low && row.high ? show_change(row.low) + " to " + show_change(row.high) : "–";
}

std::string show_launches(const std::vector<double>& parts) {
  std::string out;
  for (const double part : parts) out += (out.empty() ? "" : " ") + show_change(part);
  return out.empty() ? "–" : out;
}

}  // namespace gradproof
