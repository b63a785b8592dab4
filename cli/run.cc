// gradproof run: the main job. Check, measure what was verified, and report.
#include <fmt/format.h>

#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "cli/tables.h"
#include "reports/report.h"

namespace gradproof {

ExitCode run_all(const RunCommand& command, Session& session) {
  make_directory(command.directory);
  const std::filesystem::path lines = command.directory / "records.jsonl";
  const std::filesystem::path html = command.directory / "report.html";
  const std::filesystem::path markdown = command.directory / "report.md";
  Outputs outputs;
  for (const auto& path : {lines, html, markdown}) outputs.announce(path);
  Journal journal(session.console);
  record_environment(journal);
  record_oracles(journal);
  check_into(journal, {.patterns = command.wish.words, .peers = true}, session);
  self_into(journal, {.patterns = command.wish.words}, session);
  bench_into(journal, command.wish, session);
  const Records records = journal.records();
  outputs.write(lines, journal.lines());
  outputs.write(html, render_html(records));
  outputs.write(markdown, render_markdown(records));
  if (session.console.on_terminal()) print_timings(session.console, records);
  print_summary(session.console, records);
  session.console.line(fmt::format("The report is {}", html.string()));
  return judge(records);
}

}  // namespace gradproof
