#include "checks/fuzz.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "checks/runner.h"
#include "checks/shrink.h"
#include "checks/workers.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kFuzzShrinkSeconds = 20;
constexpr unsigned kDrawPatience = 30;  // seconds, then SIGALRM: a Spec that takes that long hangs
constexpr unsigned kTaskPatience = 60;
constexpr Index kShrunkOfAKind = 2;  // further failures of an operation's pass under an oracle are only counted
// Drawings between two looks at the clock: few at first, then what takes some seconds.
constexpr Index kLeastBatch = 4, kMostBatch = 256;
constexpr double kBatchSeconds = 4;

std::vector<std::string> names_of(const std::vector<Oracle>& oracles, bool (*wanted)(const Oracle&),
                                  const std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (const Oracle& oracle : oracles)
    if (wanted(oracle) && (asked.empty() || std::find(asked.begin(), asked.end(), oracle.name) != asked.end()))
      names.push_back(oracle.name);
  return names;
}

// What is asked of small cases unless oracles are named. fd50 takes half of the time to say what fd says, and the
// Spec's own list of invalid cases does not change from case to case.
bool suits_small(const Oracle& oracle) {
  return oracle.sizes != Oracle::Sizes::kLarge && oracle.asks != Oracle::Asks::kSpec;
}
bool is_quick(const Oracle& oracle) { return suits_small(oracle) && oracle.name != "fd50"; }
bool suits_sampled(const Oracle& oracle) {
  return oracle.sizes == Oracle::Sizes::kLarge || oracle.sizes == Oracle::Sizes::kAny;
}

// Of every worker while it lives: what needs more for a case of kilobytes throws std::bad_alloc, and that is a finding.
// The shadow memory of sanitizers would count as well.
class MemoryLimit {
 public:
  MemoryLimit() {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (getrlimit(RLIMIT_DATA, &before_) != 0) return;
    rlimit limit = before_;
    limit.rlim_cur = std::min(limit.rlim_cur, kMostMemory);
    is_set_ = setrlimit(RLIMIT_DATA, &limit) == 0;
#endif
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit() {
    if (is_set_) setrlimit(RLIMIT_DATA, &before_);
  }

 private:
  static constexpr rlim_t kMostMemory = rlim_t{1} << 31;
  rlimit before_{};
  bool is_set_ = false;
};

// Where kinks lie may depend on drawn attributes, and which inputs meet them on the seed: that is no failure here.
bool has_met_no_kink(const Record& record) {
  return record["status"] == "fail" && record.value("reason", "").starts_with(kNothingOnAKink);
}
bool is_failure(const Record& record) { return record["status"] == "fail" && !has_met_no_kink(record); }

// Differences have truncation where an attribute makes the function bend within less than 3e-3 (see difference.h). What
// is so by default was looked at.
constexpr double kFinestBend = 3e-3;

bool bends_too_fast(const Case& c) {
  const std::vector<AttributeSpec>& specs = c.spec->attributes;
  return std::any_of(specs.begin(), specs.end(), [&](const AttributeSpec& spec) {
    const double value = std::abs(c.attributes.real(spec.key));
    return spec.kind == AttributeKind::kReal && value > 0 && value < kFinestBend && value != spec.default_value;
  });
}
bool takes_differences(const Oracle& oracle) { return oracle.name.starts_with("fd"); }

// The records of some work on a process of its own, which may crash.
Record apart(const std::function<Record()>& work, const std::function<Record(const std::string& how)>& crashed) {
  Record result;
  run_in_workers(
      {{0, 1}}, 1, [&](Index) { return line_of(work()); },
      [&](Index, const std::string& how) { return line_of(crashed(how)); },
      [&](const std::string& line) { result = record_of(line); });
  return result;
}

Record run_apart(const Task& task) {
  const auto work = [&] {
    alarm(kTaskPatience);
    Memo memo;
    return checked_record(task, memo, false);
  };
  return apart(work, [&](const std::string& how) { return check_record(task, Verdict::fail(how), 0); });
}

// The same question about the smallest case found that still fails.
Task smaller_task(const Task& task) {
  Task smaller = task;
  const auto fails = [&](const Case& c) {
    if (!has_pass(*c.spec, c.attributes, task.pass) || !task.oracle->applies(c, task.pass)) return false;
    if (!is_size_for(*task.oracle, c)) return false;
    smaller.c = c;
    return is_failure(run_apart(smaller));
  };
  smaller.c = shrink_case(task.c, fails, kFuzzShrinkSeconds);
  return smaller;
}

class Fuzzer {
 public:
  Fuzzer(const Registry& registry, const References& references, const FuzzOptions& options, const FuzzFound& found,
         const std::function<void(double, const std::string&)>& progress)
      : registry_(registry), references_(references), options_(options), found_(found), progress_(progress) {
    choose_operations();
    choose_oracles();
    summary_.next = options.first;
  }

