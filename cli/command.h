// The subcommands: each adds itself and its options to the command line and, when chosen, leaves what is to be run.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/console.h"
#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

// What the process ends with (docs/architecture.md, "Command line").
enum ExitCode { kHeld = 0, kFailed = 1, kUsage = 64, kInternal = 70 };

// The seed of a run that names none.
inline constexpr std::uint64_t kDefaultSeed = 1;

// What every subcommand works on.
struct Session {
  const Registry& registry;
  const References& references;
  Console& console;
};

// Set by the subcommand that the user chose. It throws UsageError or ReportError for what the user can mend.
using Action = std::function<ExitCode(Session&)>;

void offer_list(CLI::App& app, Action& chosen);
void offer_check(CLI::App& app, Action& chosen);
void offer_bench(CLI::App& app, Action& chosen);
void offer_report(CLI::App& app, Action& chosen);
void offer_eval(CLI::App& app, Action& chosen);
void offer_run(CLI::App& app, Action& chosen);
void offer_test(CLI::App& app, Action& chosen);

// A subcommand whose options live as long as the command line does: options(*sub, values) declares them,
// action(values, session) runs them.
template <class Options, class Declare>
void offer(CLI::App& app, Action& chosen, const char* name, const char* summary, Declare declare,
           ExitCode (*action)(const Options&, Session&)) {
  CLI::App* sub = app.add_subcommand(name, summary);
  auto options = std::make_shared<Options>();
  declare(*sub, *options);
  sub->callback([&chosen, options, action] {
    chosen = [options, action](Session& session) { return action(*options, session); };
  });
}

}  // namespace gradproof
