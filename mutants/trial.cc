#include "mutants/trial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>

#include "checks/runner.h"
#include "checks/self/self.h"
#include "checks/workers.h"
#include "mutants/planted.h"
#include "mutants/switch.h"
#include "ops/register.h"

namespace gradproof {
namespace {

using Clock = std::chrono::steady_clock;

// What a bug may do to a size must not take the machine's memory.
constexpr rlim_t kMostMemory = rlim_t{8} << 30;

// What a bug does to this process, and to those that it starts, stays with them.
void contain() {
  const rlimit limit{kMostMemory, kMostMemory};
  setrlimit(RLIMIT_AS, &limit);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);  // for what the library says of a broken heap
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
}

struct Enough {};  // thrown where the rest of the tasks need not be asked

CheckOptions check_options(const std::vector<std::string>& patterns, CheckTier tier, std::uint64_t seed) {
  CheckOptions options;
  options.patterns = patterns;
  options.tier = tier;
  options.seed = seed;
  return options;
}

bool is_in_kernels(const PlantedBug& bug) { return bug.file.starts_with("ops/"); }

enum class Asked { kAll, kImplementations };

// What the reference alone answers says nothing about kernels.
Asked asked_about(const PlantedBug& bug) { return is_in_kernels(bug) ? Asked::kImplementations : Asked::kAll; }

// The full tier holds what smoke has asked.
std::vector<Task> tasks_of(const Registry& registry, const References& references, const std::vector<Oracle>& oracles,
                           const CheckOptions& options, Asked asked) {
  std::vector<Task> tasks = plan_tasks(registry, references, oracles, options);
  std::erase_if(tasks, [&](const Task& task) {
    return (task.oracle->asks == Oracle::Asks::kReference && asked == Asked::kImplementations) ||
           (options.tier == CheckTier::kFull && task.tier != "full");
  });
  return tasks;
}

RunHow how(const TrialOptions& options, Shrinking shrinking) {
  return {.shrinking = shrinking, .patience = options.patience, .work = options.work};
}

bool has_failed(const Record& record) { return record["status"] == "fail"; }
// It need not be seen to crash again.
bool has_crashed(const Record& record) { return record.value("reason", "").starts_with("crashed"); }

struct Failure {
  size_t task;  // the first one that failed
  Record record;
  std::vector<std::string> oracles;  // that notice it on the same case
};

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::optional<Failure> first_failure(const std::vector<Task>& tasks, const TrialOptions& options) {
  if (tasks.empty()) return {};
  std::optional<Failure> failure;
  size_t done = 0;
  const auto collect = [&](const Record& record, double) {
    const size_t task = done++;
    if (failure && record["case"] != failure->record["case"]) throw Enough();
    if (!has_failed(record)) return;
    if (!failure) failure = Failure{task, record, {}};
    add_once(failure->oracles, record["oracle"]);
    if (has_crashed(record)) throw Enough();
  };
  try {
    run_tasks(tasks, 1, collect, how(options, Shrinking::kNone));
  } catch (const Enough&) {
  }
  return failure;
}

std::string smaller_case(const Task& task, const TrialOptions& options) {
  std::string smaller;
  run_tasks(
      {task}, 1, [&](const Record& record, double) { smaller = record.value("shrunk", ""); },
      how(options, Shrinking::kFirstOfAKind));
  return smaller;
}

class BugTrial {
 public:
  BugTrial(const Registry& real, const References& references, int number, const TrialOptions& options)
      : real_(real),
        references_(references),
        number_(number),
        bug_(planted_bugs()[static_cast<size_t>(number - 1)]),
        options_(options) {}

  Record run() {
    const auto start = Clock::now();
    mutant_trace = shared_trace();
    chosen_mutant = number_;
    // Made anew, so that what operations say of themselves may be wrong, too.
    const Registry registry = register_operations();
    for (const CheckTier tier : {CheckTier::kSmoke, CheckTier::kFull})
      if (record_["status"] != "killed") ask(registry, tier);
    if (record_["status"] != "killed" && !is_in_kernels(bug_)) ask_about_wrong_kernels(registry);
    record_["reached"] = mutant_trace->load();
    if (!mutant_trace->load()) survive("its place is never reached");
    set_number(record_, "seconds", std::chrono::duration<double>(Clock::now() - start).count());
    return record_;
  }

  // Before anything is known of it.
  static Record blank(const PlantedBug& bug) {
    Record record = make_record("mutant");
    record["mutant"] = bug.id;
    record["family"] = bug.family();
    record["file"] = bug.file;
    record["operations"] = bug.patterns;
    record["wrong"] = bug.wrong;
    record["status"] = "survived";
    record["reached"] = false;
    return record;
  }

 private:
  // Seen by the processes that this one starts.
  static std::atomic<bool>* shared_trace() {
    void* memory = mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "cannot share memory");
    return new (memory) std::atomic<bool>(false);
  }

