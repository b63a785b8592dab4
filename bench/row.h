// Rows: what is timed, one record each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bench/roof.h"
#include "bench/timing.h"
#include "checks/execution.h"

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

  std::string name() const;
};

// Throws UsageError for an implementation that no operation has.
std::vector<Row> plan_rows(const Registry& registry, const BenchOptions& options);

// Makes rows ready to be timed. It holds the tensors of one row at a time.
class RowPreparer {
 public:
  RowPreparer(const References& references, std::uint64_t seed) : references_(references), seed_(seed) {}

  // The row's tensors and kernel, run once; null when the row is refused or skipped, which it then says. A row is
  // verified when it is first asked for, and again only by its status. Whatever the implementation throws refuses it.
  Execution* prepare(Row& row);

 private:
  void verify(Row& row, const Execution& execution);
  Execution* refuse_row(Row& row, Row::Status status, std::string reason);

  struct Proof {
    std::vector<unsigned char> bytes;  // what the verified kernel computed from the same inputs
    double worst;
  };
  using Computation = std::tuple<std::string, std::string, std::string>;  // case text, pass, implementation

  const References& references_;
  std::uint64_t seed_;
  const Row* current_ = nullptr;
  std::unique_ptr<Execution> execution_;
  std::pair<Computation, Proof> proof_;  // the last one: rows that differ only in threads are neighbours
};

// "timing" record; `samples_ns` of a row that is ready, one a repetition.
Record timing_record(const Row& row, const std::vector<double>& samples_ns, const Limit& limit);

double median(std::vector<double> values);

}  // namespace gradproof
