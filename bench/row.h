// Rows: what is timed, one record each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/roof.h"
#include "bench/timing.h"
#include "checks/execution.h"
#include "checks/large.h"

namespace gradproof {

struct Row {
  enum class Status { kPlanned, kReady, kRefused, kSkipped };

  const Layer* layer = nullptr;
  const Operation* operation = nullptr;
  const Implementation* implementation = nullptr;  // null: the operation has none of that name
  std::string implementation_name;
  Pass pass;
  int threads = 1;

  Status status = Status::kPlanned;
  std::string reason{};                 // why it is refused or skipped
  std::vector<std::string> verified{};  // the oracles that passed at this size
  double worst = 0;                     // error / bound of the worst element that was compared
  Demand demand{};
  std::vector<Limit> limits{};  // what the roofs measured right after each repetition allow

  std::string name() const;
};

// Throws UsageError for an implementation that no operation has.
std::vector<Row> plan_rows(const Registry& registry, const BenchOptions& options);

// How close a row comes to what the machine allows.
struct Standing {
  double fraction = 0;   // of the roof that applies: 1 touches it
  bool compute = false;  // that roof is of arithmetic, not of memory traffic
};

// Rows that are timed alternately: the same pass of the same layer on as many threads, by different implementations.
bool are_rivals(const Row& a, const Row& b);

// Makes rows ready to be timed. It holds the tensors of all rows that it was asked for since it was last cleared.
class RowPreparer {
 public:
  RowPreparer(const References& references, std::uint64_t seed) : references_(references), seed_(seed) {}

  // The row's tensors and kernel, run once; null when the row is refused or skipped, which it then says. A row is
  // verified when it is first asked for. Whatever the implementation throws refuses it.
  Execution* prepare(Row& row);
  // Lets go of the tensors, before the next rows' need room.
  void clear() { executions_.clear(); }

 private:
  void verify(Row& row, Execution& execution);
  void attend_to(const Row& row);
  static Execution* refuse_row(Row& row, Row::Status status, std::string reason);

  struct Proof {
    std::vector<unsigned char> bytes;  // what the verified kernel computed from the same inputs
    double worst;
  };

  const References& references_;
  std::uint64_t seed_;
  std::map<const Row*, std::unique_ptr<Execution>> executions_;
  // Of the last layer and pass, since rows that differ only in implementation and threads are neighbours.
  const Row* attended_ = nullptr;
  std::unique_ptr<SampledTruth> truth_;
  std::map<std::string, Proof> proofs_;  // by implementation
};

// "timing" record; `samples_ns` of a row that is ready, one a repetition.
Record timing_record(const Row& row, const std::vector<double>& samples_ns, const Standing& standing);

// What was wrong, in words, of a verdict that is no pass.
std::string failure_text(const Verdict& verdict);

double median(std::vector<double> values);

}  // namespace gradproof
