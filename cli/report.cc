// gradproof report: records to HTML, Markdown and CSV.
#include "reports/report.h"

#include "cli/command.h"
#include "cli/outputs.h"
#include "cli/tables.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

struct ReportOptions {
  std::vector<std::filesystem::path> records;
  std::filesystem::path html, markdown, csv;
};

ExitCode run_report(const ReportOptions& options, Session& session) {
  Outputs outputs;
  const std::vector<std::pair<std::filesystem::path, std::string (*)(const Records&)>> renderings{
      {options.html, render_html}, {options.markdown, render_markdown}, {options.csv, render_csv}};
  for (const auto& [path, render] : renderings) outputs.announce(path);
  if (outputs.empty()) refuse("no output is named; add --html FILE, --markdown FILE or --csv FILE");
  const Records records = read_records(options.records);
  for (const auto& [path, render] : renderings)
    if (!path.empty()) outputs.write(path, render(records));
  print_summary(session.console, records);
  for (const auto& [path, render] : renderings)
    if (!path.empty()) session.console.line(path.string());
  return kHeld;
}

void declare(CLI::App& sub, ReportOptions& options) {
  sub.add_option("RECORDS", options.records, "files of JSON Lines")->required();
  sub.add_option("--html", options.html, "one self-contained page");
  sub.add_option("--markdown", options.markdown, "short enough for a review comment");
  sub.add_option("--csv", options.csv, "every record");
}

}  // namespace

void offer_report(CLI::App& app, Action& chosen) {
  offer<ReportOptions>(app, chosen, "report", "Turn records into a page, a table or a comment", declare, run_report);
}

}  // namespace gradproof
