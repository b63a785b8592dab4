// Tasks: the single checks that a wish for checking comes down to, each with its record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checks/oracle.h"
#include "checks/property/property.h"
#include "checks/shard.h"
#include "ops/core/record.h"
#include "ops/core/registry.h"

namespace gradproof {

// Which cases. The tiers nest: full contains smoke. `kBench` and a case given in full ask only what suits their size.
enum class CheckTier { kSmoke, kFull, kBench };

struct CheckOptions {
  // An operation's name, a glob over case texts ("conv*", "*:*iw=33*"), or a case text; empty: every operation. A case
  // text (with ':' and without '*') is checked whether or not a tier holds it. Names of properties and of the
  // operations that they are about choose properties.
  std::vector<std::string> patterns{};
  CheckTier tier = CheckTier::kFull;
  std::vector<std::string> bench_cases{};  // case texts of tier kBench, from whoever knows what is benchmarked
  std::string implementation{};            // a name or glob; empty: all of ours
  bool peers = false;                      // without a name: the smoke tier asks other people's implementations too
  std::vector<std::string> oracles{};      // names; empty: all
  std::uint64_t seed = 1;
  int jobs = 0;   // worker processes; 0: one a core
  Shard shard{};  // of the cases and properties
};

// One oracle's question about one pass of one case.
struct Task {
  const Operation* operation = nullptr;
  const Reference* reference = nullptr;            // null for Asks::kSpec
  const Implementation* implementation = nullptr;  // null for Asks::kReference and kSpec
  const Oracle* oracle = nullptr;
  Case c;
  Pass pass;
  std::string tier;  // "smoke", "full", "bench", or "given" for a case that was written out
  std::uint64_t seed = 1;
  const Property* property = nullptr;  // null unless Asks::kProperties
  const Registry* registry = nullptr;
  const References* references = nullptr;

  // What it is about: the case, the operation, or the property.
  std::string subject_text() const;
  // The command that repeats it.
  std::string repro() const;
  std::string implementation_name() const;  // "reference" or "spec" where there is no implementation
};

// What is to be checked, the tasks of a case next to each other. Throws UsageError for a pattern, an oracle or an
// implementation that matches nothing, for bad case texts, and for a shard to which nothing falls. `oracles`,
// `registry` and `references` must outlive it.
std::vector<Task> plan_tasks(const Registry& registry, const References& references, const std::vector<Oracle>& oracles,
                             const CheckOptions& options);

// Runs it here and now. Whatever it throws becomes a failure; a crash is a crash. Use one memo for neighbouring tasks.
Verdict run_task(const Task& task, Memo& memo);

// "check" record of the schema.
Record check_record(const Task& task, const Verdict& verdict, double seconds);

}  // namespace gradproof
