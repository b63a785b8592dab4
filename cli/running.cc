#include "cli/running.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/peers/peers.h"
#include "bench/shapes.h"
#include "bench/timing.h"
#include "checks/runner.h"
#include "checks/self/self.h"
#include "cli/selection.h"
#include "ops/core/error.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

std::string what(const Record& record) {
  return fmt::format("{} {} {}", record.value("case", "roofs"), record.value("pass", ""), record.value("oracle", ""));
}

}  // namespace

std::vector<Layer> chosen_layers(const BenchWish& wish, const Registry& registry) {
  const Selection selection = select(registry, wish.words);
  std::vector<Layer> layers;
  for (const Case& c : selection.cases) layers.push_back({"", c, 1});
  if (selection.everything() || !selection.patterns.empty())
    for (Layer& layer : load_shapes(registry, wish.sizes))
      if (selection.takes(layer.work)) layers.push_back(std::move(layer));
  if (layers.empty()) refuse("no layer of '{}' matches; name a case, or other --sizes", wish.sizes);
  return layers;
}

void record_environment(Journal& journal) {
  Record record = environment_record(static_cast<int>(std::thread::hardware_concurrency()), supported_targets());
  for (const auto& [library, version] : peer_libraries()) record["libraries"][library] = version;
  journal.add(record);
}

void record_oracles(Journal& journal) {
  for (const Oracle& oracle : all_oracles()) journal.add(oracle_record(oracle));
}

void check_into(Journal& journal, const CheckOptions& options, Session& session) {
  run_checks(session.registry, session.references, options, [&](const Record& record, double fraction) {
    journal.add(record);
    session.console.progress(fraction, what(record));
  });
}

void self_into(Journal& journal, const CheckOptions& options, Session& session) {
  std::vector<std::string> names;
  for (const std::string& word : options.patterns) names.push_back(word.substr(0, word.find(':')));
  select_operations(session.registry, names);  // refuses what names none
  std::vector<Mutant> mutants = mutants_of(session.registry, names);
  Index number = 0;
  std::erase_if(mutants, [&](const Mutant&) { return !options.shard.holds(number++); });
  if (mutants.empty() && !options.shard.is_whole())
    refuse("no planted bug falls to shard {}; take fewer shards", options.shard.to_text());
  try_mutants(session.registry, session.references, mutants, options.jobs, [&](const Record& record, double fraction) {
    journal.add(record);
    session.console.progress(fraction, fmt::format("planted bug {}", record.value("mutant", "")));
  });
}

void bench_into(Journal& journal, const BenchWish& wish, Session& session) {
  BenchOptions options;
  options.layers = chosen_layers(wish, session.registry);
  options.implementations = wish.implementations;
  options.benchmark_flags = wish.benchmark_flags;
  if (wish.threads > 0) options.threads = {wish.threads};
  const auto rows = static_cast<double>(benchmark_names(session.registry, options).size());
  double done = 0;
  run_benchmarks(session.registry, session.references, options, [&](const Record& record) {
    journal.add(record);
    if (record.at("kind") == "timing") ++done;
    session.console.progress(done / rows, what(record));
  });
}

}  // namespace gradproof