  void ask(const Registry& registry, CheckTier tier) {
    const CheckOptions options = check_options(bug_.patterns, tier, options_.seed);
    const std::vector<Task> tasks = tasks_of(registry, references_, oracles_, options, asked_about(bug_));
    const std::optional<Failure> failure = first_failure(tasks, options_);
    if (!failure) return;
    tell(*failure);
    const Task& task = tasks[failure->task];
    if (!has_crashed(failure->record) && task.property == nullptr)
      if (const std::string smaller = smaller_case(task, options_); !smaller.empty()) record_["shrunk"] = smaller;
    if (fails_without(task, options)) survive("the check that fails with it fails without it, too");
  }

  // With a wrong truth or a wrong oracle right kernels may hold, and wrong ones pass as well: those of checks/self.
  void ask_about_wrong_kernels(const Registry& registry) {
    const std::optional<Record> missed = first_missed(registry, mutants_of(registry, bug_.patterns));
    if (!missed) return;
    record_["status"] = "killed";
    record_["oracles"] = {"self"};
    record_["op"] = (*missed)["op"];
    record_["case"] = (*missed)["case"];
    record_["noticed"] = fmt::format("{} is not caught", missed->value("mutant", ""));
  }

  std::optional<Record> first_missed(const Registry& registry, const std::vector<Mutant>& wrong_kernels) {
    std::optional<Record> missed;
    const auto collect = [&](const Record& record, double) {
      if (!has_failed(record)) return;
      missed = record;
      throw Enough();
    };
    try {
      try_mutants(registry, references_, wrong_kernels, 1, collect);
    } catch (const Enough&) {
    }
    return missed;
  }

  void tell(const Failure& failure) {
    const Record& check = failure.record;
    record_["status"] = "killed";
    record_["oracles"] = failure.oracles;
    for (const char* key : {"op", "case", "pass", "impl", "tier"}) record_[key] = check[key];
    const std::string& place = check.contains("where") ? check["where"] : check.value("reason", Record(""));
    if (!place.empty()) record_["noticed"] = place;
    record_["repro"] = fmt::format("GRADPROOF_PRESET=mutate GRADPROOF_MUTANT={} {}", bug_.id, check.value("repro", ""));
  }

  // The same check, with nothing switched on: it must hold.
  bool fails_without(const Task& wrong, const CheckOptions& options) {
    chosen_mutant = 0;
    std::vector<Task> tasks = tasks_of(real_, references_, oracles_, options, asked_about(bug_));
    std::erase_if(tasks, [&](const Task& task) { return task.repro() != wrong.repro() || !(task.pass == wrong.pass); });
    const bool fails = tasks.empty() ? false : first_failure({tasks.front()}, options_).has_value();
    chosen_mutant = number_;
    return fails;
  }

  void survive(const std::string& reason) {
    record_["status"] = "survived";
    record_["noticed"] = reason;
  }

  const Registry& real_;
  const References& references_;
  int number_;
  const PlantedBug& bug_;
  const TrialOptions& options_;
  const std::vector<Oracle> oracles_ = all_oracles();
  Record record_ = blank(bug_);
};

}  // namespace

std::optional<Record> failing_control(const Registry& registry, const References& references,
                                      const std::vector<std::string>& patterns, const TrialOptions& options,
                                      const std::function<void(double)>& progress) {
  const std::vector<Oracle> oracles = all_oracles();
  std::optional<Record> failure;
  const auto collect = [&](const Record& record, double fraction) {
    progress(fraction);
    if (!has_failed(record)) return;
    failure = record;
    throw Enough();
  };
  try {
    run_tasks(tasks_of(registry, references, oracles, check_options(patterns, CheckTier::kSmoke, options.seed),
                       Asked::kImplementations),
              options.jobs, collect, how(options, Shrinking::kNone));
  } catch (const Enough&) {
  }
  return failure;
}

void try_planted_bugs(const Registry& registry, const References& references, const std::vector<int>& numbers,
                      const TrialOptions& options, const std::function<void(const Record&, double)>& progress) {
  std::vector<Stretch> stretches;
  for (Index i = 0; i < static_cast<Index>(numbers.size()); ++i) stretches.push_back({i, i + 1});
  const auto number_of = [&](Index i) { return numbers[static_cast<size_t>(i)]; };
  const auto work = [&](Index i) {
    contain();
    return line_of(BugTrial(registry, references, number_of(i), options).run());
  };
  const auto crashed = [&](Index i, const std::string& reason) {
    Record record = BugTrial::blank(planted_bugs()[static_cast<size_t>(number_of(i) - 1)]);
    record["noticed"] = "its trial " + reason;
    return line_of(record);
  };
  double done = 0;
  const auto collect = [&](const std::string& line) {
    progress(record_of(line), ++done / static_cast<double>(numbers.size()));
  };
  run_in_workers(stretches, worker_count(options.jobs), work, crashed, collect);
}

}  // namespace gradproof
