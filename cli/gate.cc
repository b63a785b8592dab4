// gradproof gate: has anything become slower or less exact, from one build to another.
#include <sched.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/calibration_file.h"
#include "cli/gate_exactness.h"
#include "cli/gate_plan.h"
#include "cli/gate_tables.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "gate/copied_program.h"
#include "gate/exact/code.h"
#include "gate/gate_record.h"
#include "ops/core/atomic_file.h"
#include "ops/core/error.h"
#include "reports/report.h"

namespace gradproof {
namespace {

// The last core that this process may use: the first ones serve the system's interrupts.
int chosen_core(const GateCommand& command) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  if (command.core >= CPU_SETSIZE || (command.core >= 0 && !CPU_ISSET(command.core, &cores)))
    refuse("--core {} is none that this process may run on; nproc counts them, and the first is 0", command.core);
  if (command.core >= 0) return command.core;
  for (int core = CPU_SETSIZE - 1; core > 0; --core)
    if (CPU_ISSET(core, &cores)) return core;
  return 0;
}

// The gate itself keeps off the core that it watches, where there is another.
void leave_core(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  CPU_CLR(core, &cores);
  if (CPU_COUNT(&cores) > 0) sched_setaffinity(0, sizeof cores, &cores);
}

GateRules rules_of(const GateCommand& command) {
  GateRules rules;
  rules.delta = command.delta / 100;
  rules.short_delta = std::max(rules.short_delta, rules.delta);
  rules.minutes = command.minutes;
  if (command.quick) {
    rules.screening = {3, 2};
    rules.confirmation = {12, 3};
    rules.recurrence = {3, 3, true};
    rules.controls = 8;
  }
  return rules;
}

ExitCode exit_code_of(const ContestantError& error) {
  switch (error.kind) {
    case ContestantError::Kind::kMissing:
      return kUsage;
    case ContestantError::Kind::kOlder:
      return kOlder;
    case ContestantError::Kind::kMismatched:
      return kNotComparable;
    case ContestantError::Kind::kCrashed:
      return kCrashed;
    case ContestantError::Kind::kHung:
      return kHung;
  }
  return kInternal;
}

// Whether an operation's kernels are the same code in both programs. They are read when first asked about.
class CodeQuestion {
 public:
  CodeQuestion(std::filesystem::path baseline, std::filesystem::path candidate, const Registry& registry)
      : baseline_(std::move(baseline)), candidate_(std::move(candidate)), registry_(registry) {}

  bool is_same(const std::string& op) {
    if (!indexes_) indexes_.emplace(CodeIndex(baseline_), CodeIndex(candidate_));
    return same_code(indexes_->first, indexes_->second, op, registry_.find(op).spec.family);
  }

