// gradproof eval: runs one case on given or seeded numbers and writes every tensor as .npy.
#include "cli/command.h"
#include "cli/evaluation.h"
#include "cli/outputs.h"
#include "ops/core/error.h"
#include "ops/core/seeded.h"

namespace gradproof {
namespace {

struct EvalOptions {
  std::string text;
  std::string implementation = "simd";
  std::vector<std::string> inputs;
  std::filesystem::path directory;
  std::uint64_t seed = kDefaultSeed;
  int threads = 1;
};

NamedArrays read_inputs(const std::vector<std::string>& words) {
  NamedArrays given;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      refuse("--in {}: write SLOT=FILE.npy, for instance --in src=image.npy", word);
    const std::string slot = word.substr(0, equals);
    if (!given.emplace(slot, read_npy(word.substr(equals + 1))).second)
      refuse("--in {} is given twice; give it once", slot);
  }
  return given;
}

ExitCode run_eval(const EvalOptions& options, Session& session) {
  const Case c = session.registry.parse_case(options.text);
  const bool by_reference = options.implementation == "reference";
  const Implementation* implementation =
      by_reference ? nullptr : &session.registry.find(c.spec->name).implementation(options.implementation);
  const NamedArrays inputs = complete_inputs(c, read_inputs(options.inputs), options.seed, by_reference);
  make_directory(options.directory);
  AtomicFile(options.directory / "dst.npy");  // tries the directory before the work
  NamedArrays results = by_reference ? evaluate_reference(c, session.references.at(c.spec->name), inputs)
                                     : evaluate_implementation(c, *implementation, inputs, options.threads);
  for (const NamedArrays* arrays : {&inputs, static_cast<const NamedArrays*>(&results)}) {
    for (const auto& [name, array] : *arrays) {
      const std::filesystem::path path = options.directory / (name + ".npy");
      write_file(path, npy_text(array));
      session.console.line(fmt::format("{}  {} {}{}", path.string(), to_text(array.type), shape_text(array.shape),
                                       arrays == &inputs ? "  (input)" : ""));
    }
  }
  return kHeld;
}

void declare(CLI::App& sub, EvalOptions& options) {
  sub.add_option("CASE", options.text, "for instance conv:mb=1,ic=3,i=8,oc=4,k=3")->required();
  sub.add_option("--impl", options.implementation, "implementation, or 'reference' (float64)")->capture_default_str();
  sub.add_option("--in", options.inputs, "SLOT=FILE.npy: an input or the cotangent diff_dst; the rest is seeded")
      ->allow_extra_args(false);
  sub.add_option("--out", options.directory, "directory for one .npy a slot")->required();
  sub.add_option("--seed", options.seed, "of the slots not given")->capture_default_str();
  sub.add_option("--threads", options.threads, "threads of the implementation")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

}  // namespace

void offer_eval(CLI::App& app, Action& chosen) {
  offer<EvalOptions>(app, chosen, "eval", "Run one case on given tensors and write .npy", declare, run_eval);
}

}  // namespace gradproof
