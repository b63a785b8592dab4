#include "bench/timing.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <sstream>

#include "bench/roof_simd.h"
#include "bench/row.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

// The file of --benchmark_out. Google Benchmark would begin it anew for every group of rows.
class NativeFile {
 public:
  explicit NativeFile(const std::string& path) : stream_(path) {
    if (!path.empty() && !stream_)
      refuse("--benchmark_out: {} cannot be written; give a file in a directory that exists", path);
    reporter_.SetOutputStream(&stream_);
  }
  NativeFile(const NativeFile&) = delete;
  NativeFile& operator=(const NativeFile&) = delete;
  ~NativeFile() {
    if (begun_) reporter_.Finalize();
  }

  void begin(const benchmark::BenchmarkReporter::Context& context) {
    if (stream_.is_open() && !begun_) begun_ = reporter_.ReportContext(context);
  }
  void add(const std::vector<benchmark::BenchmarkReporter::Run>& runs) {
    if (begun_) reporter_.ReportRuns(runs);
  }

 private:
  std::ofstream stream_;
  benchmark::JSONReporter reporter_;
  bool begun_ = false;
};

// Turns what Google Benchmark reports into records. Prints nothing.
class RecordReporter final : public benchmark::BenchmarkReporter {
 public:
  RecordReporter(NativeFile& file, Roofs& roofs, const std::function<void(const Record&)>& emit)
      : file_(file), roofs_(roofs), emit_(emit) {
    SetErrorStream(&complaints_);  // about groups of which the filter takes nothing
  }

  // False for a name that is there already.
  bool expect(Row& row) { return rows_.emplace(row.name(), &row).second; }

  bool ReportContext(const Context& context) override {
    file_.begin(context);
    return true;
  }

  // All repetitions of one row, or afterwards their aggregates, which are left out: records keep the samples.
  void ReportRuns(const std::vector<Run>& runs) override {
    file_.add(runs);
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
    const Standing standing = standing_of(row, samples);
    ++summary_.measured;
    if (!is_peer(row) && standing.fraction > 1) ++summary_.above_roof;
    seen_.emplace(row.demand.isa, row.threads);
    emit_(timing_record(row, samples, standing));
  }

  static bool is_peer(const Row& row) { return row.implementation->peer; }

  // The median over the repetitions: the shortest time that the roofs beside it allow, by the time it took. That
  // scatters, and a row that touches its roof may come out above: it is above only if the best roof ever seen says so,
  // too, in spite of three more chances. A peer's Winograd does less work than is counted and may stand above any.
  Standing standing_of(const Row& row, const std::vector<double>& samples) {
    const Limit* limits = row.limits.data() + row.limits.size() - samples.size();
    std::vector<double> fractions;
    for (size_t i = 0; i < samples.size(); ++i) fractions.push_back(limits[i].ns / samples[i]);
    const Standing beside{median(fractions), limits[0].compute};
    if (is_peer(row) || beside.fraction <= 1) return beside;
    const double ns = median(samples);
    for (int attempt = 0; attempt < 3 && roofs_.limit(row.demand).ns > ns; ++attempt) roofs_.refresh(row.demand);
    const Limit best = roofs_.limit(row.demand);
    return {std::max(1.0, best.ns / ns), best.compute};
  }

  NativeFile& file_;
  std::map<std::string, Row*> rows_;
  std::ostringstream complaints_;
  Roofs& roofs_;
  const std::function<void(const Record&)>& emit_;
  BenchSummary summary_;
  std::set<std::pair<std::string, int>> seen_;
};

// Hands the flags over, but for --benchmark_out, whose file it returns. Each group of rows is interleaved at random.
std::string hand_flags_over(const BenchOptions& options) {
  // The library keeps the pointer to the program's name.
  static std::string program = "gradproof";
  std::string file;
  std::vector<std::string> flags{fmt::format("--benchmark_repetitions={}", options.repetitions),
                                 fmt::format("--benchmark_min_time={}", options.min_seconds), "--benchmark_filter=.",
                                 "--benchmark_enable_random_interleaving=true"};
  for (const std::string& flag : options.benchmark_flags) {
    constexpr std::string_view kOut = "--benchmark_out=", kFormat = "--benchmark_out_format=";
    if (!flag.starts_with("--benchmark_"))
      refuse("'{}' is not a flag of Google Benchmark; those start with --benchmark_", flag);
    if (flag.starts_with(kFormat) && flag.substr(kFormat.size()) != "json")
      refuse("'{}' is not offered; --benchmark_out writes JSON", flag);
    if (flag.starts_with(kOut))
      file = flag.substr(kOut.size());
    else
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
  return file;
}

// One repetition, and the roofs beside it. Since the one before was a rival's, the caches are filled again first.
// Google Benchmark calls it more often than it reports: the first times only to find the number of iterations.
void time_row(Row& row, RowPreparer& preparer, Roofs& roofs, benchmark::State& state) {
  Execution* execution = preparer.prepare(row);
  if (execution == nullptr) {
    state.SkipWithError(row.reason.c_str());
    return;
  }
  Kernel& kernel = execution->kernel();
  const std::vector<TensorRef>& tensors = execution->refs();
  kernel.run(tensors);
  for (auto _ : state) kernel.run(tensors);
  row.limits.push_back(roofs.limit_now(row.demand));
}

// Rows that are rivals share one call of Google Benchmark, which then visits them in random
// order repetition by repetition, so that none has a quieter moment than another. Returns how many the filter took.
size_t run_group(std::span<Row> group, RowPreparer& preparer, Roofs& roofs, RecordReporter& reporter) {
  benchmark::ClearRegisteredBenchmarks();
  for (Row& row : group) {
    if (!reporter.expect(row)) continue;  // a case given twice is timed once
    benchmark::RegisterBenchmark(row.name().c_str(), [&row, &preparer, &roofs](benchmark::State& state) {
      time_row(row, preparer, roofs, state);
    });
  }
  const size_t matched = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::ClearRegisteredBenchmarks();
  preparer.clear();
  return matched;
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
  NativeFile file(hand_flags_over(options));
  RowPreparer preparer(references, options.seed);
  Roofs roofs;
  RecordReporter reporter(file, roofs, emit);
  size_t matched = 0;
  for (auto first = rows.begin(); first != rows.end();) {
    const auto rival = [&](const Row& row) { return are_rivals(*first, row); };
    const auto last = std::find_if_not(first, rows.end(), rival);
    matched += run_group({first, last}, preparer, roofs, reporter);
    first = last;
  }
  if (matched == 0)
    refuse("no row matches --benchmark_filter={}; names are like {}", benchmark::GetBenchmarkFilter(), rows[0].name());
  emit_roofs(reporter.seen(), options.level_roofs, roofs, emit);
  return reporter.summary();
}

}  // namespace gradproof
