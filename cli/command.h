// What every subcommand works on, and what it ends with.
#pragma once

#include <cstdint>

#include "cli/console.h"
#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

// What the process ends with (docs/architecture.md, "Command line").
enum ExitCode {
  kHeld = 0,
  kFailed = 1,
  // The gate's: its verdicts are in gate/verdict.h.
  kNotComparable = 30,
  kOlder = 31,    // a program without the gate's protocol
  kCrashed = 41,  // a program that is compared
  kHung = 42,
  kUsage = 64,
  kInternal = 70
};

// The seed of a run that names none.
inline constexpr std::uint64_t kDefaultSeed = 1;

struct Session {
  const Registry& registry;
  const References& references;
  Console& console;
};

}  // namespace gradproof
