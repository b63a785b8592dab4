// gradproof mutate: bugs are planted into the real kernels, one at a time; is every one of them noticed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/outputs.h"
#include "cli/running.h"
#include "cli/subcommands.h"
#include "mutants/planted.h"
#include "mutants/trial.h"
#include "ops/core/error.h"
#include "ops/core/pattern.h"
#include "reports/format.h"
#include "reports/junit.h"

namespace gradproof {
namespace {

// Whether the pattern names the bug, or an operation that it concerns.
bool takes(const std::string& pattern, const PlantedBug& bug) {
  return matches_pattern(pattern, bug.id) ||
         std::any_of(bug.patterns.begin(), bug.patterns.end(), [&](const std::string& operation) {
           return matches_pattern(pattern, operation.substr(0, operation.find(':')));
         });
}

// The numbers of those that a pattern takes, see planted.h.
std::vector<int> chosen_bugs(const std::vector<std::string>& patterns) {
  const std::vector<PlantedBug>& bugs = planted_bugs();
  if (bugs.empty())
    refuse("no bug is planted in this program; the launcher builds one that has them: ./gradproof mutate");
  for (const std::string& pattern : patterns)
    if (std::none_of(bugs.begin(), bugs.end(), [&](const PlantedBug& bug) { return takes(pattern, bug); }))
      refuse("'{}' is no planted bug, and no operation that one concerns; mutate --list names them", pattern);
  std::vector<int> numbers;
  for (size_t i = 0; i < bugs.size(); ++i)
    if (patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                        [&](const std::string& pattern) { return takes(pattern, bugs[i]); }))
      numbers.push_back(static_cast<int>(i) + 1);
  return numbers;
}

const PlantedBug& bug_of(int number) { return planted_bugs()[static_cast<size_t>(number - 1)]; }

ExitCode list(const std::vector<int>& numbers, Console& console) {
  for (const int number : numbers) {
    const PlantedBug& bug = bug_of(number);
    console.line(fmt::format("{}  {}", console.paint(Colour::kStrong, bug.id), bug.wrong));
    console.line(fmt::format("  {}: {}", bug.file, fmt::join(bug.patterns, " ")));
  }
  return kHeld;
}

// Where right code fails, wrong code that fails shows nothing.
void require_control(const std::vector<int>& numbers, const TrialOptions& options, Session& session) {
  std::set<std::string> patterns;
  for (const int number : numbers) patterns.insert(bug_of(number).patterns.begin(), bug_of(number).patterns.end());
  const std::optional<Record> failure =
      failing_control(session.registry, session.references, {patterns.begin(), patterns.end()}, options,
                      [&](double fraction) { session.console.progress(fraction, "control: nothing switched on"); });
  session.console.clear_progress();
  if (failure)
    refuse("with no bug switched on this check fails, so that nothing can be said of planted ones: {}",
           failure->value("repro", ""));
}

std::string smallest_case(const MutantRecord& record) {
  return record.shrunk.empty() ? record.case_text : record.shrunk;
}

std::string seconds_text(const MutantRecord& record) { return fmt::format("{:.1f}", record.seconds.value_or(0)); }

std::string fate_text(const MutantRecord& record) { return record.killed ? "killed" : "survived"; }

// One line for each in a pipe; on a terminal a table follows, and survivors alone are told at once.
void tell(Console& console, const MutantRecord& record) {
  if (!record.killed)
    console.line(console.paint(Colour::kBad, fmt::format("survived  {}  {} ({})", record.mutant, record.wrong,
                                                         record.reached ? "reached" : "never reached")));
  else if (!console.on_terminal())
    console.line(fmt::format("killed    {}  by {} in {} s: {}", record.mutant, fmt::join(record.oracles, ","),
                             seconds_text(record), smallest_case(record)));
}

Colour colour_of_survivors(const std::vector<std::string>& row) {
  return row[1] == "killed" ? Colour::kPlain : Colour::kBad;
}

void print_fates(Console& console, const std::vector<MutantRecord>& records) {
  Table table{{"planted bug", "fate", "noticed by", "seconds", "smallest case"}, {}, colour_of_survivors};
  for (const MutantRecord& record : records)
    table.rows.push_back({record.mutant, fate_text(record), fmt::format("{}", fmt::join(record.oracles, ",")),
                          seconds_text(record), smallest_case(record)});
  print(console, table);
}

Colour colour_of_survival(const std::vector<std::string>& row) {
  return row.back() == "0" ? Colour::kPlain : Colour::kBad;
}

void print_totals(Console& console, const std::vector<MutantRecord>& records) {
  struct Row {
    int killed = 0, survived = 0;
    std::map<std::string, int> first;  // how often an oracle is among those that noticed
  };
  std::map<std::string, Row> rows;
  for (const MutantRecord& record : records) {
    Row& row = rows[record.family];
    ++(record.killed ? row.killed : row.survived);
    for (const std::string& oracle : record.oracles) ++row.first[oracle];
  }
  Table table{{"family", "noticed by", "killed", "survived"}, {}, colour_of_survival};
  for (const auto& [family, row] : rows) {
    std::vector<std::string> oracles;
    for (const auto& [oracle, times] : row.first) oracles.push_back(fmt::format("{} {}", oracle, times));
    table.rows.push_back({family, fmt::format("{}", fmt::join(oracles, ", ")), std::to_string(row.killed),
                          std::to_string(row.survived)});
  }
  print(console, table);
}

// As a test that holds when the bug is noticed.
Check check_of(const MutantRecord& record) {
  Check check;
  check.op = record.family;
  check.case_text = record.case_text.empty() ? record.file : smallest_case(record);
  check.oracle = "self";
  check.impl = "planted";
  check.status = record.killed ? Status::kPass : Status::kFail;
  check.compared = 1;
  check.seconds = record.seconds;
  check.reason = record.killed ? record.wrong : fmt::format("{}; no oracle noticed", record.wrong);
  check.mutant = record.mutant;
  check.caught_by = fmt::format("{}", fmt::join(record.oracles, ", "));
  return check;
}

// In the order of the catalogue.
void sort(std::vector<MutantRecord>& records) {
  const auto number = [](const MutantRecord& record) { return number_of_mutant(record.mutant.c_str()); };
  std::sort(records.begin(), records.end(),
            [&](const MutantRecord& a, const MutantRecord& b) { return number(a) < number(b); });
}

ExitCode conclude(Console& console, const std::vector<MutantRecord>& records) {
  const auto survived =
      std::count_if(records.begin(), records.end(), [](const MutantRecord& record) { return !record.killed; });
  const std::string sentence = survived == 0 ? fmt::format("{} planted bugs: every one was noticed", records.size())
                                             : fmt::format("{} planted bugs: {} survived", records.size(), survived);
  console.line(console.paint(survived == 0 ? Colour::kGood : Colour::kBad, sentence));
  return survived == 0 ? kHeld : kFailed;
}

}  // namespace

ExitCode run_mutate(const MutateCommand& command, Session& session) {
  const std::vector<int> numbers = chosen_bugs(command.patterns);
  if (command.list) return list(numbers, session.console);
  Outputs outputs;
  outputs.announce(command.records);
  outputs.announce(command.junit);
  TrialOptions options;
  options.seed = command.seed;
  options.jobs = command.jobs;
  require_control(numbers, options, session);
  Journal journal(session.console);
  record_environment(journal);
  try_planted_bugs(session.registry, session.references, numbers, options, [&](const Record& record, double fraction) {
    journal.add(record);
    Records one;
    parse_records(line_of(record), "a record of this run", one);
    tell(session.console, one.mutants.front());
    session.console.progress(fraction, record.value("mutant", ""));
  });
  session.console.clear_progress();
  outputs.write(command.records, journal.lines());
  Records records = journal.records();
  sort(records.mutants);
  for (const MutantRecord& record : records.mutants) records.checks.push_back(check_of(record));
  if (!command.junit.empty()) outputs.write(command.junit, render_junit(records));
  if (session.console.on_terminal()) print_fates(session.console, records.mutants);
  print_totals(session.console, records.mutants);
  return conclude(session.console, records.mutants);
}

}  // namespace gradproof
