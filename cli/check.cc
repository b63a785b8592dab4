// gradproof check: is the gradient right, and how exact is it.
#include "bench/shapes.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "cli/tables.h"
#include "reports/report.h"

namespace gradproof {

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
    self_into(journal, options.patterns, session);
  else
    check_into(journal, options, session);
  const Records records = journal.records();
  outputs.write(command.records, journal.lines());
  if (!command.junit.empty()) outputs.write(command.junit, render_junit(records));
  print_summary(session.console, records);
  return judge(records);
}

}  // namespace gradproof
