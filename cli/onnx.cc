// gradproof onnx: the backend tests of ONNX, stored inputs and outputs of single operators, on our operations.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "checks/task.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/running.h"
#include "cli/subcommands.h"
#include "onnx/run.h"
#include "reports/format.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

// The directories that hold a model.onnx, in the order of their names.
std::vector<fs::path> test_directories(const std::vector<fs::path>& roots) {
  std::vector<fs::path> tests;
  for (const fs::path& root : roots) {
    std::error_code unreadable;
    if (!fs::is_directory(root, unreadable)) refuse("'{}' is no directory; name one of ONNX tests", root.string());
    const size_t before = tests.size();
    if (fs::exists(root / "model.onnx")) tests.push_back(root);
    for (fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, unreadable), end;
         !unreadable && at != end; at.increment(unreadable))
      if (at->path().filename() == "model.onnx" && at->path().parent_path() != root)
        tests.push_back(at->path().parent_path());
    if (tests.size() == before)
      refuse("'{}' holds no model.onnx; name a directory of ONNX's backend tests (Debian: libonnx-testdata)",
             root.string());
  }
  std::sort(tests.begin(), tests.end());
  return tests;
}

struct Tally {
  size_t tests = 0, passed = 0, failed = 0, skipped = 0, left = 0;
  double worst = 0;
};

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kNamed = 4;
  const size_t shown = names.size() <= kNamed + 1 ? names.size() : kNamed;
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), " "));
  return shown == names.size() ? text : text + fmt::format(" and {} more", names.size() - shown);
}

class OnnxRun {
 public:
  OnnxRun(Session& session, Journal& journal) : session_(session), journal_(journal) {}

  void run(const fs::path& directory) {
    OnnxTest test;
    test.op = "(no single operator)";
    try {
      test = read_onnx_test(directory);
      add(test, directory, run_onnx_test(session_.registry, session_.references, test));
    } catch (const NotCovered& reason) {
      ++tallies_[test.op].left;
      not_covered_[fmt::format("{}: {}", test.op, reason.what())].push_back(directory.filename());
    }
  }

  void print_result() const {
    Table table{{"operator", "tests", "passed", "failed", "skipped", "error/bound", "not covered"}, {}};
    for (const auto& [op, tally] : tallies_)
      if (tally.tests > 0)
        table.rows.push_back({op, std::to_string(tally.tests), std::to_string(tally.passed),
                              std::to_string(tally.failed), std::to_string(tally.skipped), show_ratio(tally.worst),
                              std::to_string(tally.left)});
    Console& console = session_.console;
    for (const auto& [reason, names] : not_covered_)
      console.line(fmt::format("not covered  {} ({})", reason, some_of(names)));
    for (const auto& [what, count] : notes_)
      console.line(fmt::format("note         {} ({})", what, plural(count, "test")));
    if (!table.rows.empty()) print(console, table);
    console.line(sentence());
  }

  size_t covered() const { return sum(&Tally::tests); }

 private:
  void add(const OnnxTest& test, const fs::path& directory, const OnnxResult& result) {
    Tally& tally = tallies_[test.op];
    ++tally.tests;
    for (const OnnxVerdict& each : result.verdicts) {
      journal_.add(record_of(each, directory));
      if (each.verdict.compared > 0) tally.worst = std::max(tally.worst, each.verdict.worst);
    }
    const auto any = [&](Verdict::Status status) {
      return std::any_of(result.verdicts.begin(), result.verdicts.end(),
                         [&](const OnnxVerdict& each) { return each.verdict.status == status; });
    };
    ++(any(Verdict::Status::kFail) ? tally.failed : any(Verdict::Status::kSkip) ? tally.skipped : tally.passed);
    for (const std::string& what : result.notes) ++notes_[fmt::format("{}: {}", test.op, what)];
  }

  Record record_of(const OnnxVerdict& each, const fs::path& directory) const {
    const Oracle oracle{.name = "onnx",
                        .question = "does ONNX's stored output agree?",
                        .asks = Oracle::Asks::kReference,
                        .applies = is_forward_pass,
                        .run = {}};
    const Operation& operation = session_.registry.find(each.c.spec->name);
    const Task task{
        &operation, &session_.references.at(each.c.spec->name), nullptr, &oracle, each.c, Pass::forward(), "given", 0};
    Record record = check_record(task, each.verdict, each.seconds);
    record.erase("seed");
    record["impl"] = each.implementation;
    record["repro"] = fmt::format("./gradproof onnx '{}'", directory.string());
    return record;
  }

  size_t sum(size_t Tally::*count) const {
    size_t total = 0;
    for (const auto& [op, tally] : tallies_) total += tally.*count;
    return total;
  }

  std::string sentence() const {
    return fmt::format("{} covered, in both forms: {} passed, {} failed, {} skipped; {} not covered",
                       plural(covered(), "test"), sum(&Tally::passed), sum(&Tally::failed), sum(&Tally::skipped),
                       sum(&Tally::left));
  }

  Session& session_;
  Journal& journal_;
  std::map<std::string, Tally> tallies_;
  std::map<std::string, std::vector<std::string>> not_covered_;
  std::map<std::string, size_t> notes_;
};

}  // namespace

ExitCode run_onnx(const OnnxCommand& command, Session& session) {
  Outputs outputs;
  outputs.announce(command.records);
  const std::vector<fs::path> directories = test_directories(command.directories);
  Journal journal(session.console);
  record_environment(journal);
  OnnxRun run(session, journal);
  double done = 0;
  for (const fs::path& directory : directories) {
    session.console.progress(done++ / static_cast<double>(directories.size()), directory.filename().string());
    run.run(directory);
  }
  session.console.clear_progress();
  outputs.write(command.records, journal.lines());
  run.print_result();
  return judge(journal.records());
}

}  // namespace gradproof
