// The kinds of records that the gate writes (schema.md).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace gradproof {

class Fields;

// The gravest first. What could not be compared says nothing of what could.
enum class Ruling {
  kLost,
  kFail,
  kLessExact,
  kTrade,
  kInvalid,
  kInconclusive,
  kLayout,
  kNotComparable,
  kImproved,
  kPass,
};

enum class GateRole { kRow, kPool, kControl };

// How the candidate's time differs from the baseline's, as a part: 0.05 is 5% slower.
struct TimeChange {
  GateRole role = GateRole::kRow;
  std::string op, case_text, pass, impl, isa;
  Ruling ruling = Ruling::kInvalid;
  std::string reason;
  std::optional<double> change, delta;
  std::vector<double> screened, confirmed, recurred;     // one a launch
  std::optional<double> p, adjusted;                     // adjusted by Holm
  std::optional<double> low, high, sign_low, sign_high;  // 95%, by the signed-rank test and by the sign test
  std::optional<double> baseline_ns, candidate_ns, planted;
  std::size_t rows = 0;  // of a pool
};

struct GateRun {
  Ruling ruling = Ruling::kInvalid;
  std::string reason, baseline_commit, candidate_commit, calibration;
  std::size_t rows = 0, controls = 0, batches = 0, dropped = 0;
  std::optional<double> noise, detectable, seconds;
};

enum class ExactnessTurn { kWorse, kGone, kNew, kBetter };

// How near to the truth a pass comes, against the reviewed file.
struct ExactnessRecord {
  std::string op, case_text, pass, isa;
  ExactnessTurn turn = ExactnessTurn::kWorse;
  std::optional<double> before_worst, after_worst, before_ulps, after_ulps;
};

struct FoundSlowdowns {
  double slowdown = 0;
  std::size_t runs = 0, found = 0;
};

// How often the gate was wrong when nothing had changed, and how often right when something had.
struct CalibrationRun {
  std::string processor;
  std::size_t rows = 0, quiet_runs = 0, alarms = 0, invalid = 0;
  std::optional<double> noise, seconds;
  std::vector<FoundSlowdowns> powers;
};

const char* to_text(Ruling ruling);       // "FAIL", "NOT_COMPARABLE", ...
const char* to_text(GateRole role);       // "row", "pool", "control"
const char* to_text(ExactnessTurn turn);  // "worse", ...

// Throw ReportError.
TimeChange read_time_change(const Fields& fields);
GateRun read_gate_run(const Fields& fields);
ExactnessRecord read_exactness_record(const Fields& fields);
CalibrationRun read_calibration_run(const Fields& fields);

}  // namespace gradproof