 private:
  std::filesystem::path baseline_, candidate_;
  const Registry& registry_;
  std::optional<std::pair<CodeIndex, CodeIndex>> indexes_;
};

// Runs that are planned and programs that have answered.
struct Setting {
  const GateCommand& command;
  Outputs& outputs;
  std::filesystem::path baseline, candidate;
  std::optional<ExactnessFile> reviewed;
  GateRules rules;
  GatePlan plan;
  Arena arena;
};

ExitCode calibrate_gate(Setting& setting, Session& session) {
  const GateCommand& command = setting.command;
  const Calibration calibration =
      calibrate(setting.arena, setting.plan.cases, setting.rules,
                {.quiet_runs = command.runs, .planted_runs = std::max(1, command.runs / 5), .seed = command.seed},
                {.progress = [&](double part, const std::string& what) { session.console.progress(part, what); },
                 .after_run =
                     [&](const Calibration& so_far) {
                       if (!command.records.empty())
                         write_file(command.records, line_of(calibration_record(so_far)) + "\n");
                     }});
  keep_calibration(calibration);
  setting.outputs.write(command.records, line_of(calibration_record(calibration)) + "\n");
  session.console.line(fmt::format("{}; {} runs invalid; noise of a launch {:.2f}%; {:.0f} s; kept in {}.",
                                   calibration.to_text(), calibration.invalid, 100 * calibration.noise,
                                   calibration.seconds, calibration_file().string()));
  return kHeld;
}

GateResult run_valid_trial(Setting& setting, Session& session) {
  CodeQuestion code(setting.baseline, setting.candidate, session.registry);
  TrialHooks hooks;
  hooks.progress = [&](double part, const std::string& what) { session.console.progress(part, what); };
  if (setting.command.plant.empty()) hooks.same_code = [&](const std::string& op) { return code.is_same(op); };
  GateResult result = run_trial(setting.arena, setting.plan.cases, setting.rules, hooks);
  if (result.verdict != GateVerdict::kInvalid) return result;
  session.console.line(result.reason + "; once more.");
  return run_trial(setting.arena, setting.plan.cases, setting.rules, hooks);
}

// The operations that the user chose; none where all are meant.
std::set<std::string> chosen_operations(const Setting& setting) {
  std::set<std::string> ops;
  if (setting.command.wish.words.empty()) return ops;
  for (const GateCase& c : setting.plan.cases) ops.insert(c.op);
  return ops;
}

ExitCode compare(Setting& setting, Session& session) {
  const GateCommand& command = setting.command;
  std::optional<ExactnessComparison> exactness;
  if (setting.reviewed) exactness = judge_exactness(setting.candidate, *setting.reviewed, chosen_operations(setting));
  GateResult result = run_valid_trial(setting, session);
  if (exactness) apply_exactness(result, *exactness);
  const std::optional<Calibration> calibration = latest_calibration(result.candidate.processor);

  std::string lines = result.candidate.line + "\n";
  if (exactness) lines += exactness_lines(*exactness);
  for (const Record& record : gate_records(result, calibration)) lines += line_of(record) + "\n";
  Records records;
  parse_records(lines, "the records of this gate", records);
  setting.outputs.write(command.records, lines);
  if (!command.markdown.empty()) setting.outputs.write(command.markdown, render_gate_markdown(records));
  if (!command.junit.empty()) setting.outputs.write(command.junit, render_gate_junit(records));
  if (!command.html.empty()) setting.outputs.write(command.html, render_html(records));

  print_rows(session.console, result);
  if (exactness) print_exactness(session.console, *exactness);
  print_verdict(session.console, result, calibration);
  return static_cast<ExitCode>(exit_code_of(result.verdict, command.strict));
}

ExitCode run_setting(const GateCommand& command, Session& session) {
  const std::filesystem::path candidate =
      command.candidate.empty() ? std::filesystem::read_symlink("/proc/self/exe") : command.candidate;
  const std::filesystem::path baseline = command.baseline.empty() ? candidate : command.baseline;
  Outputs outputs;
  for (const auto& path : {command.records, command.markdown, command.junit, command.html}) outputs.announce(path);
  const int core = chosen_core(command);
  leave_core(core);
  // Both are greeted before anything is planned: what cannot be compared shows at once.
  const ProgramFacts before = Contestant(baseline, "baseline", {core}).facts();
  const ProgramFacts now = Contestant(candidate, "candidate", {core}).facts();
  if (!command.allow_mismatch) require_comparable(before, now);
  const CopiedProgram copy(baseline);
  const GateRules rules = rules_of(command);
  Setting setting{command,
                  outputs,
                  baseline,
                  candidate,
                  reviewed_exactness(command),
                  rules,
                  plan_gate(command, rules, session.registry),
                  Arena({baseline, candidate, copy.path()}, core, command.seed)};
  if (command.bless) return bless(command, candidate, chosen_operations(setting), session);
  print_plan(session.console, setting.plan, rules, core, latest_calibration(now.processor));
  return command.calibrate ? calibrate_gate(setting, session) : compare(setting, session);
}

}  // namespace

ExitCode run_gate(const GateCommand& command, Session& session) {
  if (command.baseline.empty() && !command.calibrate && !command.bless)
    refuse(
        "there is nothing to compare with; give --baseline PROGRAM, or ./gradproof gate --against REF in the source "
        "tree");
  if (command.bless && command.reason.empty()) refuse("--bless needs --reason \"...\": why the new errors are right");
  try {
    return run_setting(command, session);
  } catch (const ContestantError& error) {
    session.console.clear_progress();
    fmt::print(stderr, "gradproof: {}\n", error.what());
    return exit_code_of(error);
  }
}

}  // namespace gradproof
