// The only file that sees CLI11, whose templates take 10 s to compile wherever they are used.
#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "cli/subcommands.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

void declare(CLI::App& sub, RunCommand& command) {
  sub.add_option("PATTERN|CASE", command.wish.words,
                 "operations, families, patterns over them or over case texts, or cases; everything without");
  sub.add_option("--out", command.directory, "directory for records.jsonl, report.html and report.md")
      ->capture_default_str();
  sub.add_option("--sizes", command.wish.sizes, "what to time: smoke, standard or a file of layers")
      ->capture_default_str();
}

void declare(CLI::App& sub, CheckCommand& command) {
  const std::map<std::string, CheckTier> tiers{
      {"smoke", CheckTier::kSmoke}, {"full", CheckTier::kFull}, {"bench", CheckTier::kBench}};
  sub.add_option(
      "PATTERN|CASE", command.options.patterns,
      "operations, families, patterns over them or over case texts (conv:*g=2*), or cases; everything without");
  sub.add_option("--tier", command.options.tier, "smoke, full or bench: which cases (default full)")
      ->transform(CLI::CheckedTransformer(tiers));
  sub.add_option("--impl", command.options.implementation, "one implementation, or a pattern");
  sub.add_option("--oracle", command.options.oracles, "oracles, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub.add_option("--seed", command.options.seed, "of every input value")->capture_default_str();
  sub.add_option("--jobs", command.options.jobs, "checks at a time (default: one a core)")->check(CLI::Range(1, 1024));
  sub.add_option("--cases", command.cases, "check the cases in this file, one a line, as fuzz --save writes it");
  sub.add_option("--shard", command.shard,
                 "I/N: this one of N runs that share the cases; auto: as MPI, Slurm or"
                 " GoogleTest's variables say")
      ->capture_default_str();
  sub.add_flag("--self", command.self, "try the planted bugs instead: the harness must catch every one");
  sub.add_option("--records", command.records, "write the records, JSON Lines");
  sub.add_option("--junit", command.junit, "write JUnit XML");
}

void declare(CLI::App& sub, FuzzCommand& command) {
  sub.add_option("PATTERN", command.patterns, "operations or families, with * and ?; all without");
  CLI::Option* minutes = sub.add_option("--minutes", command.minutes, "no new drawings after that")
                             ->check(CLI::Range(0.0, 100000.0))
                             ->capture_default_str();
  sub.add_option("--seconds", command.seconds, "the same in seconds; with --minutes, both together")
      ->check(CLI::Range(0.0, 1e7));
  sub.add_option("--seed", command.seed, "of every drawing")->capture_default_str();
  sub.add_option("--from", command.from, "go on with this drawing; a run ends by naming the next one")
      ->check(CLI::Range(Index(0), Index(1) << 53));
  sub.add_option("--draws", command.draws, "no more drawings than these")->check(CLI::Range(Index(1), Index(1) << 53));
  sub.add_option("--shard", command.shard, "I/N or auto: this one of N runs that share the drawings of a seed")
      ->capture_default_str();
  sub.add_option("--impl", command.implementation, "one implementation, or a pattern");
  sub.add_option("--oracle", command.oracles, "oracles, separated by commas (default: the quick ones)")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub.add_option("--jobs", command.jobs, "checks at a time (default: one a core)")->check(CLI::Range(1, 1024));
  sub.add_option("--save", command.save, "add what fails to this file, for check --cases");
  sub.add_option("--records", command.records, "write the records of what fails, JSON Lines");
  sub.parse_complete_callback([&sub, &command, minutes] {
    if (minutes->empty() && !sub.get_option("--seconds")->empty()) command.minutes = 0;
  });
}

void declare(CLI::App& sub, MutateCommand& command) {
  sub.add_option("PATTERN", command.patterns,
                 "names of planted bugs (conv.*), or operations that they concern, with * and ?; all without");
  sub.add_flag("--list", command.list, "name them and say what is wrong, and try none");
  sub.add_option("--seed", command.seed, "of every input value")->capture_default_str();
  sub.add_option("--jobs", command.jobs, "trials at a time (default: one a core)")->check(CLI::Range(1, 1024));
  sub.add_option("--records", command.records, "write the records, JSON Lines");
  sub.add_option("--junit", command.junit, "write JUnit XML");
}

void declare(CLI::App& sub, BenchCommand& command) {
  sub.add_option("PATTERN|CASE", command.wish.words,
                 "operations, families, patterns over them or over case texts, or cases; all layers without");
  sub.add_option("--sizes", command.wish.sizes, "smoke, standard or a file of layers")->capture_default_str();
  sub.add_option("--impl", command.wish.implementations, "implementations, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false);
  sub.add_option("--threads", command.wish.threads, "threads of each kernel (default: 1 and all cores)")
      ->check(CLI::Range(1, 1024));
  sub.add_option("--records", command.records, "write the records, JSON Lines");
  sub.footer("Flags of Google Benchmark (--benchmark_filter=..., --benchmark_out=FILE) are handed on.");
  sub.allow_extras();
  sub.parse_complete_callback([&sub, &command] {
    command.wish.benchmark_flags = sub.remaining();
    for (const std::string& flag : command.wish.benchmark_flags)
      if (!flag.starts_with("--benchmark_")) throw CLI::ExtrasError({flag});
  });
}

void declare(CLI::App& sub, GateCommand& command) {
  sub.add_option("PATTERN|CASE", command.wish.words,
                 "what to watch: operations, families, patterns over them or over case texts, or cases");
  sub.add_option("--sizes", command.wish.sizes, "smoke, standard or a file of layers")->capture_default_str();
  sub.add_option("--baseline", command.baseline, "the gradproof program to compare with");
  sub.add_option("--candidate", command.candidate, "the one to judge (default: this one)");
  sub.add_option("--delta", command.delta, "a slowdown up to this many percent is none")
      ->check(CLI::Range(0.1, 100.0))
      ->capture_default_str();
  sub.add_option("--minutes", command.minutes, "take no longer, about")
      ->check(CLI::Range(0.05, 600.0))
      ->capture_default_str();
  sub.add_flag("--quick", command.quick, "fewer launches and controls: quicker, and less power");
  sub.add_flag("--strict", command.strict, "what stays undecided is an error, too (exit code 20)");
  sub.add_flag("--allow-mismatch", command.allow_mismatch, "compare programs that were built differently");
  sub.add_option("--core", command.core, "run both on this core (default: the last)")->check(CLI::Range(0, 4095));
  sub.add_option("--seed", command.seed, "of the values and of the order")->capture_default_str();
  sub.add_option("--plant", command.plant,
                 "PERCENT%:PATTERN: slow rows of the candidate down, to see the gate find it");
  sub.add_flag("--calibrate", command.calibrate, "measure how often the gate is wrong on this machine");
  sub.add_option("--runs", command.runs, "of a calibration with nothing planted; a fifth as many for each slowdown")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  sub.add_option("--exactness", command.exactness,
                 "the reviewed file of errors (default: reports/baseline/exactness.txt where there is one)");
  sub.add_flag("--bless", command.bless, "make what is computed now that file, instead of comparing");
  sub.add_option("--reason", command.reason, "why, in one line: it is kept in the file");
  sub.add_option("--records", command.records, "write the records, JSON Lines");
  sub.add_option("--markdown", command.markdown, "write a comment for a pull request");
  sub.add_option("--junit", command.junit, "write JUnit XML");
  sub.add_option("--html", command.html, "write the report");
}

void declare(CLI::App& sub, ServeCommand&) {
  sub.footer("Speaks the protocol of gate/protocol.md on standard input and output.");
}

void declare(CLI::App& sub, ReportCommand& command) {
  sub.add_option("RECORDS", command.records, "files of JSON Lines")->required();
  sub.add_option("--html", command.html, "one self-contained page");
  sub.add_option("--markdown", command.markdown, "short enough for a review comment");
  sub.add_option("--csv", command.csv, "every record");
}

void declare(CLI::App& sub, ListCommand& command) {
  sub.add_option("PATTERN", command.patterns, "operations or families, with * and ?; all without");
  sub.add_flag("--json", command.json, "one JSON array");
}

void declare(CLI::App& sub, EvalCommand& command) {
  sub.add_option("CASE", command.text, "for instance conv:mb=1,ic=3,i=8,oc=4,k=3")->required();
  sub.add_option("--impl", command.implementation, "implementation, or 'reference' (float64)")->capture_default_str();
  sub.add_option("--in", command.inputs, "SLOT=FILE.npy: an input or the cotangent diff_dst; the rest is seeded")
      ->allow_extra_args(false);
  sub.add_option("--out", command.directory, "directory for one .npy a slot")->required();
  sub.add_option("--seed", command.seed, "of the slots not given")->capture_default_str();
  sub.add_option("--threads", command.threads, "threads of the implementation")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

void declare(CLI::App& sub, VerifyCommand& command) {
  sub.add_option("CASE", command.text, "for instance linear:mb=4,ic=3,oc=2")->required();
  sub.add_option("--in", command.inputs, "SLOT=FILE.npy: what was computed from, cotangents (diff_dst) included")
      ->allow_extra_args(false);
  sub.add_option("--got", command.claims, "SLOT=FILE.npy: what another program computed (dst, diff_src, ...)")
      ->required()
      ->allow_extra_args(false);
  sub.add_option("--pass", command.pass, "forward, vjp:SLOT or vjp (default: whichever writes the slot)");
  sub.add_option("--seconds", command.seconds, "compare no longer than this for each tensor")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  sub.add_option("--records", command.records, "write the records, JSON Lines");
}

void declare(CLI::App& sub, OnnxCommand& command) {
  sub.add_option("DIR", command.directories, "backend tests of ONNX, or directories that hold them")->required();
  sub.add_option("--records", command.records, "write the records, JSON Lines");
}

// A subcommand whose options live as long as the command line does.
template <class Command>
void offer(CLI::App& app, Action& chosen, const char* name, const char* summary,
           ExitCode (*run)(const Command&, Session&)) {
  CLI::App* sub = app.add_subcommand(name, summary);
  auto command = std::make_shared<Command>();
  declare(*sub, *command);
  sub->callback(
      [&chosen, command, run] { chosen = [command, run](Session& session) { return run(*command, session); }; });
}

// gradproof test belongs to the launcher: it builds the tests and runs ctest.
void offer_test(CLI::App& app, Action& chosen) {
  CLI::App* sub = app.add_subcommand("test", "The project's own test suite (through the launcher)");
  sub->allow_extras();
  sub->callback([&chosen] {
    chosen = [](Session&) -> ExitCode {
      refuse("the tests are built and run by the launcher in the source tree; run ./gradproof test there");
    };
  });
}

void declare(CLI::App& app, Action& chosen) {
  app.name("gradproof");
  app.description("Is the gradient right, how exact is it, how fast is it: verifies and times neural-network kernels.");
  app.footer(
      "Exit codes: 0 all held; 1 a check failed; 10 slower; 11 less exact; 12 a trade; 20 undecided (--strict);\n"
      "30 not comparable, 31 older, 40 invalid, 41 crashed, 42 hung; 64 usage or bad input; 70 internal fault.\n"
      "A case is written op:key=value,..., for instance conv:mb=1,ic=3,i=8,oc=4,k=3 (see gradproof list).");
  app.require_subcommand(1);
  offer(app, chosen, "run", "Check, measure and report: the main job", run_all);
  offer(app, chosen, "check", "Check gradients against the truth", run_check);
  offer(app, chosen, "fuzz", "Check cases drawn at random, until the time is over", run_fuzz);
  offer(app, chosen, "mutate", "Plant bugs into the kernels: is every one noticed", run_mutate);
  offer(app, chosen, "bench", "Time what was verified at the very size", run_bench);
  offer(app, chosen, "gate", "Has anything become slower, from one build to another", run_gate);
  offer(app, chosen, "report", "Turn records into a page, a table or a comment", run_report);
  offer(app, chosen, "list", "Operations, passes, implementations, oracles, case counts", run_list);
  offer(app, chosen, "eval", "Run one case on given tensors and write .npy", run_eval);
  offer(app, chosen, "verify", "Judge tensors that another program computed", run_verify);
  offer(app, chosen, "onnx", "Run the backend tests of ONNX on our operations", run_onnx);
  offer(app, chosen, "serve", "Time rows for a gate that asks (not for people)", run_serve);
  offer_test(app, chosen);
}

std::string subcommand_names(const CLI::App& app) {
  std::string names;
  for (const CLI::App* sub : app.get_subcommands(nullptr)) names += (names.empty() ? "" : " ") + sub->get_name();
  return names;
}

// CLI11 puts every unexpected argument into one line, but may break lines; and its sentences do not say what is right.
[[noreturn]] void refuse_words(const CLI::App& app, const CLI::ParseError& error, std::string_view first_word) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty() && !first_word.empty())
    refuse("unknown subcommand '{}'; there are {}", first_word, subcommand_names(app));
  std::string sentence = error.what();
  sentence = sentence.substr(0, sentence.find('\n'));
  while (!sentence.empty() && (sentence.back() == '.' || sentence.back() == ' ')) sentence.pop_back();
  refuse("{}; see gradproof {}--help", sentence, chosen.empty() ? std::string() : chosen.front()->get_name() + " ");
}

}  // namespace

Action read_command_line(int argc, const char* const* argv) {
  CLI::App app;
  Action chosen;
  declare(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    app.exit(help);
    return {};
  } catch (const CLI::ParseError& error) {
    refuse_words(app, error, argc > 1 ? argv[1] : "");
  }
  return chosen;
}

}  // namespace gradproof
