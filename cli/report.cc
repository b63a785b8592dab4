// gradproof report: records to HTML, Markdown and CSV.
#include "reports/report.h"

#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "cli/tables.h"
#include "ops/core/error.h"

namespace gradproof {

ExitCode run_report(const ReportCommand& command, Session& session) {
  Outputs outputs;
  const std::vector<std::pair<std::filesystem::path, std::string (*)(const Records&)>> renderings{
      {command.html, render_html}, {command.markdown, render_markdown}, {command.csv, render_csv}};
  for (const auto& [path, render] : renderings) outputs.announce(path);
  if (outputs.empty()) refuse("no output is named; add --html FILE, --markdown FILE or --csv FILE");
  const Records records = read_records(command.records);
  for (const auto& [path, render] : renderings)
    if (!path.empty()) outputs.write(path, render(records));
  print_summary(session.console, records);
  for (const auto& [path, render] : renderings)
    if (!path.empty()) session.console.line(path.string());
  return kHeld;
}

}  // namespace gradproof
