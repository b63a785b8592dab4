// The half of the gate that needs no clock: errors against the reviewed file.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "cli/console.h"
#include "cli/subcommands.h"
#include "gate/exact/exactness.h"
#include "gate/trial.h"

namespace gradproof {

// The file that the command names, or the reviewed one of the source tree it is run in; nothing where there is none.
// Throws UsageError where the file is of no use.
std::optional<ExactnessFile> reviewed_exactness(const GateCommand& command);

// Has the candidate check its kernels on every instruction set, smoke tier, and compares. `ops` are those to ask for;
// all when empty. Throws UsageError where the candidate's checks are of no use.
ExactnessComparison judge_exactness(const std::filesystem::path& candidate, const ExactnessFile& reviewed,
                                    const std::set<std::string>& ops);

// Makes what the candidate computes now the reviewed file.
ExitCode bless(const GateCommand& command, const std::filesystem::path& candidate, const std::set<std::string>& ops,
               Session& session);

// The verdicts that follow: TRADE where time and exactness disagree, LESS_EXACT where only errors have grown.
void apply_exactness(GateResult& result, const ExactnessComparison& comparison);

void print_exactness(Console& console, const ExactnessComparison& comparison);

// "exactness" records, one a change.
std::string exactness_lines(const ExactnessComparison& comparison);

}  // namespace gradproof
