// One comparison of two programs: everything is screened, what moved is confirmed on fresh data, what is confirmed has
// to recur under other conditions (docs/decisions/0020-the-gate.md).
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gate/arena.h"
#include "gate/statistics.h"
#include "gate/verdict.h"

namespace gradproof {

struct GateRules {
  double delta = 0.02;          // a slowdown up to this is none
  double short_delta = 0.05;    // for runs shorter than ...
  double short_ns = 10e3;       // ... this, which layout and the clock move more
  double pool_delta = 0.01;     // for the geometric mean of an operation's pass, which averages the noise of its rows
  double level = 0.01;          // of all claims of a run together
  double control_limit = 0.02;  // what stands still may move by, or by delta where that is more
  double suspicion = 0.75;      // of delta: what moved further on screening is confirmed
  Effort screening{3, 4}, confirmation{16, 6}, recurrence{4, 6, true};
  int controls = 20;
  double minutes = 5;

  double delta_of(double ns) const { return ns < short_ns ? short_delta : delta; }
  // The slowdown that is found 19 times of 20 where launches deviate by `noise`.
  double detectable(double noise) const;
};

// Fewer launches than this prove nothing at a level of 1%: 2^-8 is 0.4%.
inline constexpr size_t kFewestLaunches = 8;

// What launches say of a row or of a pool of rows. Values are logarithms of time ratios, candidate over baseline.
struct Evidence {
  double delta = 0;      // what it may change by
  double suspicion = 0;  // what it may change by on screening without being confirmed
  std::vector<double> screened, confirmed, recurred;
  double p = 1;         // of a change no larger than delta, in the direction of the change; after confirmation
  double adjusted = 1;  // by Holm, over all that was confirmed
  Interval interval, sign_interval;  // 95%, by the signed-rank test and by the sign test; after confirmation
  GateVerdict verdict = GateVerdict::kInconclusive;
  std::string reason;

  // Whether there are launches enough for p and the intervals.
  bool is_weighed() const { return confirmed.size() >= kFewestLaunches; }
  // The best estimate there is.
  double change() const;
  bool slower() const { return change() > 0; }
};

struct GateRow {
  std::string op;
  Bout bout;
  Evidence evidence;
};

// The rows of one pass of one operation, as their geometric mean.
struct GatePool {
  std::string op, pass;
  std::vector<const GateRow*> rows;
  Evidence evidence;
};

struct GateResult {
  std::vector<std::unique_ptr<GateRow>> rows;      // candidate against baseline
  std::vector<GatePool> pools;                     // of three rows and more
  std::vector<std::unique_ptr<GateRow>> controls;  // the baseline against its copy, and canaries
  GateVerdict verdict = GateVerdict::kInvalid;
  std::string reason;
  std::vector<std::string> less_exact;  // "conv vjp:src": less exact than the reviewed file, and no faster
  bool unknown_exactness = false;       // there was a reviewed file, and nothing in it could be compared
  double noise = 0;                     // standard deviation of a launch, from the controls
  double detectable = 0;                // at that noise
  int dropped = 0, batches = 0;         // of all rows
  double seconds = 0;
  ProgramFacts baseline, candidate;

  int count(GateVerdict verdict) const;  // of rows and pools
};

struct GateCase {
  std::string op;
  RowKey key;
  double handicap = 0;
  double seconds = 0;  // that screening it is expected to take
};

struct TrialHooks {
  // The share of the planned work that is done, and what is under way.
  std::function<void(double, const std::string&)> progress = [](double, const std::string&) {};
  // Whether both programs' kernels of an operation are the same machine code.
  std::function<bool(const std::string& op)> same_code = [](const std::string&) { return false; };
};

// Throws ContestantError.
GateResult run_trial(Arena& arena, const std::vector<GateCase>& cases, const GateRules& rules, const TrialHooks& hooks);

// Passes of operations, (op, pass), whose errors have grown or shrunk.
struct ExactnessShift {
  std::set<std::pair<std::string, std::string>> worse, better;
};

// Makes the verdict on everything anew, `result.unknown_exactness` taken into account. Where a pass became faster and
// less exact, or slower and more exact, those rows are a TRADE. What is less exact without being faster is LESS_EXACT,
// whether it was timed or not.
void weigh_exactness(GateResult& result, const ExactnessShift& shift);

}  // namespace gradproof
