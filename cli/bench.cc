// gradproof bench: how fast is it, where it was verified at the very size that is timed.
#include "cli/command.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/running.h"
#include "cli/tables.h"

namespace gradproof {
namespace {

struct BenchCommand {
  BenchWish wish;
  std::filesystem::path records;
};

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

void declare(CLI::App& sub, BenchCommand& command) {
  sub.add_option("PATTERN|CASE", command.wish.words,
                 "operations, patterns over case texts, or cases; all layers without");
  sub.add_option("--sizes", command.wish.sizes, "smoke, standard or a file of layers")->capture_default_str();
  sub.add_option("--impl", command.wish.implementations, "implementations, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub.add_option("--threads", command.wish.threads, "threads of each kernel (default: 1 and all cores)")
      ->check(CLI::Range(1, 1024));
  sub.add_option("--records", command.records, "write the records, JSON Lines");
  sub.footer("Flags of Google Benchmark (--benchmark_filter=..., --benchmark_out=FILE) are handed on.");
  sub.allow_extras();
  sub.parse_complete_callback([&sub, &command] {
    command.wish.benchmark_flags = sub.remaining();
    for (const std::string& flag : command.wish.benchmark_flags)
      if (!flag.starts_with("--benchmark_")) throw CLI::ExtrasError({flag});
  });
}

}  // namespace

void offer_bench(CLI::App& app, Action& chosen) {
  offer<BenchCommand>(app, chosen, "bench", "Time what was verified at the very size", declare, run_bench);
}

}  // namespace gradproof
