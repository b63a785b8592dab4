// gradproof check: is the gradient right, and how exact is it.
#include <map>

#include "bench/shapes.h"
#include "cli/case_file.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "cli/tables.h"
#include "reports/report.h"

namespace gradproof {
namespace {

// Each with the seed that it is kept with, those of the shard.
void check_kept(const std::vector<KeptCase>& kept, const CheckOptions& options, Journal& journal, Session& session) {
  std::map<std::uint64_t, CheckOptions> of_seed;
  Index number = 0;
  for (const KeptCase& one : kept) {
    if (!options.shard.holds(number++)) continue;
    const auto [same, is_new] = of_seed.try_emplace(one.seed, options);
    if (is_new) {
      same->second.patterns.clear();
      same->second.shard = {};
    }
    same->second.seed = one.seed;
    same->second.patterns.push_back(one.text);
  }
  for (const auto& [seed, same] : of_seed) check_into(journal, same, session);
}

}  // namespace

ExitCode run_check(const CheckCommand& command, Session& session) {
  Outputs outputs;
  outputs.announce(command.records);
  outputs.announce(command.junit);
  CheckOptions options = command.options;
  options.shard = shard_of(command.shard);
  if (options.tier == CheckTier::kBench)
    for (const Layer& layer : load_shapes(session.registry, "standard"))
      options.bench_cases.push_back(layer.work.to_text());
  const std::vector<KeptCase> kept =
      command.cases.empty() ? std::vector<KeptCase>() : read_cases(session.registry, command.cases);
  Journal journal(session.console);
  record_environment(journal);
  record_oracles(journal);
  if (command.self)
    self_into(journal, options, session);
  else if (command.cases.empty() || !options.patterns.empty())
    check_into(journal, options, session);
  check_kept(kept, options, journal, session);
  const Records records = journal.records();
  outputs.write(command.records, journal.lines());
  if (!command.junit.empty()) outputs.write(command.junit, render_junit(records));
  print_summary(session.console, records);
  return judge(records);
}

}  // namespace gradproof
