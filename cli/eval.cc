// gradproof eval: runs one case on given or seeded numbers and writes every tensor as .npy.
#include <fmt/format.h>

#include "cli/evaluation.h"
#include "cli/outputs.h"
#include "cli/subcommands.h"
#include "cli/tensor_files.h"

namespace gradproof {
ExitCode run_eval(const EvalCommand& command, Session& session) {
  const Case c = session.registry.parse_case(command.text);
  const bool by_reference = command.implementation == "reference";
  const Implementation* implementation =
      by_reference ? nullptr : &session.registry.find(c.spec->name).implementation(command.implementation);
  const NamedArrays inputs =
      complete_inputs(c, read_tensors("--in", command.inputs, c, free_arguments(c)), command.seed, by_reference);
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
