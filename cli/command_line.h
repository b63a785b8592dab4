// The command line: words to the subcommand that they choose, with its options.
#pragma once

#include <functional>

#include "cli/command.h"

namespace gradproof {

using Action = std::function<ExitCode(Session&)>;

// The chosen subcommand, ready to run; empty when help was asked for, which is printed at once. Throws UsageError for
// words that make no sense, and never runs anything.
Action read_command_line(int argc, const char* const* argv);

}  // namespace gradproof