  FuzzSummary run() {
    const MemoryLimit limit;
    Index batch = kLeastBatch;
    while (elapsed() < options_.seconds && left(batch) > 0) {
      const auto start = Clock::now();
      batch = left(batch);
      draw(batch);
      check(drawings_);
      summary_.next += batch;
      const double pace = kBatchSeconds / std::max(seconds_from(start), 1e-3);
      batch = std::clamp(static_cast<Index>(static_cast<double>(batch) * std::clamp(pace, 0.25, 4.0)), kLeastBatch,
                         kMostBatch);
    }
    return std::move(summary_);
  }

 private:
  struct Drawn {
    std::string text;
    std::uint64_t seed;
    bool sampled;
  };

  static double seconds_from(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
  double elapsed() const { return seconds_from(start_); }
  Index left(Index wanted) const {
    return options_.draws == 0 ? wanted : std::min(wanted, options_.first + options_.draws - summary_.next);
  }
  int workers() const {
    return options_.jobs > 0 ? options_.jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  }

  void choose_operations() {
    const std::string& wish = options_.implementation;
    for (const Operation* operation : options_.operations) {
      const auto& all = operation->implementations;
      const auto matches = [&](const Implementation& i) { return matches_pattern(wish, i.name); };
      if (!wish.empty() && std::none_of(all.begin(), all.end(), matches)) continue;
      operations_.push_back(operation);
      summary_.rows.push_back({.operation = operation->spec.name});
    }
    if (operations_.empty()) refuse("no operation chosen has an implementation '{}'; list shows them", wish);
  }

  void choose_oracles() {
    small_ = names_of(oracles_, options_.oracles.empty() ? is_quick : suits_small, options_.oracles);
    sampled_ = names_of(oracles_, suits_sampled, options_.oracles);
    const std::vector<std::string> every = names_of(oracles_, [](const Oracle&) { return true; }, {});
    for (const std::string& name : options_.oracles)
      if (std::find(every.begin(), every.end(), name) == every.end())
        refuse("unknown oracle '{}'; list shows them", name);
    if (small_.empty() && sampled_.empty()) refuse("none of these oracles is asked of drawn cases; leave --oracle out");
  }

  // Shards share out rounds, each of which has one drawing of every operation.
  const Operation& operation_of(Index number) const {
    return *operations_[static_cast<size_t>(number) % operations_.size()];
  }
  Index round_of(Index number) const {
    return number / static_cast<Index>(operations_.size()) * options_.shard.count + options_.shard.number;
  }
  FuzzRow& row_of(const std::string& operation) {
    return *std::find_if(summary_.rows.begin(), summary_.rows.end(),
                         [&](const FuzzRow& row) { return row.operation == operation; });
  }

  void draw(Index count) {
    drawings_.clear();
    std::vector<Stretch> each;
    for (Index i = 0; i < count; ++i) each.push_back({i, i + 1});
    const auto work = [&](Index i) {
      alarm(kDrawPatience);
      const Index number = summary_.next + i;
      return line_of(drawing_record(draw_case(operation_of(number).spec, options_.seed, round_of(number))));
    };
    const auto crashed = [&](Index i, const std::string& how) {
      const std::string& name = operation_of(summary_.next + i).spec.name;
      Record record{{"op", name}, {"number", summary_.next + i}, {"crash", how}};
      return line_of(record);
    };
    run_in_workers(each, workers(), work, crashed, [&](const std::string& line) { take(record_of(line)); });
    // In whatever order the workers were.
    std::sort(drawings_.begin(), drawings_.end(), [](const Drawn& a, const Drawn& b) { return a.text < b.text; });
  }

  static Record drawing_record(const Drawing& drawing) {
    Record record{{"op", drawing.c.spec->name},     {"case", drawing.c.to_text()},  {"seed", drawing.seed},
                  {"sampled", drawing.sampled},     {"proposed", drawing.proposed}, {"refused", drawing.refused},
                  {"oversized", drawing.oversized}, {"complaints", Record::array()}};
    for (const Complaint& complaint : drawing.complaints)
      record["complaints"].push_back({complaint.text, complaint.expected, complaint.got});
    return record;
  }

  void take(const Record& drawing) {
    FuzzRow& row = row_of(drawing["op"]);
    if (drawing.contains("crash")) {
      report_spec(row, row.operation, "a case", drawing["crash"],
                  fmt::format("./gradproof fuzz {} --seed {} --from {} --draws 1", row.operation, options_.seed,
                              round_of(drawing["number"])));
      return;
    }
    ++row.cases;
    row.proposed += drawing["proposed"].get<Index>();
    row.refused += drawing["refused"].get<Index>();
    row.oversized += drawing["oversized"].get<Index>();
    for (const Record& complaint : drawing["complaints"])
      report_spec(row, complaint[0], complaint[1], complaint[2],
                  fmt::format("./gradproof check '{}'", complaint[0].get<std::string>()));
    drawings_.push_back({drawing["case"], drawing["seed"], drawing["sampled"]});
  }

  // Something about the Spec, where no oracle was asked yet.
  void report_spec(FuzzRow& row, const std::string& text, const std::string& expected, const std::string& got,
                   const std::string& repro) {
    ++row.failed;
    Record record = make_record("check");
    record.update({{"op", row.operation},
                   {"family", registry_.find(row.operation).spec.family},
                   {"case", text},
                   {"pass", Pass::forward().to_text()},
                   {"oracle", "invalid"},
                   {"impl", "spec"},
                   {"tier", "given"},
                   {"seed", options_.seed},
                   {"status", "fail"},
                   {"compared", 1},
                   {"expected", expected},
                   {"got", got},
                   {"repro", repro}});
    if (is_news(row.operation + " invalid")) found_(record, text);
  }

  // False, and counted, where enough of this kind have been looked at.
  bool is_news(const std::string& kind) {
    if (kinds_[kind]++ < kShrunkOfAKind) return true;
    ++summary_.repeated;
    return false;
  }

  void check(const std::vector<Drawn>& drawings) {
    for (bool sampled : {false, true}) {
      const std::vector<Task> tasks = plan(drawings, sampled);
      if (tasks.empty()) continue;
      std::vector<size_t> failed;
      run_tasks(tasks, options_.jobs,
                [&](const Record& record, double) {
                  count(record);
                  progress_(std::min(1.0, elapsed() / options_.seconds), record["case"]);
                  if (is_failure(record)) failed.push_back(number_of(record, tasks));
                },
                {.shrinking = Shrinking::kNone, .patience = kTaskPatience});
      std::sort(failed.begin(), failed.end());
      for (size_t i : failed) investigate(tasks[i]);
    }
  }

  std::vector<Task> plan(const std::vector<Drawn>& drawings, bool sampled) const {
    CheckOptions options;
    options.implementation = options_.implementation;
    options.oracles = sampled ? sampled_ : small_;
    std::map<std::string, std::uint64_t> seeds;
    for (const Drawn& drawn : drawings)
      if (drawn.sampled == sampled) seeds.emplace(drawn.text, drawn.seed);
    for (const auto& [text, seed] : seeds) options.patterns.push_back(text);
    if (options.patterns.empty() || options.oracles.empty()) return {};
    std::vector<Task> tasks;
    try {
      tasks = plan_tasks(registry_, references_, oracles_, options);
    } catch (const UsageError&) {  // no oracle applies to these few; that none ever did shows at the end
    }
    std::erase_if(tasks, [](const Task& task) { return takes_differences(*task.oracle) && bends_too_fast(task.c); });
    for (Task& task : tasks) task.seed = seeds.at(task.c.to_text());
    return tasks;
  }

  static size_t number_of(const Record& record, const std::vector<Task>& tasks) {
    const auto same = [&](const Task& task) {
      return task.repro() == record["repro"] && task.pass.to_text() == record["pass"];
    };
    return static_cast<size_t>(std::find_if(tasks.begin(), tasks.end(), same) - tasks.begin());
  }

  void count(const Record& record) {
    FuzzRow& row = row_of(record["op"]);
    const std::string status = record["status"];
    const bool skipped = status == "skip" || has_met_no_kink(record);
    ++(status == "pass" ? row.passed : skipped ? row.skipped : row.failed);
    if (status == "pass") row.worst = std::max(row.worst, record.value("worst", 0.0));
  }

  void investigate(const Task& task) {
    const std::string kind = fmt::format("{} {} {}", task.operation->spec.name, task.pass.to_text(), task.oracle->name);
    if (!is_news(kind)) return;
    progress_(std::min(1.0, elapsed() / options_.seconds), "making a case smaller: " + task.c.to_text());
    Record record = run_apart(smaller_task(task));
    // What comes and goes is told as it was met.
    if (!is_failure(record)) record = run_apart(task);
    if (!is_failure(record))
      record = check_record(task, Verdict::fail("failed once, and not when it was asked again"), 0);
    found_(record, task.c.to_text());
  }

  const Registry& registry_;
  const References& references_;
  const FuzzOptions& options_;
  const FuzzFound& found_;
  const std::function<void(double, const std::string&)>& progress_;
  const std::vector<Oracle> oracles_ = all_oracles();
  std::vector<std::string> small_, sampled_;  // names of oracles
  std::vector<const Operation*> operations_;
  std::vector<Drawn> drawings_;
  std::map<std::string, Index> kinds_;
  FuzzSummary summary_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

FuzzSummary fuzz(const Registry& registry, const References& references, const FuzzOptions& options,
                 const FuzzFound& found, const std::function<void(double, const std::string&)>& progress) {
  return Fuzzer(registry, references, options, found, progress).run();
}

}  // namespace gradproof
