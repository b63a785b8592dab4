#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/gate_summary.h"
#include "reports/peers.h"
#include "reports/records.h"
#include "reports/spread.h"

namespace gradproof {

struct Counts {
  std::size_t passed = 0, failed = 0, skipped = 0;
  std::size_t all() const { return passed + failed + skipped; }
  void add(Status status);
};

// kIncomplete: nothing failed, but something was never checked. Only kVerified may be shown as good.
enum class State { kVerified, kFailed, kIncomplete };

const char* to_text(State state);  // "verified", "failed", "incomplete"

// One operation under one oracle.
struct OracleCell {
  std::string oracle;
  Counts counts;
  std::optional<double> worst;   // largest error / bound
  std::optional<double> digits;  // fewest decimal digits of agreement
  Spread ratios, all_digits;     // of the checks that know them
  std::size_t timed = 0;         // sizes that it verified for a timing
  std::size_t properties = 0;    // shown, of which this is not the first operation
};

struct TimingRow {
  Timing timing;
  Outcome outcome = Outcome::kRefused;
  std::string reason, command;
  std::optional<double> spread;
  std::vector<PeerRatio> faster;  // how many times faster than each peer, same work and threads
  bool above_roof = false;
};

struct BestAndMedian {
  std::optional<double> best, median;
};

struct OperationRow {
  std::string op, family;
  std::string note;  // what fd says of an operation that is flat: that its gradient is none
  std::vector<std::string> passes;
  std::size_t cases = 0;
  Counts checks;
  std::vector<OracleCell> oracles;
  std::optional<double> worst, digits;
  BestAndMedian gflops, gbps, roof;
  std::size_t measured = 0, withheld = 0;
  State state = State::kIncomplete;
  std::vector<TimingRow> timings;
};

struct OracleRow {
  std::string oracle, question, asked_of;
  Counts counts;
  std::size_t operations = 0;
  std::optional<double> worst, digits;
};

// A check that is shown by itself, with its reason after judgement and the command that repeats it.
struct FailureRow {
  Check check;
  std::string reason, command;
};

// The same reason, counted.
struct ReasonRow {
  std::string what, op, reason, example;
  std::size_t count = 0;
};

// A bound that no check ever comes near sees nothing.
struct LooseBound {
  std::string op, pass, oracle;
  std::size_t checks = 0;
  double worst = 0;
};

// Ours and a peer's on all rows that both have, by operation, pass and threads.
struct AgainstPeer {
  std::string op, peer, impl, pass;
  int threads = 1;
  std::size_t rows = 0;
  double mean = 0, least = 0, most = 0;  // of PeerRatio::ratio, the mean geometric
};

// Failed checks of a peer under one oracle. They are no part of the verdict.
struct PeerFinding {
  std::size_t count = 0;
  FailureRow example;
};

// How a layer gains from threads, against the fewest threads it was timed with.
struct Scaling {
  std::string op, layer, pass, impl, isa;
  int threads_from = 1, threads_to = 1;
  double speedup = 1;
};

struct Summary {
  State state = State::kIncomplete;
  std::string headline;                 // "Verified", "Not verified"
  std::string sentence;                 // the verdict and its numbers
  std::string machine;                  // processor, instruction set
  Counts checks, planted, peer_checks;  // `checks` are ours
  std::size_t measured = 0, refused = 0, skipped_timings = 0;
  std::optional<double> noise;  // median relative spread of the samples
  std::vector<std::string> faults;
  std::vector<OperationRow> operations;
  std::vector<OracleRow> oracles;
  std::vector<FailureRow> failures;
  std::vector<FailureRow> worst_rows;  // at most ten, failures first, then by error / bound
  std::vector<ReasonRow> not_run;
  std::vector<LooseBound> loose;
  std::vector<FailureRow> planted_bugs;
  std::vector<FailureRow> properties;  // failures first, then by name
  std::vector<Scaling> scaling;
  std::vector<AgainstPeer> against_peers;
  std::vector<PeerFinding> peer_findings;
  std::vector<Roof> roofs;
  std::vector<Environment> environments;
  GateSummary gate;
  bool gate_only = false;  // no checks and no timings beside the gate: the verdict is the gate's alone
};

Summary summarize(const Records& records);

// Places an oracle in the order of the documentation; unknown ones come last.
std::size_t oracle_rank(const std::string& oracle);

}  // namespace gradproof
