#include "bench/row.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "checks/inputs.h"
#include "ops/core/error.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

// A forced instruction set ("simd@avx2"), and a peer whose reorders are not charged ("onednn-blocked").
bool is_for_the_curious(const Implementation& implementation) {
  return implementation.name.find('@') != std::string::npos || implementation.name.ends_with("-blocked");
}

std::vector<int> thread_counts(const BenchOptions& options) {
  if (!options.threads.empty()) return options.threads;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return cores == 1 ? std::vector<int>{1} : std::vector<int>{1, cores};
}

void require_known_implementations(const Registry& registry, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) {
    std::set<std::string> names;
    for (const auto& operation : registry.operations())
      for (const Implementation& implementation : operation->implementations) names.insert(implementation.name);
    const auto found = [&](const std::string& name) { return matches_pattern(pattern, name); };
    if (std::none_of(names.begin(), names.end(), found))
      refuse("no operation has an implementation '{}'; there are {}", pattern, fmt::join(names, ", "));
  }
}

// The chosen implementations of an operation by name; null for a pattern that it has none for.
std::vector<std::pair<std::string, const Implementation*>> chosen(const Operation& operation,
                                                                  const BenchOptions& options) {
  std::vector<std::pair<std::string, const Implementation*>> result;
  if (options.implementations.empty())
    for (const Implementation& implementation : operation.implementations)
      if (!is_for_the_curious(implementation)) result.emplace_back(implementation.name, &implementation);
  for (const std::string& pattern : options.implementations) {
    const size_t before = result.size();
    for (const Implementation& implementation : operation.implementations)
      if (matches_pattern(pattern, implementation.name)) result.emplace_back(implementation.name, &implementation);
    if (result.size() == before) result.emplace_back(pattern, nullptr);
  }
  return result;
}

// A pass may be given tensors that it need not read (the weights, for the gradient of the bias): the working set is
// what must move, and at most what there is.
Demand demand_of(const Row& row, Execution& execution) {
  const Cost cost = row.operation->spec.cost(row.layer->work.attributes, row.pass);
  double written = 0;
  double present = 0;
  for (const Argument& argument : execution.arguments()) {
    const auto bytes = static_cast<double>(element_count(argument.shape) * element_size(argument.type));
    present += bytes;
    if (argument.written) written += bytes;
  }
  const double working_set = std::max(written, std::min(cost.bytes, present));
  return {execution.kernel().isa(), row.threads, cost, static_cast<Index>(working_set), written / working_set};
}

const char* status_name(Row::Status status) {
  switch (status) {
    case Row::Status::kReady:
      return "measured";
    case Row::Status::kSkipped:
      return "skipped";
    default:
      return "refused";
  }
}

}  // namespace

std::string failure_text(const Verdict& verdict) {
  if (!verdict.reason.empty()) return verdict.reason;
  return fmt::format("{}: expected {}, got {}, error / bound {:.3g}", verdict.where, verdict.expected, verdict.got,
                     verdict.worst);
}

std::string Row::name() const {
  return fmt::format("{}/{}/{}/threads:{}", layer->name.empty() ? layer->work.to_text() : layer->name, pass.to_text(),
                     implementation_name, threads);
}

std::vector<Row> plan_rows(const Registry& registry, const BenchOptions& options) {
  require_known_implementations(registry, options.implementations);
  std::vector<Row> rows;
  for (const Layer& layer : options.layers) {
    const Operation& operation = registry.find(layer.work.spec->name);
    for (const Pass& pass : operation.spec.passes()) {
      if (!has_pass(operation.spec, layer.work.attributes, pass)) continue;
      for (int threads : thread_counts(options))
        for (const auto& [name, implementation] : chosen(operation, options))
          rows.push_back({.layer = &layer,
                          .operation = &operation,
                          .implementation = implementation,
                          .implementation_name = name,
                          .pass = pass,
                          .threads = threads});
    }
  }
  return rows;
}

bool are_rivals(const Row& a, const Row& b) { return a.layer == b.layer && a.pass == b.pass && a.threads == b.threads; }

Execution* RowPreparer::refuse_row(Row& row, Row::Status status, std::string reason) {
  row.status = status;
  row.reason = std::move(reason);
  return nullptr;
}

