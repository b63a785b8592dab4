#include "checks/self/self.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "checks/runner.h"
#include "checks/shrink.h"
#include "checks/task.h"
#include "checks/workers.h"
#include "ops/core/pattern.h"

namespace gradproof {
namespace {

constexpr double kShrinkSeconds = 0.3;

double element_total(const Case& c) {
  double total = 0;
  for (const Argument& argument : arguments_of(*c.spec, c.attributes, Pass::forward()))
    total += static_cast<double>(element_count(argument.shape));
  return total;
}

// The first case on which the oracle catches it, made smaller; nothing if it does not.
std::optional<Case> catch_with(const Trial& trial, const std::vector<Oracle>& oracles, const Mutant& mutant,
                               const std::string& oracle) {
  CheckOptions options;
  options.patterns = {mutant.property.empty() ? mutant.operation : mutant.property};
  options.oracles = {oracle};
  Memo memo;
  for (const Task& task : plan_tasks(trial.registry, trial.references, oracles, options)) {
    if (!run_task(task, memo).failed()) continue;
    if (task.property != nullptr) return task.c;
    const auto fails = [&](const Case& c) {
      if (!has_pass(*c.spec, c.attributes, task.pass) || !task.oracle->applies(c, task.pass)) return false;
      Task other = task;
      other.c = c;
      Memo fresh;
      return run_task(other, fresh).failed();
    };
    return shrink_case(task.c, fails, kShrinkSeconds);
  }
  return {};
}

}  // namespace

Trial::Trial(const Registry& real, const References& truths, const Mutant& mutant) {
  const Operation& operation = real.find(mutant.operation);
  Operation changed{operation.spec, operation.implementations};
  if (mutant.implementation) changed.implementations = {*mutant.implementation};
  registry.add(std::move(changed));
  for (const Property& property : all_properties())
    if (property.name == mutant.property) add_others(real, truths, property);
  references.emplace(mutant.operation, mutant.reference ? *mutant.reference : truths.at(mutant.operation));
}

void Trial::add_others(const Registry& real, const References& truths, const Property& property) {
  for (const std::string& name : property.operations) {
    if (name == registry.operations().front()->spec.name) continue;
    const Operation& other = real.find(name);
    registry.add({other.spec, other.implementations});
    references.emplace(name, truths.at(name));
  }
}

namespace {

Record mutant_record(const Registry& registry, const Mutant& mutant) {
  Record record = make_record("check");
  record["op"] = mutant.operation;
  record["family"] = registry.find(mutant.operation).spec.family;
  record["case"] = mutant.property.empty() ? mutant.operation : mutant.property;
  record["oracle"] = "self";
  record["impl"] = mutant.reference ? "reference" : "planted";
  record["mutant"] = mutant.name;
  record["compared"] = mutant.oracles.size();
  return record;
}

}  // namespace

Record try_mutant(const Registry& registry, const References& references, const Mutant& mutant) {
  const auto start = std::chrono::steady_clock::now();
  const Trial trial(registry, references, mutant);
  const std::vector<Oracle> oracles = all_oracles();
  std::vector<std::string> caught_by, missed_by;
  std::optional<Case> smallest;
  for (const std::string& oracle : mutant.oracles) {
    const std::optional<Case> found = catch_with(trial, oracles, mutant, oracle);
    (found ? caught_by : missed_by).push_back(oracle);
    if (found && (!smallest || element_total(*found) < element_total(*smallest))) smallest = found;
  }
  Record record = mutant_record(registry, mutant);
  if (mutant.property.empty() && smallest) record["case"] = smallest->to_text();
  record["status"] = missed_by.empty() && !caught_by.empty() ? "pass" : "fail";
  record["caught_by"] = fmt::format("{}", fmt::join(caught_by, ", "));
  record["reason"] =
      missed_by.empty() ? mutant.what : fmt::format("{}; missed by {}", mutant.what, fmt::join(missed_by, ", "));
  set_number(record, "seconds", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return record;
}

void try_mutants(const Registry& registry, const References& references, const std::vector<Mutant>& mutants, int jobs,
                 const std::function<void(const Record&, double)>& progress) {
  const auto count = static_cast<Index>(mutants.size());
  std::vector<Stretch> stretches;
  for (Index i = 0; i < count; ++i) stretches.push_back({i, i + 1});
  const auto work = [&](Index i) {
    alarm(RunHow().patience);
    const Record record = try_mutant(registry, references, mutants[static_cast<size_t>(i)]);
    alarm(0);
    return line_of(record);
  };
  const auto crashed = [&](Index i, const std::string& reason) {
    Record record = mutant_record(registry, mutants[static_cast<size_t>(i)]);
    record["status"] = "fail";
    record["caught_by"] = "";
    record["reason"] = fmt::format("{}; {}", mutants[static_cast<size_t>(i)].what, reason);
    set_number(record, "seconds", 0);
    return line_of(record);
  };
  Index done = 0;
  const auto collect = [&](const std::string& line) {
    progress(record_of(line), static_cast<double>(++done) / static_cast<double>(count));
  };
  run_in_workers(stretches, worker_count(jobs), work, crashed, collect);
}

std::vector<Mutant> mutants_of(const Registry& registry, const std::vector<std::string>& words) {
  std::vector<Mutant> mutants = all_mutants();
  if (words.empty()) return mutants;
  std::erase_if(mutants, [&](const Mutant& mutant) {
    const Spec& spec = registry.find(mutant.operation).spec;
    return std::none_of(words.begin(), words.end(),
                        [&](const std::string& word) { return names_operation(registry, word, spec); });
  });
  return mutants;
}

std::vector<Mutant> all_mutants() {
  std::vector<Mutant> mutants;
  for (auto make : {
           conv_mutants,
           conv_transpose_mutants,
           coord_conv_mutants,
           deform_conv_mutants,
           deform_layer_mutants,
           depthwise_separable_conv_mutants,
           separable_conv_mutants,
           local_conv_mutants,
           max_pool_mutants,
           mixed_pool_mutants,
           adaptive_max_pool_mutants,
           max_unpool_mutants,
           linear_pool_mutants,
           global_pool_mutants,
           global_max_pool_mutants,
           lp_pool_mutants,
           std_pool_mutants,
           weighted_pool_mutants,
           adaptive_avg_pool_mutants,
           subsample_mutants,
           batch_norm_mutants,
           sample_norm_mutants,
           lrn_mutants,
           relu_mutants,
           activation_mutants,
           step_mutants,
           linear_mutants,
           shape_mutants,
           softmax_mutants,
           class_loss_mutants,
           pointwise_mutants,
           network_mutants,
           property_mutants,
           reference_mutants,
           agreed_mutants,
       })
    for (Mutant& mutant : make()) mutants.push_back(std::move(mutant));
  return mutants;
}

std::vector<Mutant> healthy_kernels() {
  std::vector<Mutant> controls;
  for (auto make :
       {healthy_activations, healthy_steps, healthy_shapes, healthy_softmaxes, healthy_class_losses, healthy_pointwise})
    for (Mutant& control : make()) controls.push_back(std::move(control));
  for (Mutant& control : std::vector<Mutant>{
           healthy_conv(),
           healthy_conv_transpose(),
           healthy_coord_conv(),
           healthy_depthwise_separable_conv(),
           healthy_separable_conv(),
           healthy_max_pool(),
           healthy_batch_norm(),
           healthy_relu(),
           healthy_linear(),
           healthy_local_conv(),
           healthy_deform_conv(),
           healthy_deform_layer(),
           healthy_avg_pool(),
           healthy_sum_pool(),
           healthy_global_avg_pool(),
           healthy_global_sum_pool(),
           healthy_subsample(),
           healthy_group_norm(),
           healthy_instance_norm(),
           healthy_layer_norm(),
           healthy_rms_norm(),
           healthy_min_pool(),
           healthy_mixed_pool(),
           healthy_adaptive_max_pool(),
           healthy_max_unpool(),
           healthy_global_max_pool(),
           healthy_lrn(),
           healthy_lp_pool(),
           healthy_std_pool(),
           healthy_weighted_pool(),
           healthy_adaptive_avg_pool(),
       })
    controls.push_back(std::move(control));
  return controls;
}

}  // namespace gradproof
