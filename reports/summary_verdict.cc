#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/format.h"
#include "reports/summary_parts.h"

namespace gradproof {
namespace {

std::string joined(const std::vector<std::string>& words, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), most); ++i) text += (i == 0 ? "" : ", ") + words[i];
  if (words.size() > most) text += fmt::format(" and {} more", words.size() - most);
  return text;
}

std::string machine_of(const std::vector<Environment>& environments) {
  if (environments.empty()) return "";
  const Environment& e = environments.front();
  std::string text = e.processor;
  if (!e.isa.empty()) text += (text.empty() ? "" : ", ") + e.isa;
  return text;
}

// The first things that make figures of two environments incomparable.
std::vector<std::string> differences(const std::vector<Environment>& environments) {
  std::set<std::string> names;
  const Environment& a = environments.front();
  for (const Environment& b : environments) {
    if (a.processor != b.processor) names.insert("processor");
    if (a.isa != b.isa || a.isas != b.isas) names.insert("instruction set");
    if (a.compiler != b.compiler) names.insert("compiler");
    if (a.flags != b.flags) names.insert("flags");
    if (a.commit != b.commit) names.insert("commit");
    if (a.libraries != b.libraries) names.insert("libraries");
  }
  return {names.begin(), names.end()};
}

void add_environment_faults(Summary& summary) {
  if (summary.environments.empty()) {
    summary.faults.push_back("no environment was recorded, so nobody can tell which machine this describes");
    return;
  }
  const auto names = differences(summary.environments);
  if (!names.empty()) {
    summary.faults.push_back(
        fmt::format("the records come from environments that differ in {}; their times are not comparable",
                    joined(names, names.size())));
  }
}

std::vector<std::string> unchecked_operations(const Summary& summary) {
  std::vector<std::string> names;
  for (const OperationRow& row : summary.operations) {
    if (row.checks.passed + row.checks.failed == 0) names.push_back(row.op);
  }
  return names;
}

State overall_state(const Summary& summary) {
  if (summary.checks.failed + summary.planted.failed > 0) return State::kFailed;
  const bool whole = summary.checks.passed > 0 && unchecked_operations(summary).empty();
  return whole ? State::kVerified : State::kIncomplete;
}

int gravity(State state) { return state == State::kFailed ? 2 : state == State::kIncomplete ? 1 : 0; }

std::string checks_phrase(const Summary& summary) {
  const Counts& c = summary.checks;
  if (c.passed + c.failed == 0) {
    return c.skipped == 0 ? "nothing was checked"
                          : fmt::format("nothing was checked, {} skipped", plural(c.skipped, "check"));
  }
  const std::string failed = c.failed == 0 ? "none failed" : show_count(static_cast<double>(c.failed)) + " failed";
  const std::string skipped = c.skipped == 0 ? "none skipped" : show_count(static_cast<double>(c.skipped)) + " skipped";
  return fmt::format("{} passed, {}, {}", plural(c.passed, "check"), failed, skipped);
}

std::string planted_phrase(const Counts& planted) {
  if (planted.all() == 0) return "";
  if (planted.failed == 0 && planted.skipped == 0) {
    return planted.passed == 1 ? "; the planted bug was caught"
                               : fmt::format("; all {} planted bugs were caught", planted.passed);
  }
  return fmt::format("; {} of {} caught", planted.passed, plural(planted.all(), "planted bug"));
}

std::string findings_phrase(const Summary& summary) {
  if (summary.peer_checks.failed == 0) return "";
  return fmt::format("; {} about peers", plural(summary.peer_checks.failed, "finding"));
}

std::string timings_phrase(const Summary& summary) {
  if (summary.measured == 0) return "; nothing was timed";
  std::string text = fmt::format("; {}", plural(summary.measured, "timing"));
  if (summary.noise) text += fmt::format(" with a noise floor of {}", show_percent(summary.noise));
  return text;
}

}  // namespace

void add_verdict(Summary& summary) {
  add_environment_faults(summary);
  summary.state = overall_state(summary);
  summary.machine = machine_of(summary.environments);
  summary.headline = summary.state == State::kVerified ? "Verified" : "Not verified";
  std::string text = checks_phrase(summary);
  const auto unchecked = unchecked_operations(summary);
  if (!unchecked.empty() && summary.checks.passed + summary.checks.failed > 0) {
    text += fmt::format("; nothing was checked for {}", joined(unchecked, 5));
  }
  text += planted_phrase(summary.planted) + findings_phrase(summary) + timings_phrase(summary);
  summary.sentence = fmt::format("{}: {}{}.", summary.headline, text,
                                 summary.machine.empty() ? "; machine not recorded" : "; on " + summary.machine);
}

void add_gate(const Records& records, Summary& summary) {
  const GateSummary gate = summarize_gate(records, summary.machine);
  summary.gate = gate;
  if (!gate.present) return;
  summary.gate_only = records.checks.empty() && records.timings.empty();
  if (!summary.gate_only && gravity(summary.state) >= gravity(gate.state())) {
    summary.sentence += " " + gate.brief;
    return;
  }
  summary.state = gate.state();
  summary.headline = gate.headline;
  summary.sentence = summary.gate_only ? gate.sentence : gate.brief + " " + summary.sentence;
}

}  // namespace gradproof
