// gradproof serve: the timed end of the gate, for the gate to talk to.
#include "bench/serve.h"

#include <unistd.h>

#include "cli/subcommands.h"

namespace gradproof {

ExitCode run_serve(const ServeCommand&, Session& session) {
  serve(session.registry, session.references, STDIN_FILENO, STDOUT_FILENO);
  return kHeld;
}

}  // namespace gradproof
