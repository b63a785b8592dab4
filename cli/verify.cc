// gradproof verify: judges tensors that another program computed, by the truth and the bounds that ours answer to.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "checks/task.h"
#include "cli/journal.h"
#include "cli/outputs.h"
#include "cli/running.h"
#include "cli/subcommands.h"
#include "cli/tensor_files.h"
#include "cli/verification.h"
#include "reports/format.h"

namespace gradproof {
namespace {

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string command_text(const VerifyCommand& command) {
  std::string text = "./gradproof verify " + quoted(command.text);
  for (const std::string& word : command.inputs) text += " --in " + quoted(word);
  for (const std::string& word : command.claims) text += " --got " + quoted(word);
  return command.pass.empty() ? text : text + " --pass " + command.pass;
}

Record record_of(const JudgedTensor& judged, const Operation& operation, const Reference& reference, const Case& c,
                 const VerifyCommand& command) {
  const Oracle oracle{.name = "verify",
                      .question = "is every element of a given tensor within its bound?",
                      .asks = Oracle::Asks::kReference,
                      .applies = any_pass,
                      .run = {}};
  const Task task{&operation, &reference, nullptr, &oracle, c, judged.pass, "given", 0};
  Record record = check_record(task, judged.verdict, judged.seconds);
  record.erase("seed");
  record["impl"] = "given";
  record["repro"] = command_text(command);
  return record;
}

Colour colour_of_judged(const std::vector<std::string>& row) {
  return row.back() == status_text(Verdict::Status::kPass) ? Colour::kPlain : Colour::kBad;
}

void print_verdicts(Console& console, const std::vector<JudgedTensor>& tensors) {
  Table table{{"tensor", "pass", "elements", "compared", "error/bound", "worst element", "expected", "got", "verdict"},
              {},
              colour_of_judged};
  for (const JudgedTensor& tensor : tensors) {
    const Verdict& verdict = tensor.verdict;
    table.rows.push_back({fmt::format("{} {}", tensor.argument, to_text(tensor.type)), tensor.pass.to_text(),
                          std::to_string(tensor.elements), std::to_string(verdict.compared),
                          verdict.compared > 0 ? show_ratio(verdict.worst) : "", verdict.where, verdict.expected,
                          verdict.got, status_text(verdict.status)});
  }
  print(console, table);
}

std::string sentence_of(const std::vector<JudgedTensor>& tensors) {
  const auto passed = static_cast<size_t>(std::count_if(
      tensors.begin(), tensors.end(), [](const JudgedTensor& tensor) { return tensor.verdict.passed(); }));
  const bool sampled = std::any_of(tensors.begin(), tensors.end(), [](const JudgedTensor& tensor) {
    return tensor.verdict.passed() && tensor.verdict.compared < tensor.elements && tensor.verdict.reason.empty();
  });
  const char* which = sampled ? "every compared element" : "every element";
  if (passed == tensors.size()) return fmt::format("{}: {} is within its bound", plural(passed, "tensor"), which);
  return fmt::format("{} of {} not shown to be within bounds", tensors.size() - passed,
                     plural(tensors.size(), "tensor"));
}

}  // namespace

ExitCode run_verify(const VerifyCommand& command, Session& session) {
  const Case c = session.registry.parse_case(command.text);
  const Operation& operation = session.registry.find(c.spec->name);
  const Reference& reference = session.references.at(c.spec->name);
  const VerificationOptions options{command.pass, command.seconds};
  require_judgeable(c);
  Outputs outputs;
  outputs.announce(command.records);
  const NamedArrays claims = read_tensors("--got", command.claims, c, written_arguments(c, options));
  const NamedArrays inputs = read_tensors("--in", command.inputs, c, free_arguments(c));
  Journal journal(session.console);
  record_environment(journal);
  const std::vector<JudgedTensor> tensors =
      verify_tensors(operation, reference, c, options, inputs, claims,
                     [&](double fraction, const std::string& what) { session.console.progress(fraction, what); });
  session.console.clear_progress();
  for (const JudgedTensor& tensor : tensors) {
    journal.add(record_of(tensor, operation, reference, c, command));
    if (!tensor.verdict.failed() && !tensor.verdict.reason.empty())
      session.console.line(fmt::format("{}: {}", tensor.argument, tensor.verdict.reason));
  }
  outputs.write(command.records, journal.lines());
  print_verdicts(session.console, tensors);
  session.console.line(sentence_of(tensors));
  const bool held =
      std::all_of(tensors.begin(), tensors.end(), [](const JudgedTensor& tensor) { return tensor.verdict.passed(); });
  return held ? kHeld : kFailed;
}

}  // namespace gradproof
