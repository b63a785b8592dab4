#include "checks/task.h"

#include <fnmatch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "checks/execution.h"

namespace gradproof {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool is_case_text(const std::string& pattern) {
  return pattern.find(':') != std::string::npos && pattern.find_first_of("*?[") == std::string::npos;
}

struct Wanted {
  Case c;
  std::string tier;
};

std::vector<Wanted> tier_cases(const Registry& registry, const Operation& operation, const CheckOptions& options) {
  std::vector<Wanted> cases;
  const Spec& spec = operation.spec;
  if (options.tier == CheckTier::kBench) {
    for (const std::string& text : options.bench_cases)
      if (Case c = registry.parse_case(text); c.spec == &spec) cases.push_back({std::move(c), "bench"});
    return cases;
  }
  for (const std::string& text : spec.smoke_cases) cases.push_back({make_case(spec, text), "smoke"});
  if (options.tier == CheckTier::kFull)
    for (const std::string& text : spec.full_cases) cases.push_back({make_case(spec, text), "full"});
  return cases;
}

std::vector<Wanted> wanted_cases(const Registry& registry, const CheckOptions& options) {
  std::vector<Wanted> every;
  for (const auto& operation : registry.operations())
    for (Wanted& wanted : tier_cases(registry, *operation, options)) every.push_back(std::move(wanted));
  if (options.patterns.empty()) return every;
  std::vector<Wanted> chosen;
  const auto add = [&](const Wanted& wanted) {
    const auto same = [&](const Wanted& other) { return other.c == wanted.c; };
    if (std::none_of(chosen.begin(), chosen.end(), same)) chosen.push_back(wanted);
  };
  for (const std::string& pattern : options.patterns) {
    if (is_case_text(pattern)) {
      add({registry.parse_case(pattern), "given"});
      continue;
    }
    const auto hit = [&](const Wanted& wanted) {
      return pattern == wanted.c.spec->name || matches(pattern, wanted.c.to_text());
    };
    if (std::none_of(every.begin(), every.end(), hit)) {
      registry.find(pattern.substr(0, pattern.find_first_of("*?[:")));  // a better sentence for an unknown operation
      refuse("'{}' matches no case of this tier; list shows them", pattern);
    }
    for (const Wanted& wanted : every)
      if (hit(wanted)) add(wanted);
  }
  return chosen;
}

void require_known_oracles(const std::vector<Oracle>& oracles, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto same = [&](const Oracle& oracle) { return oracle.name == name; };
    if (std::any_of(oracles.begin(), oracles.end(), same)) continue;
    std::string known;
    for (const Oracle& oracle : oracles) known += " " + oracle.name;
    refuse("unknown oracle '{}'; known are{}", name, known);
  }
}

// Ours, unless a pattern asks for others. Peers and aliases are asked in the smoke tier only.
std::vector<const Implementation*> chosen_implementations(const Operation& operation, const std::string& tier,
                                                          const CheckOptions& options) {
  const std::string& pattern = options.implementation;
  const bool is_smoke = tier == "smoke";
  const auto is_asked = [&](const Implementation& implementation) {
    if (!pattern.empty()) return matches(pattern, implementation.name);
    return implementation.peer ? options.peers && is_smoke : is_smoke || !implementation.alias;
  };
  std::vector<const Implementation*> result;
  for (const Implementation& implementation : operation.implementations)
    if (is_asked(implementation)) result.push_back(&implementation);
  return result;
}

class Planner {
 public:
  Planner(const Registry& registry, const References& references, const std::vector<Oracle>& oracles,
          const CheckOptions& options)
      : registry_(registry), references_(references), options_(options) {
    require_known_oracles(oracles, options.oracles);
    for (const Oracle& oracle : oracles)
      if (options.oracles.empty() ||
          std::find(options.oracles.begin(), options.oracles.end(), oracle.name) != options.oracles.end())
        oracles_.push_back(&oracle);
  }

  std::vector<Task> plan() {
    for (const Wanted& wanted : wanted_cases(registry_, options_)) add_case(wanted);
    if (!options_.implementation.empty() && !implementation_seen_) refuse_implementation();
    if (tasks_.empty()) refuse("no oracle of those chosen applies to the cases chosen; nothing would be checked");
    return std::move(tasks_);
  }

 private:
  void add_case(const Wanted& wanted) {
    const Operation& operation = registry_.find(wanted.c.spec->name);
    const auto reference = references_.find(operation.spec.name);
    if (reference == references_.end())
      throw std::logic_error(fmt::format("{} has no reference; add it to reference/register.cc", operation.spec.name));
    const auto implementations = chosen_implementations(operation, wanted.tier, options_);
    implementation_seen_ |= !implementations.empty();
    if (wanted.tier != "given" && wanted.tier != "bench" && specs_asked_.insert(&operation).second)
      ask_spec(operation, wanted);
    for (const Pass& pass : operation.spec.passes()) {
      if (!has_pass(operation.spec, wanted.c.attributes, pass)) continue;
      for (const Oracle* oracle : oracles_) {
        if (oracle->asks == Oracle::Asks::kSpec || !suits(*oracle, wanted, pass)) continue;
        const Task task{&operation, &reference->second, nullptr, oracle, wanted.c, pass, wanted.tier, options_.seed};
        if (oracle->asks == Oracle::Asks::kReference)
          tasks_.push_back(task);
        else
          for (const Implementation* implementation : implementations) {
            tasks_.push_back(task);
            tasks_.back().implementation = implementation;
          }
      }
    }
  }

