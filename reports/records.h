#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "reports/gate_records.h"
#include "reports/mutant_records.h"

namespace gradproof {

// Bad input. The message is one sentence: the file, the line, what is wrong, what would be right.
struct ReportError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The kinds of schema.md. An empty text or an empty optional is "not known"; numbers are finite, as JSON's are.

struct Environment {
  std::string processor, isa, hypervisor, compiler, flags, real, commit, time;
  std::vector<std::string> isas;
  std::map<std::string, double> caches;
  std::map<std::string, std::string> libraries;
  std::optional<double> cores, threads;

  bool operator==(const Environment&) const = default;
};

enum class Status { kPass, kFail, kSkip };

// What a check drew; the y axis by factors, the x axis too where it is logarithmic.
struct DrawnCurve {
  std::string name;
  std::vector<double> x, y;
};
struct DrawnPlot {
  std::string x_axis, y_axis;
  bool logarithmic = false;
  std::vector<DrawnCurve> curves;
};

struct Check {
  std::string op, family, case_text, pass, oracle, impl, isa, tier, seed;
  bool peer = false;  // about somebody else's implementation
  Status status = Status::kFail;
  std::optional<double> compared, worst, error, bound, ulps, digits, seconds;
  // Text, since what was expected or got may be a NaN or an infinity, which JSON numbers cannot say.
  std::string where, expected, got;
  std::string reason, repro, shrunk, mutant, caught_by;
  std::string claim;  // of a property, with the operations that it is about
  std::vector<std::string> operations;
  DrawnPlot plot;
};

struct OracleText {
  std::string name, question, asked_of;
};

enum class Outcome { kMeasured, kRefused, kSkipped };

struct Timing {
  std::string op, family, case_text, pass, impl, isa, layer;
  bool peer = false;  // of somebody else's implementation
  Outcome outcome = Outcome::kRefused;
  std::string reason, roof_kind;
  int threads = 1;
  std::vector<double> samples_ns;
  std::optional<double> ns, flops, bytes, gflops, gbps, roof, worst;
  std::vector<std::string> verified;
};

struct Roof {
  std::string name, level, isa, unit;
  int threads = 1;
  double value = 0;
  std::optional<double> bytes;
};

struct Records {
  std::vector<Environment> environments;
  std::vector<OracleText> oracles;
  std::vector<Check> checks;
  std::vector<Timing> timings;
  std::vector<Roof> roofs;
  std::vector<TimeChange> time_changes;
  std::vector<GateRun> gate_runs;
  std::vector<ExactnessRecord> exactness;
  std::vector<CalibrationRun> calibrations;
  std::vector<MutantRecord> mutants;
};

// Reads every line of every file, strictly: the first line that is not a record of schema 1 ends it with a ReportError.
Records read_records(const std::vector<std::filesystem::path>& files);

// The same for text at hand; `name` stands for the file in messages. Appends to `records`.
void parse_records(std::string_view text, const std::string& name, Records& records);

const char* to_text(Status status);
const char* to_text(Outcome outcome);

}  // namespace gradproof
