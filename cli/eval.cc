// gradproof eval: runs one case on given or seeded numbers and writes every tensor as .npy.
#include <fmt/format.h>

#include "cli/evaluation.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "ops/core/error.h"
#include "ops/core/seeded.h"

namespace gradproof {
namespace {

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

}  // namespace

ExitCode run_eval(const EvalCommand& command, Session& session) {
  const Case c = session.registry.parse_case(command.text);
  const bool by_reference = command.implementation == "reference";
  const Implementation* implementation =
      by_reference ? nullptr : &session.registry.find(c.spec->name).implementation(command.implementation);
  const NamedArrays inputs = complete_inputs(c, read_inputs(command.inputs), command.seed, by_reference);
  make_directory(command.directory);
  AtomicFile(command.directory / "dst.npy");  // tries the directory before the work
  NamedArrays results = by_reference ? evaluate_reference(c, session.references.at(c.spec->name), inputs)
                                     : evaluate_implementation(c, *implementation, inputs, command.threads);
  for (const NamedArrays* arrays : {&inputs, static_cast<const NamedArrays*>(&results)}) {
    for (const auto& [name, array] : *arrays) {
      const std::filesystem::path path = command.directory / (name + ".npy");
      write_file(path, npy_text(array));
      session.console.line(fmt::format("{}  {} {}{}", path.string(), to_text(array.type), shape_text(array.shape),
                                       arrays == &inputs ? "  (input)" : ""));
    }
  }
  return kHeld;
}

}  // namespace gradproof
