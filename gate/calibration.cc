#include "gate/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>

namespace gradproof {
namespace {

constexpr double kConfidence = 0.95;

GateResult run_valid(Arena& arena, const std::vector<GateCase>& cases, const GateRules& rules,
                     const TrialHooks& hooks) {
  GateResult result = run_trial(arena, cases, rules, hooks);
  return result.verdict == GateVerdict::kInvalid ? run_trial(arena, cases, rules, hooks) : std::move(result);
}

bool fails_at(const GateResult& result, size_t row) { return result.rows[row]->evidence.verdict == GateVerdict::kFail; }

// Rows with runs that are not short, by number.
std::vector<size_t> rows_for_plants(const GateResult& result, const GateRules& rules) {
  std::vector<size_t> numbers;
  for (size_t i = 0; i < result.rows.size(); ++i)
    if (result.rows[i]->bout.comparable() && result.rows[i]->bout.ns >= rules.short_ns) numbers.push_back(i);
  return numbers;
}

std::string percent(double part) { return fmt::format("{:.3g}%", 100 * part); }

void require_part(int part, int whole) {
  if (part > whole) throw Record::other_error::create(501, "a part is more than its whole", nullptr);
}

}  // namespace

std::string Calibration::to_text() const {
  const Interval wrong = proportion_interval(alarms, quiet_runs, kConfidence);
  std::string text = fmt::format("{} launches of {} loads: {} false alarms in {} runs of {} rows (at most {})",
                                 effort.launches, effort.loads, alarms, quiet_runs, rows, percent(wrong.high));
  for (const Power& power : powers) {
    const Interval found = proportion_interval(power.found, power.runs, kConfidence);
    text += fmt::format("; +{} found in {} of {} ({} to {})", percent(power.slowdown), power.found, power.runs,
                        percent(found.low), percent(found.high));
  }
  return text;
}

Calibration calibrate(Arena& arena, std::vector<GateCase> cases, const GateRules& rules,
                      const CalibrationOptions& options, const CalibrationHooks& hooks) {
  const auto start = std::chrono::steady_clock::now();
  Calibration calibration;
  calibration.effort = rules.confirmation;
  calibration.rows = static_cast<int>(cases.size());
  const double runs = options.quiet_runs + static_cast<double>(options.slowdowns.size()) * options.planted_runs;
  double done = 0;
  std::string doing;
  TrialHooks trial;
  trial.progress = [&](double part, const std::string& row) { hooks.progress((done + part) / runs, doing + row); };
  std::vector<double> noises;
  const auto after_run = [&] {
    ++done;
    calibration.noise = median_of(noises);
    calibration.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    hooks.after_run(calibration);
  };
  std::vector<size_t> candidates;
  for (int run = 0; run < options.quiet_runs; ++run) {
    doing = "nothing planted: ";
    const GateResult result = run_valid(arena, cases, rules, trial);
    calibration.processor = result.baseline.processor;
    candidates = rows_for_plants(result, rules);
    noises.push_back(result.noise);
    ++calibration.quiet_runs;
    calibration.alarms += result.verdict == GateVerdict::kFail;
    calibration.invalid += result.verdict == GateVerdict::kInvalid;
    after_run();
  }
  std::mt19937_64 random(options.seed);
  for (const double slowdown : candidates.empty() ? std::vector<double>{} : options.slowdowns) {
    calibration.powers.push_back({.slowdown = slowdown});
    for (int run = 0; run < options.planted_runs; ++run) {
      doing = fmt::format("{} planted: ", percent(slowdown));
      const size_t row = candidates[random() % candidates.size()];
      cases[row].handicap = slowdown;
      calibration.powers.back().found += fails_at(run_valid(arena, cases, rules, trial), row);
      ++calibration.powers.back().runs;
      cases[row].handicap = 0;
      after_run();
    }
  }
  return calibration;
}

Record calibration_record(const Calibration& calibration) {
  Record record = make_record("calibration");
  record["processor"] = calibration.processor;
  record["launches"] = calibration.effort.launches;
  record["loads"] = calibration.effort.loads;
  record["rows"] = calibration.rows;
  record["quiet_runs"] = calibration.quiet_runs;
  record["alarms"] = calibration.alarms;
  record["invalid"] = calibration.invalid;
  set_number(record, "noise", calibration.noise);
  set_number(record, "seconds", calibration.seconds);
  record["powers"] = Record::array();
  for (const Power& power : calibration.powers)
    record["powers"].push_back({{"slowdown", power.slowdown}, {"runs", power.runs}, {"found", power.found}});
  return record;
}

Calibration calibration_of(const Record& record) {
  Calibration calibration;
  calibration.processor = record.at("processor");
  calibration.effort = {count_of(record.at("launches")), count_of(record.at("loads"))};
  calibration.rows = count_of(record.at("rows"));
  calibration.quiet_runs = count_of(record.at("quiet_runs"));
  calibration.alarms = count_of(record.at("alarms"));
  calibration.invalid = count_of(record.at("invalid"));
  calibration.noise = record.value("noise", 0.0);
  calibration.seconds = record.value("seconds", 0.0);
  require_part(calibration.alarms, calibration.quiet_runs);
  for (const Record& entry : record.at("powers")) {
    const Power power{entry.at("slowdown"), count_of(entry.at("runs")), count_of(entry.at("found"))};
    require_part(power.found, power.runs);
    calibration.powers.push_back(power);
  }
  return calibration;
}

}  // namespace gradproof