Execution* RowPreparer::prepare(Row& row) {
  if (row.status == Row::Status::kRefused || row.status == Row::Status::kSkipped) return nullptr;
  if (const auto ready = executions_.find(&row); ready != executions_.end()) return ready->second.get();
  if (row.implementation == nullptr)
    return refuse_row(row, Row::Status::kSkipped,
                      fmt::format("{} has no implementation '{}'", row.operation->spec.name, row.implementation_name));
  const Case& work = row.layer->work;
  if (const auto reason = unsupported_reason(*row.implementation, work, row.pass))
    return refuse_row(row, Row::Status::kSkipped, *reason);
  try {
    auto execution = std::make_unique<Execution>(work, row.pass, *row.implementation,
                                                 seeded_inputs(work, row.pass, seed_, Regime::kNormal),
                                                 ExecutionOptions{.threads = row.threads});
    execution->run();
    row.demand = demand_of(row, *execution);
    if (row.status == Row::Status::kPlanned) verify(row, *execution);
    if (row.status != Row::Status::kReady) return nullptr;
    return executions_.emplace(&row, std::move(execution)).first->second.get();
  } catch (const std::exception& error) {
    return refuse_row(row, Row::Status::kRefused, error.what());
  }
}

void RowPreparer::attend_to(const Row& row) {
  if (attended_ != nullptr && attended_->layer == row.layer && attended_->pass == row.pass) return;
  attended_ = &row;
  proofs_.clear();
  truth_.reset();
}

// A few samples, compared once for each implementation. A kernel that computes the same bits on another number of
// threads is as right as it was, and more is known than from samples; one that does not is compared again.
void RowPreparer::verify(Row& row, Execution& execution) {
  attend_to(row);
  std::vector<unsigned char> bytes = execution.output_bytes();
  row.status = Row::Status::kReady;
  if (const auto proof = proofs_.find(row.implementation_name);
      proof != proofs_.end() && proof->second.bytes == bytes) {
    row.verified = {"large", "determinism"};
    row.worst = proof->second.worst;
    return;
  }
  const auto reference = references_.find(row.operation->spec.name);
  if (reference == references_.end()) {
    refuse_row(row, Row::Status::kRefused,
               fmt::format("{} has no reference to verify it against", row.operation->spec.name));
    return;
  }
  if (!truth_)
    truth_ = std::make_unique<SampledTruth>(reference->second, row.layer->work, row.pass, SampleOptions{.seed = seed_});
  const Verdict verdict = truth_->compare(execution, *row.implementation);
  if (!verdict.passed()) {
    refuse_row(row, Row::Status::kRefused, "large: " + failure_text(verdict));
    return;
  }
  row.verified = {"large"};
  row.worst = verdict.worst;
  proofs_[row.implementation_name] = {std::move(bytes), verdict.worst};
}

Record timing_record(const Row& row, const std::vector<double>& samples_ns, const Standing& standing) {
  Record record = make_record("timing");
  record["op"] = row.operation->spec.name;
  record["family"] = row.operation->spec.family;
  record["case"] = row.layer->work.to_text();
  record["pass"] = row.pass.to_text();
  record["impl"] = row.implementation_name;
  if (row.implementation != nullptr && row.implementation->peer) record["peer"] = true;
  if (!row.demand.isa.empty()) record["isa"] = row.demand.isa;
  record["threads"] = row.threads;
  if (!row.layer->name.empty()) record["layer"] = row.layer->name;
  record["multiplicity"] = row.layer->multiplicity;
  record["status"] = status_name(row.status);
  if (!row.reason.empty()) record["reason"] = row.reason;
  if (row.status != Row::Status::kReady) return record;
  const double ns = median(samples_ns);
  record["samples_ns"] = samples_ns;
  record["ns"] = ns;
  record["flops"] = row.demand.cost.flops;
  record["bytes"] = row.demand.cost.bytes;
  record["gflops"] = row.demand.cost.flops / ns;
  record["gbps"] = row.demand.cost.bytes / ns;
  record["roof"] = standing.fraction;
  record["roof_kind"] = standing.compute ? "compute" : "memory";
  record["verified"] = row.verified;
  set_number(record, "worst", row.worst);
  return record;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace gradproof
