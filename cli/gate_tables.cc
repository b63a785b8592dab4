#include "cli/gate_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gradproof {
namespace {

constexpr std::string_view kControl = "control ";

std::string percent_text(double logarithm) { return fmt::format("{:+.1f}%", 100 * std::expm1(logarithm)); }

Colour colour_of_verdict(const std::vector<std::string>& row) {
  if (row[0] == "FAIL" || row[0] == "LOST" || row[0] == "LESS_EXACT" || row[0] == "INVALID") return Colour::kBad;
  if (row[0] == "IMPROVED") return Colour::kGood;
  return Colour::kPlain;
}

// Controls claim nothing, so they are not tested.
std::vector<std::string> table_row(const std::string& what, const Evidence& evidence) {
  const bool confirmed = evidence.is_weighed() && !what.starts_with(kControl);
  return {std::string(name_of(evidence.verdict)),
          what,
          evidence.screened.empty() ? "" : percent_text(evidence.change()),
          confirmed ? fmt::format("{} to {}", percent_text(evidence.interval.low), percent_text(evidence.interval.high))
                    : "",
          confirmed ? fmt::format("{:.2g}", evidence.adjusted) : "",
          evidence.reason};
}

}  // namespace

std::string detectable_text(const GateRules& rules, const std::optional<Calibration>& calibration) {
  const Effort& effort = rules.confirmation;
  if (!calibration || calibration->effort.launches != effort.launches || calibration->effort.loads != effort.loads ||
      !(calibration->noise > 0))
    return "Which slowdowns it finds depends on the noise, which screening measures, and --calibrate beforehand.";
  return fmt::format("At the noise of its calibration here, {:.2g}% a launch, it finds slowdowns from {:.2g}% on.",
                     100 * calibration->noise, 100 * rules.detectable(calibration->noise));
}

void print_plan(Console& console, const GatePlan& plan, const GateRules& rules, int core,
                const std::optional<Calibration>& calibration) {
  console.line(fmt::format(
      "Plan: {} rows{}, {} controls and 2 canaries on core {}; screening about {:.1f} min, then what moved, {:g} min "
      "at most.",
      plan.cases.size(),
      plan.left_out > 0 ? fmt::format(" ({} longer ones are left out: raise --minutes)", plan.left_out) : "",
      std::min(plan.cases.size(), static_cast<size_t>(rules.controls)), core, plan.screening_seconds / 60,
      rules.minutes));
  console.line(
      fmt::format("A row fails when it is slower by more than {:.3g}% ({:.3g}% under {:.0f} us), confirmed by {} "
                  "launches at a level of {:g}% and again under other conditions.",
                  100 * rules.delta, 100 * rules.short_delta, rules.short_ns / 1000, rules.confirmation.launches,
                  100 * rules.level));
  console.line(detectable_text(rules, calibration));
}

// What is worth a line: everything but rows that held, and of those none that were merely screened; what may be faster
// is said even so.
void print_rows(Console& console, const GateResult& result) {
  Table table{.head = {"verdict", "row", "change", "95%", "p", ""}, .rows = {}, .colour_of_row = colour_of_verdict};
  std::vector<std::pair<std::string, const Evidence*>> shown;
  for (const auto& row : result.rows) shown.emplace_back(row->bout.key.to_text(), &row->evidence);
  for (const GatePool& pool : result.pools)
    shown.emplace_back(fmt::format("{} {} (mean of {})", pool.op, pool.pass, pool.rows.size()), &pool.evidence);
  for (const auto& control : result.controls)
    if (control->evidence.verdict != GateVerdict::kPass)
      shown.emplace_back(std::string(kControl) + control->bout.key.to_text(), &control->evidence);
  std::erase_if(shown, [](const auto& entry) {
    return entry.second->verdict == GateVerdict::kPass && entry.second->confirmed.empty() &&
           entry.second->reason.empty();
  });
  std::stable_sort(shown.begin(), shown.end(),
                   [](const auto& a, const auto& b) { return a.second->verdict > b.second->verdict; });
  for (const auto& [what, evidence] : shown) table.rows.push_back(table_row(what, *evidence));
  if (!table.rows.empty()) print(console, table);
}

void print_verdict(Console& console, const GateResult& result, const std::optional<Calibration>& calibration) {
  console.line(fmt::format(
      "{}: {} rows, {} slower, {} lost, {} improved, {} undecided, {} not comparable; noise of a launch {:.2f}%, "
      "finds slowdowns from {:.1f}% on; "
      "{} of {} batches dropped; {:.0f} s.",
      name_of(result.verdict), result.rows.size(), result.count(GateVerdict::kFail), result.count(GateVerdict::kLost),
      result.count(GateVerdict::kImproved), result.count(GateVerdict::kInconclusive),
      result.count(GateVerdict::kNotComparable), 100 * result.noise, 100 * result.detectable, result.dropped,
      result.dropped + result.batches, result.seconds));
  if (!result.reason.empty()) console.line(result.reason);
  console.line(
      calibration ? fmt::format("Calibrated on this machine: {}.", calibration->to_text())
                  : "Not calibrated on this machine: gradproof gate --calibrate measures how often the gate is wrong.");
}

}  // namespace gradproof
