// gradproof bench: how fast is it, where it was verified at the very size that is timed.
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "cli/tables.h"

namespace gradproof {

ExitCode run_bench(const BenchCommand& command, Session& session) {
  Outputs outputs;
  outputs.announce(command.records);
  Journal journal(session.console);
  record_environment(journal);
  bench_into(journal, command.wish, session);
  const Records records = journal.records();
  outputs.write(command.records, journal.lines());
  if (session.console.on_terminal()) print_timings(session.console, records);
  session.console.line(measured_text(records));
  return judge(records);
}

}  // namespace gradproof
