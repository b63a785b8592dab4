#include "checks/runner.h"

#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "checks/shrink.h"
#include "checks/workers.h"

namespace gradproof {
namespace {

constexpr double kShrinkSeconds = 3;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Case smaller_case(const Task& task) {
  const auto fails = [&](const Case& c) {
    if (!has_pass(*c.spec, c.attributes, task.pass) || !task.oracle->applies(c, task.pass)) return false;
    if (!is_size_for(*task.oracle, c)) return false;
    Task other = task;
    other.c = c;
    Memo memo;
    return run_task(other, memo).failed();
  };
  return shrink_case(task.c, fails, kShrinkSeconds);
}

// Tasks of one case lie next to each other and share a memo; a unit of work is such a stretch.
std::vector<Stretch> units_of(const std::vector<Task>& tasks) {
  std::vector<Stretch> units;
  for (Index i = 0; i < static_cast<Index>(tasks.size()); ++i) {
    const auto& task = tasks[static_cast<size_t>(i)];
    if (i == 0 || task.property != nullptr || !(tasks[static_cast<size_t>(i - 1)].c == task.c)) units.push_back({i, i});
    ++units.back().last;
  }
  return units;
}

// From now on; 0 for no limit.
void limit_work(unsigned seconds) {
  const itimerval limit{{0, 0}, {static_cast<time_t>(seconds), 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
}

}  // namespace

Record checked_record(const Task& task, Memo& memo, bool shrink) {
  const auto start = std::chrono::steady_clock::now();
  const Verdict verdict = run_task(task, memo);
  Record record = check_record(task, verdict, seconds_since(start));
  if (shrink && verdict.failed() && task.oracle->asks != Oracle::Asks::kSpec && task.property == nullptr) {
    const Case smaller = smaller_case(task);
    if (!(smaller == task.c)) record["shrunk"] = smaller.to_text();
  }
  return record;
}

CheckSummary run_tasks(const std::vector<Task>& tasks, int jobs, const CheckProgress& progress, const RunHow& how) {
  CheckSummary summary;
  Memo memo;
  std::set<std::string> shrunk;  // a worker's own: each shrinks the first failure of a kind that it meets
  Index done = 0;
  const auto work = [&](Index index) {
    const Task& task = tasks[static_cast<size_t>(index)];
    alarm(how.patience);
    limit_work(how.work);
    const std::string kind = task.operation->spec.name + task.oracle->name + task.implementation_name();
    Record record = checked_record(task, memo, how.shrinking == Shrinking::kFirstOfAKind && !shrunk.contains(kind));
    alarm(0);
    limit_work(0);
    if (record["status"] == "fail") shrunk.insert(kind);
    return line_of(record);
  };
  const auto crashed = [&](Index index, const std::string& reason) {
    return line_of(check_record(tasks[static_cast<size_t>(index)], Verdict::fail(reason), 0));
  };
  const auto collect = [&](const std::string& line) {
    const Record record = record_of(line);
    const std::string status = record["status"];
    ++(status == "pass" ? summary.passed : status == "skip" ? summary.skipped : summary.failed);
    progress(record, static_cast<double>(++done) / static_cast<double>(tasks.size()));
  };
  run_in_workers(units_of(tasks), worker_count(jobs), work, crashed, collect);
  return summary;
}

CheckSummary run_checks(const Registry& registry, const References& references, const CheckOptions& options,
                        const CheckProgress& progress) {
  const std::vector<Oracle> oracles = all_oracles();
  return run_tasks(plan_tasks(registry, references, oracles, options), options.jobs, progress);
}

}  // namespace gradproof
