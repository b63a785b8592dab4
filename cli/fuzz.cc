// gradproof fuzz: does anything fail on cases that nobody thought of.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "checks/fuzz.h"
#include "cli/case_file.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/selection.h"
#include "cli/subcommands.h"
#include "cli/tables.h"
#include "ops/core/error.h"
#include "reports/format.h"

namespace gradproof {
namespace {

FuzzOptions options_of(const FuzzCommand& command, const Registry& registry) {
  FuzzOptions options;
  options.operations = select_operations(registry, command.patterns);
  options.implementation = command.implementation;
  options.oracles = command.oracles;
  options.seed = command.seed;
  options.first = command.from;
  options.shard = shard_of(command.shard);
  options.seconds = command.minutes * 60 + command.seconds;
  if (!(options.seconds > 0)) refuse("no time to draw anything; write for instance --minutes 10");
  options.draws = command.draws;
  options.jobs = command.jobs;
  return options;
}

// What the file holds already is kept; a case is added once.
class Keeper {
 public:
  Keeper(const std::filesystem::path& path, const Registry& registry) : path_(path) {
    if (path.empty()) return;
    if (std::filesystem::exists(path)) {
      std::ifstream stream(path, std::ios::binary);
      text_.assign(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
      if (!text_.empty() && text_.back() != '\n') text_ += '\n';
      cases_ = parse_cases(registry, text_, path.string());
    }
    Outputs().announce(path);  // can it be written?
  }

  void keep(const Check& check) {
    if (path_.empty() || check.oracle == "invalid") return;  // a text that must be refused is no case to check
    const KeptCase kept{check.case_text, std::stoull(check.seed)};
    if (std::find(cases_.begin(), cases_.end(), kept) != cases_.end()) return;
    cases_.push_back(kept);
    const std::string& what = check.where.empty() ? check.reason : check.where;
    text_ += case_line(kept, fmt::format("{} {} {}: {}", check.oracle, check.pass, check.impl, what));
    Outputs outputs;  // at once: a run may be ended at any time
    outputs.announce(path_);
    outputs.write(path_, text_);
  }

 private:
  std::filesystem::path path_;
  std::string text_;
  std::vector<KeptCase> cases_;
};

Colour colour_of_failures(const std::vector<std::string>& row) {
  return row.back() == "0" ? Colour::kPlain : Colour::kBad;
}

std::string count_text(Index count) { return show_count(static_cast<double>(count)); }

void print_table(Console& console, const FuzzSummary& summary) {
  Table table{{"operation", "cases", "tried", "refused", "oversized", "passed", "skipped", "error/bound", "failed"},
              {},
              colour_of_failures};
  for (const FuzzRow& row : summary.rows)
    if (row.cases + row.failed > 0)
      table.rows.push_back({row.operation, count_text(row.cases), count_text(row.proposed), count_text(row.refused),
                            count_text(row.oversized), count_text(row.passed), count_text(row.skipped),
                            show_ratio(row.worst), count_text(row.failed)});
  if (!table.rows.empty()) print(console, table);
}

struct Totals {
  Index cases = 0, passed = 0, failed = 0;
};

Totals totals_of(const FuzzSummary& summary) {
  Totals totals;
  for (const FuzzRow& row : summary.rows) {
    totals.cases += row.cases;
    totals.passed += row.passed;
    totals.failed += row.failed;
  }
  return totals;
}

std::string next_command(const FuzzCommand& command, const FuzzSummary& summary) {
  std::string text = "./gradproof fuzz";
  for (const std::string& pattern : command.patterns) text += fmt::format(" '{}'", pattern);
  text += fmt::format(" --seed {} --from {}", command.seed, summary.next);
  if (const Shard shard = shard_of(command.shard); !shard.is_whole()) text += " --shard " + shard.to_text();
  if (!command.implementation.empty()) text += fmt::format(" --impl '{}'", command.implementation);
  for (const std::string& oracle : command.oracles) text += " --oracle " + oracle;
  return text;
}

}  // namespace

ExitCode run_fuzz(const FuzzCommand& command, Session& session) {
  const FuzzOptions options = options_of(command, session.registry);
  Outputs outputs;
  outputs.announce(command.records);
  Keeper keeper(command.save, session.registry);
  Journal journal(session.console);
  record_environment(journal);
  bool ours = false;
  const auto found = [&](const Record& record, const std::string& first_case) {
    journal.add(record);
    const Check check = journal.records().checks.back();
    ours |= !check.peer;
    if (first_case != check.case_text) session.console.line(fmt::format("      {:<9} {}", "met in", first_case));
    keeper.keep(check);
  };
  const auto progress = [&](double fraction, const std::string& what) { session.console.progress(fraction, what); };
  const FuzzSummary summary = fuzz(session.registry, session.references, options, found, progress);
  outputs.write(command.records, journal.lines());
  print_table(session.console, summary);
  const Totals totals = totals_of(summary);
  if (totals.passed + totals.failed == 0) refuse("nothing was checked; give it more time, or other operations");
  const std::string again = summary.repeated == 0 ? "" : fmt::format(" ({} more of the same kind)", summary.repeated);
  session.console.line(session.console.paint(
      totals.failed > 0 ? Colour::kBad : Colour::kGood,
      fmt::format("{} cases, {} checks: {}{}", count_text(totals.cases), count_text(totals.passed + totals.failed),
                  totals.failed == 0 ? "nothing failed" : fmt::format("{} failed", count_text(totals.failed)), again)));
  session.console.line("Go on with " + next_command(command, summary));
  return ours ? kFailed : kHeld;
}

}  // namespace gradproof
