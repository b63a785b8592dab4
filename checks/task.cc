#include "checks/task.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "checks/execution.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

bool is_case_text(const std::string& pattern) {
  return pattern.find(':') != std::string::npos && !has_wildcard(pattern);
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

bool names_property(const std::string& pattern) {
  return std::any_of(all_properties().begin(), all_properties().end(),
                     [&](const Property& property) { return matches_pattern(pattern, property.name); });
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
      return names_operation(registry, pattern, *wanted.c.spec) || matches_pattern(pattern, wanted.c.to_text());
    };
    if (std::none_of(every.begin(), every.end(), hit)) {
      if (names_property(pattern)) continue;
      if (!has_wildcard(pattern)) registry.find(pattern);  // a better sentence
      refuse("'{}' matches no operation, family or case of this tier; list shows them", pattern);
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
    if (!pattern.empty()) return matches_pattern(pattern, implementation.name);
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
    for (const Oracle* oracle : oracles_)
      if (oracle->asks == Oracle::Asks::kProperties) add_properties(*oracle);
    if (!options_.implementation.empty() && !implementation_seen_) refuse_implementation();
    if (tasks_.empty()) refuse("no oracle of those chosen applies to the cases chosen; nothing would be checked");
    return options_.shard.is_whole() ? std::move(tasks_) : tasks_of_shard();
  }

 private:
  // Cases by turns: those of an operation, which take about as long, fall to all shards.
  std::vector<Task> tasks_of_shard() const {
    std::vector<Task> result;
    Index subjects = 0;
    std::string subject;
    for (const Task& task : tasks_) {
      if (std::string text = task.subject_text(); text != subject) {
        subject = std::move(text);
        ++subjects;
      }
      if (options_.shard.holds(subjects - 1)) result.push_back(task);
    }
    if (result.empty())
      refuse("nothing falls to shard {}, with {} in all; take fewer shards", options_.shard.to_text(),
             subjects == 1 ? "1 case" : fmt::format("{} cases", subjects));
    return result;
  }

  void add_properties(const Oracle& oracle) {
    if (options_.tier == CheckTier::kBench) return;
    for (const Property& property : all_properties())
      if (is_wanted(property) && is_known(property)) add_property(oracle, property);
  }

  // What takes seconds is asked in the full tier, or by its name.
  bool is_wanted(const Property& property) const {
    const bool in_tier = property.tier == Tier::kSmoke || options_.tier == CheckTier::kFull;
    if (options_.patterns.empty()) return in_tier;
    return std::any_of(options_.patterns.begin(), options_.patterns.end(), [&](const std::string& pattern) {
      return pattern == property.name || (in_tier && concerns(property, pattern));
    });
  }

  // A registry of a few operations has not those that others are compared with.
  bool is_known(const Property& property) const {
    return std::all_of(property.operations.begin(), property.operations.end(), [&](const std::string& name) {
      return std::any_of(registry_.operations().begin(), registry_.operations().end(),
                         [&](const auto& operation) { return operation->spec.name == name; });
    });
  }

  // By one implementation: that others compute the same is for other oracles to say.
  void add_property(const Oracle& oracle, const Property& property) {
    const Operation& operation = registry_.find(property.operations.front());
    for (const Implementation& implementation : operation.implementations) {
      const std::string& pattern = options_.implementation;
      if (pattern.empty() ? implementation.peer : !matches_pattern(pattern, implementation.name)) continue;
      implementation_seen_ = true;
      tasks_.push_back({&operation, &references_.at(operation.spec.name), &implementation, &oracle,
                        make_case(operation.spec, operation.spec.smoke_cases.front()), property.pass,
                        property.tier == Tier::kSmoke ? "smoke" : "full", options_.seed, &property, &registry_,
                        &references_});
      return;
    }
  }

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
        if (!is_about_cases(*oracle) || !suits(*oracle, wanted, pass)) continue;
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

  static bool is_about_cases(const Oracle& oracle) {
    return oracle.asks == Oracle::Asks::kReference || oracle.asks == Oracle::Asks::kImplementation;
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

std::string Task::subject_text() const {
  if (property != nullptr) return property->name;
  return oracle->asks == Oracle::Asks::kSpec ? operation->spec.name : c.to_text();
}

std::string Task::repro() const {
  std::string command = fmt::format("./gradproof check '{}' --oracle {}", subject_text(), oracle->name);
  if (implementation != nullptr) command += " --impl " + implementation->name;
  return command + fmt::format(" --seed {}", seed);
}

std::vector<Task> plan_tasks(const Registry& registry, const References& references, const std::vector<Oracle>& oracles,
                             const CheckOptions& options) {
  return Planner(registry, references, oracles, options).plan();
}

Verdict run_task(const Task& task, Memo& memo) {
  const Subject subject{task.c, task.pass,     task.reference, task.implementation, task.seed,
                        &memo,  task.property, task.registry,  task.references};
  if (task.implementation != nullptr && task.property == nullptr)
    if (const auto reason = unsupported_reason(*task.implementation, task.c, task.pass)) return Verdict::skip(*reason);
  memo.attend_to(fmt::format("{} {} {}", task.c.to_text(), static_cast<const void*>(task.reference), task.seed));
  try {
    return task.oracle->run(subject);
  } catch (const std::exception& error) {
    return Verdict::fail(fmt::format("threw: {}", error.what()));
  }
}

namespace {

// Only what is finite can be drawn, and written as JSON: the loss of a network that fails may be neither.
nlohmann::ordered_json json_of(const PlotCurve& curve) {
  std::vector<double> x, y;
  for (size_t i = 0; i < curve.x.size(); ++i) {
    if (!std::isfinite(curve.y[i])) continue;
    x.push_back(curve.x[i]);
    y.push_back(curve.y[i]);
  }
  return {{"name", curve.name}, {"x", x}, {"y", y}};
}

void set_plot(Record& record, const Plot& plot) {
  if (plot.curves.empty()) return;
  record["x_axis"] = plot.x_axis;
  record["y_axis"] = plot.y_axis;
  record["logarithmic"] = plot.logarithmic;
  for (const PlotCurve& curve : plot.curves) record["curves"].push_back(json_of(curve));
}

}  // namespace

Record check_record(const Task& task, const Verdict& verdict, double seconds) {
  Record record = make_record("check");
  record["op"] = task.operation->spec.name;
  record["family"] = task.operation->spec.family;
  record["case"] = task.subject_text();
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
  if (task.property != nullptr) {
    record["claim"] = task.property->claim;
    record["operations"] = task.property->operations;
  }
  set_plot(record, verdict.plot);
  return record;
}

}  // namespace gradproof
