// How often the gate is wrong on this machine, measured: many comparisons of a program with itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gate/trial.h"
#include "ops/core/record.h"

namespace gradproof {

struct Power {
  double slowdown = 0;  // planted into one row, 0.05 is 5%
  int runs = 0, found = 0;
};

struct Calibration {
  std::string processor;
  Effort effort;  // of confirmation
  int rows = 0;
  int quiet_runs = 0, alarms = 0, invalid = 0;  // nothing planted; alarms are false
  std::vector<Power> powers;
  double noise = 0;  // median over the runs
  double seconds = 0;

  // "16 launches of 6 loads: 0 false alarms in 100 runs of 40 rows (at most 3.6%); +5% found in 19 of 20 (75 to 100%)",
  // with 95% intervals.
  std::string to_text() const;
};

struct CalibrationOptions {
  int quiet_runs = 20;
  int planted_runs = 4;  // for each slowdown
  std::vector<double> slowdowns{0.03, 0.05, 0.1};
  std::uint64_t seed = 1;
};

struct CalibrationHooks {
  std::function<void(double, const std::string&)> progress;  // as TrialHooks
  // What is known after each run: a calibration takes hours, and may be cut short.
  std::function<void(const Calibration& so_far)> after_run;
};

// Planted rows are drawn among those whose runs are long enough for the small delta. A run that is INVALID is repeated
// once, as the gate itself does. Throws ContestantError.
Calibration calibrate(Arena& arena, std::vector<GateCase> cases, const GateRules& rules,
                      const CalibrationOptions& options, const CalibrationHooks& hooks);

Record calibration_record(const Calibration& calibration);
// Throws nlohmann::json::exception for what is none.
Calibration calibration_of(const Record& record);

}  // namespace gradproof
