#include "bench/timing.h"

#include <benchmark/benchmark.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/roof_simd.h"
#include "bench/row.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

// Turns what Google Benchmark reports into records. Prints nothing.
class RecordReporter final : public benchmark::BenchmarkReporter {
 public:
  RecordReporter(std::map<std::string, Row*> rows, Roofs& roofs, const std::function<void(const Record&)>& emit)
      : rows_(std::move(rows)), roofs_(roofs), emit_(emit) {}

  bool ReportContext(const Context&) override { return true; }

  // All repetitions of one row, or afterwards their aggregates, which are left out: records keep the samples.
  void ReportRuns(const std::vector<Run>& runs) override {
    Row* row = nullptr;
    std::vector<double> samples;
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      row = rows_.at(run.run_name.str());
      if (!run.error_occurred) samples.push_back(run.real_accumulated_time * 1e9 / static_cast<double>(run.iterations));
    }
    if (row != nullptr) report(*row, samples);
  }

  const BenchSummary& summary() const { return summary_; }
  const std::set<std::pair<std::string, int>>& seen() const { return seen_; }

 private:
  void report(Row& row, const std::vector<double>& samples) {
    if (row.status == Row::Status::kReady && samples.empty()) {
      row.status = Row::Status::kRefused;
      row.reason = "it ran no repetition to its end";
    }
    if (row.status != Row::Status::kReady) {
      ++(row.status == Row::Status::kSkipped ? summary_.skipped : summary_.refused);
      emit_(timing_record(row, {}, {}));
      return;
    }
    const Limit limit = limit_of(row, median(samples));
    ++summary_.measured;
    if (limit.ns > median(samples)) ++summary_.above_roof;
    seen_.emplace(row.demand.isa, row.threads);
    emit_(timing_record(row, samples, limit));
  }

  // A roof that a row stands above was measured in a slow moment, or is no roof: it gets three more chances.
  Limit limit_of(const Row& row, double ns) {
    Limit limit = roofs_.limit(row.demand);
    for (int attempt = 0; attempt < 3 && limit.ns > ns; ++attempt) {
      roofs_.refresh(row.demand);
      limit = roofs_.limit(row.demand);
    }
    return limit;
  }

  std::map<std::string, Row*> rows_;
  Roofs& roofs_;
  const std::function<void(const Record&)>& emit_;
  BenchSummary summary_;
  std::set<std::pair<std::string, int>> seen_;
};

// Google Benchmark would end the process at a file that it cannot open.
void require_writable_output(const std::string& flag) {
  constexpr std::string_view kOut = "--benchmark_out=";
  if (!flag.starts_with(kOut)) return;
  const std::string file = flag.substr(kOut.size());
  if (!std::ofstream(file, std::ios::app))
    refuse("--benchmark_out: {} cannot be written; give a file in a directory that exists", file);
}

void hand_flags_over(const BenchOptions& options) {
  // The library keeps the pointer to the program's name.
  static std::string program = "gradproof";
  std::vector<std::string> flags{fmt::format("--benchmark_repetitions={}", options.repetitions),
                                 fmt::format("--benchmark_min_time={}", options.min_seconds), "--benchmark_filter=."};
  for (const std::string& flag : options.benchmark_flags) {
    if (!flag.starts_with("--benchmark_"))
      refuse("'{}' is not a flag of Google Benchmark; those start with --benchmark_", flag);
    require_writable_output(flag);
    flags.push_back(flag);
  }
  flags.emplace_back("--benchmark_report_aggregates_only=false");
  flags.emplace_back("--benchmark_display_aggregates_only=false");
  std::vector<char*> arguments{program.data()};
  for (std::string& flag : flags) arguments.push_back(flag.data());
  arguments.push_back(nullptr);
  int count = static_cast<int>(flags.size()) + 1;
  benchmark::Initialize(&count, arguments.data());
  if (count > 1)
    refuse("Google Benchmark does not take '{}'; see its user guide for the flags and their values", arguments[1]);
}

void time_row(Row& row, RowPreparer& preparer, benchmark::State& state) {
  Execution* execution = preparer.prepare(row);
  if (execution == nullptr) {
    state.SkipWithError(row.reason.c_str());
    return;
  }
  Kernel& kernel = execution->kernel();
  const std::vector<TensorRef>& tensors = execution->refs();
  for (auto _ : state) kernel.run(tensors);
}

void emit_roofs(const std::set<std::pair<std::string, int>>& seen, bool levels, Roofs& roofs,
                const std::function<void(const Record&)>& emit) {
  std::set<int> threads;
  for (const auto& [isa, count] : seen) {
    if (levels) roofs.measure_levels(isa, count);
    threads.insert(count);
  }
  for (const std::string& isa : roof_isas())
    for (int count : threads) roofs.measure_fma(isa, count);
  for (const Record& record : roofs.records()) emit(record);
}

}  // namespace

std::vector<std::string> benchmark_names(const Registry& registry, const BenchOptions& options) {
  std::vector<std::string> names;
  for (const Row& row : plan_rows(registry, options)) names.push_back(row.name());
  return names;
}

BenchSummary run_benchmarks(const Registry& registry, const References& references, const BenchOptions& options,
                            const std::function<void(const Record&)>& emit) {
  std::vector<Row> rows = plan_rows(registry, options);
  if (rows.empty()) refuse("there is nothing to time; choose layers with --sizes or name a case");
  hand_flags_over(options);
  RowPreparer preparer(references, options.seed);
  Roofs roofs;
  std::map<std::string, Row*> by_name;
  benchmark::ClearRegisteredBenchmarks();
  for (Row& row : rows) {
    if (!by_name.emplace(row.name(), &row).second) continue;  // a case given twice is timed once
    benchmark::RegisterBenchmark(row.name().c_str(),
                                 [&row, &preparer](benchmark::State& state) { time_row(row, preparer, state); });
  }
  RecordReporter reporter(std::move(by_name), roofs, emit);
  const size_t matched = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::ClearRegisteredBenchmarks();
  if (matched == 0)
    refuse("no row matches --benchmark_filter={}; names are like {}", benchmark::GetBenchmarkFilter(), rows[0].name());
  emit_roofs(reporter.seen(), options.level_roofs, roofs, emit);
  return reporter.summary();
}

}  // namespace gradproof
