// gradproof check: is the gradient right, and how exact is it.
#include <map>

#include "bench/shapes.h"
#include "cli/command.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/running.h"
#include "cli/tables.h"
#include "reports/report.h"

namespace gradproof {
namespace {

struct CheckCommand {
  CheckOptions options;
  std::filesystem::path records, junit;
  bool self = false;
};

ExitCode run_check(const CheckCommand& command, Session& session) {
  Outputs outputs;
  outputs.announce(command.records);
  outputs.announce(command.junit);
  CheckOptions options = command.options;
  if (options.tier == CheckTier::kBench)
    for (const Layer& layer : load_shapes(session.registry, "standard"))
      options.bench_cases.push_back(layer.work.to_text());
  Journal journal(session.console);
  record_environment(journal);
  if (command.self)
    self_into(journal, session);
  else
    check_into(journal, options, session);
  const Records records = journal.records();
  outputs.write(command.records, journal.lines());
  if (!command.junit.empty()) outputs.write(command.junit, render_junit(records));
  print_summary(session.console, records);
  return judge(records);
}

void declare(CLI::App& sub, CheckCommand& command) {
  const std::map<std::string, CheckTier> tiers{
      {"smoke", CheckTier::kSmoke}, {"full", CheckTier::kFull}, {"bench", CheckTier::kBench}};
  sub.add_option("PATTERN|CASE", command.options.patterns,
                 "operations, patterns over case texts (conv:*g=2*) or cases; everything without");
  sub.add_option("--tier", command.options.tier, "smoke, full or bench: which cases (default full)")
      ->transform(CLI::CheckedTransformer(tiers));
  sub.add_option("--impl", command.options.implementation, "one implementation, or a pattern");
  sub.add_option("--oracle", command.options.oracles, "oracles, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub.add_option("--seed", command.options.seed, "of every input value")->capture_default_str();
  sub.add_option("--jobs", command.options.jobs, "checks at a time (default: one a core)")->check(CLI::Range(1, 1024));
  sub.add_flag("--self", command.self, "try the planted bugs instead: the harness must catch every one");
  sub.add_option("--records", command.records, "write the records, JSON Lines");
  sub.add_option("--junit", command.junit, "write JUnit XML");
}

}  // namespace

void offer_check(CLI::App& app, Action& chosen) {
  offer<CheckCommand>(app, chosen, "check", "Check gradients against the truth", declare, run_check);
}

}  // namespace gradproof