  void ask_spec(const Operation& operation, const Wanted& wanted) {
    for (const Oracle* oracle : oracles_)
      if (oracle->asks == Oracle::Asks::kSpec)
        tasks_.push_back({&operation, nullptr, nullptr, oracle, wanted.c, Pass::forward(), wanted.tier, options_.seed});
  }

  // Small cases are compared everywhere by the other oracles, so that `large` would add nothing.
  bool suits(const Oracle& oracle, const Wanted& wanted, const Pass& pass) const {
    if (!oracle.applies(wanted.c, pass)) return false;
    const bool small = wanted.tier != "bench" && is_small(wanted.c);
    switch (oracle.sizes) {
      case Oracle::Sizes::kSmall:
        return small;
      case Oracle::Sizes::kFewRows:
        return small || (wanted.tier != "bench" && has_few_rows(wanted.c));
      case Oracle::Sizes::kLarge:
        return !small || !options_.oracles.empty();
      default:
        return true;
    }
  }

  [[noreturn]] void refuse_implementation() const {
    std::set<std::string> names;
    for (const auto& operation : registry_.operations())
      for (const Implementation& implementation : operation->implementations) names.insert(implementation.name);
    std::string known;
    for (const std::string& name : names) known += " " + name;
    refuse("no implementation is called '{}'; there are{}", options_.implementation, known);
  }

  const Registry& registry_;
  const References& references_;
  const CheckOptions& options_;
  std::vector<const Oracle*> oracles_;
  std::set<const Operation*> specs_asked_;
  bool implementation_seen_ = false;
  std::vector<Task> tasks_;
};

}  // namespace

std::string Task::implementation_name() const {
  if (implementation != nullptr) return implementation->name;
  return oracle->asks == Oracle::Asks::kSpec ? "spec" : "reference";
}

std::string Task::repro() const {
  const std::string subject = oracle->asks == Oracle::Asks::kSpec ? operation->spec.name : c.to_text();
  std::string command = fmt::format("./gradproof check '{}' --oracle {}", subject, oracle->name);
  if (implementation != nullptr) command += " --impl " + implementation->name;
  return command + fmt::format(" --seed {}", seed);
}

std::vector<Task> plan_tasks(const Registry& registry, const References& references, const std::vector<Oracle>& oracles,
                             const CheckOptions& options) {
  return Planner(registry, references, oracles, options).plan();
}

Verdict run_task(const Task& task, Memo& memo) {
  const Subject subject{task.c, task.pass, task.reference, task.implementation, task.seed, &memo};
  if (task.implementation != nullptr)
    if (const auto reason = unsupported_reason(*task.implementation, task.c, task.pass)) return Verdict::skip(*reason);
  memo.attend_to(fmt::format("{} {} {}", task.c.to_text(), static_cast<const void*>(task.reference), task.seed));
  try {
    return task.oracle->run(subject);
  } catch (const std::exception& error) {
    return Verdict::fail(fmt::format("threw: {}", error.what()));
  }
}

Record check_record(const Task& task, const Verdict& verdict, double seconds) {
  Record record = make_record("check");
  record["op"] = task.operation->spec.name;
  record["family"] = task.operation->spec.family;
  record["case"] = task.oracle->asks == Oracle::Asks::kSpec ? task.operation->spec.name : task.c.to_text();
  record["pass"] = task.pass.to_text();
  record["oracle"] = task.oracle->name;
  record["impl"] = task.implementation_name();
  if (task.implementation != nullptr && task.implementation->peer) record["peer"] = true;
  const auto set_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) record[key] = text;
  };
  set_text("isa", verdict.isa);
  record["tier"] = task.tier;
  record["seed"] = task.seed;
  record["status"] = status_text(verdict.status);
  record["compared"] = verdict.compared;
  set_number(record, "worst", verdict.worst);
  set_number(record, "error", verdict.error);
  set_number(record, "bound", verdict.bound);
  set_number(record, "ulps", verdict.ulps);
  set_text("where", verdict.where);
  set_text("expected", verdict.expected);
  set_text("got", verdict.got);
  if (verdict.digits) set_number(record, "digits", *verdict.digits);
  set_text("reason", verdict.reason);
  set_number(record, "seconds", seconds);
  record["repro"] = task.repro();
  return record;
}

}  // namespace gradproof
