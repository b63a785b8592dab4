#include "cli/gate_exactness.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "gate/child_output.h"
#include "ops/core/atomic_file.h"
#include "ops/core/error.h"
#include "reports/records.h"

namespace gradproof {
namespace {

constexpr const char* kReviewedFile = "reports/baseline/exactness.txt";
constexpr size_t kShown = 10;

ExactnessRun run_exactness(const std::filesystem::path& candidate, const std::set<std::string>& ops) {
  std::vector<std::string> words{"check"};
  words.insert(words.end(), ops.begin(), ops.end());
  for (const char* word :
       {"--tier", "smoke", "--impl", "simd@*", "--oracle", "forward,vjp", "--records", kChildOutputPath})
    words.emplace_back(word);
  const ChildOutput output = output_of(candidate, words);
  if (output.text.empty())
    refuse("{} ended with exit code {} before it told its errors; see what {} check --tier smoke says",
           candidate.string(), output.exit_code, candidate.string());
  Records records;
  parse_records(output.text, "the candidate's checks", records);
  ExactnessRun run = exactness_of(records);
  run.ops = ops;
  return run;
}

void set_side(Record& record, const std::string& side, const std::optional<Exactness>& value) {
  if (!value) return;
  set_number(record, (side + "_worst").c_str(), value->worst);
  if (value->ulps) set_number(record, (side + "_ulps").c_str(), *value->ulps);
}

}  // namespace

std::optional<ExactnessFile> reviewed_exactness(const GateCommand& command) {
  if (!command.exactness.empty()) return read_exactness(command.exactness, {});
  if (!std::filesystem::exists(kReviewedFile)) return {};
  return read_exactness(kReviewedFile, {});
}

ExactnessComparison judge_exactness(const std::filesystem::path& candidate, const ExactnessFile& reviewed,
                                    const std::set<std::string>& ops) {
  return compare_exactness(reviewed, run_exactness(candidate, ops));
}

ExitCode bless(const GateCommand& command, const std::filesystem::path& candidate, const std::set<std::string>& ops,
               Session& session) {
  const std::filesystem::path file = command.exactness.empty() ? kReviewedFile : command.exactness;
  const ExactnessFile old = std::filesystem::exists(file) ? read_exactness(file, {}) : ExactnessFile{};
  const std::string today = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  const ExactnessFile blessed = bless_exactness(old, run_exactness(candidate, ops), command.reason, today);
  write_file(file, exactness_text(blessed));
  session.console.line(fmt::format("Blessed: {} values in {}; review the difference and commit it.",
                                   blessed.values.size(), file.string()));
  return kHeld;
}

void apply_exactness(GateResult& result, const ExactnessComparison& comparison) {
  result.unknown_exactness = comparison.compared == 0;
  ExactnessShift shift;
  for (const ExactnessChange& change : comparison.changes) {
    const std::pair key(change.key.op, change.key.pass);
    if (change.is_loss())
      shift.worse.insert(key);
    else if (change.kind == ExactnessChange::Kind::kBetter)
      shift.better.insert(key);
  }
  weigh_exactness(result, shift);
}

void print_exactness(Console& console, const ExactnessComparison& comparison) {
  size_t shown = 0;
  for (const ExactnessChange& change : comparison.changes)
    if (change.is_loss() && ++shown <= kShown) console.line(console.paint(Colour::kBad, change_text(change)));
  std::string text =
      fmt::format("Exactness: {} values compared, {} worse, {} better, {} new, {} gone", comparison.compared,
                  comparison.count(ExactnessChange::Kind::kWorse), comparison.count(ExactnessChange::Kind::kBetter),
                  comparison.count(ExactnessChange::Kind::kNew), comparison.count(ExactnessChange::Kind::kGone));
  for (const auto& [isa, lines] : comparison.not_run) text += fmt::format("; {} not run here: {}", isa, lines);
  console.line(text + ".");
}

std::string exactness_lines(const ExactnessComparison& comparison) {
  std::string lines;
  for (const ExactnessChange& change : comparison.changes) {
    Record record = make_record("exactness");
    record["op"] = change.key.op;
    record["case"] = change.key.case_text;
    record["pass"] = change.key.pass;
    record["isa"] = change.key.isa;
    record["change"] = name_of(change.kind);
    set_side(record, "before", change.before);
    set_side(record, "after", change.after);
    lines += line_of(record) + "\n";
  }
  return lines;
}

}  // namespace gradproof
