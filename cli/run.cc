// gradproof run: the main job. Check, measure what was verified, and report.
#include "checks/task.h"
#include "cli/command.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/running.h"
#include "cli/tables.h"
#include "reports/report.h"

namespace gradproof {
namespace {

struct RunCommand {
  std::filesystem::path directory = "gradproof-results";
  BenchWish wish;
};

ExitCode run_all(const RunCommand& command, Session& session) {
  make_directory(command.directory);
  const std::filesystem::path lines = command.directory / "records.jsonl";
  const std::filesystem::path html = command.directory / "report.html";
  const std::filesystem::path markdown = command.directory / "report.md";
  Outputs outputs;
  for (const auto& path : {lines, html, markdown}) outputs.announce(path);
  Journal journal(session.console);
  record_environment(journal);
  check_into(journal, {.peers = true}, session);
  self_into(journal, session);
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

void declare(CLI::App& sub, RunCommand& command) {
  sub.add_option("--out", command.directory, "directory for records.jsonl, report.html and report.md")
      ->capture_default_str();
  sub.add_option("--sizes", command.wish.sizes, "what to time: smoke, standard or a file of layers")
      ->capture_default_str();
}

}  // namespace

void offer_run(CLI::App& app, Action& chosen) {
  offer<RunCommand>(app, chosen, "run", "Check, measure and report: the main job", declare, run_all);
}

}  // namespace gradproof
