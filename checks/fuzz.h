// Fuzz: cases drawn at random, put to the oracles until the time is over; what fails is made small.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checks/draw.h"
#include "checks/shard.h"
#include "checks/task.h"

namespace gradproof {

struct FuzzOptions {
  std::vector<const Operation*> operations;  // each in its turn
  std::string implementation{};              // as CheckOptions
  std::vector<std::string> oracles{};        // empty: all that are quick
  std::uint64_t seed = 1;
  // Drawings are numbered from 0 on, for each seed and shard: a run that ended at some number goes on from there.
  Index first = 0;
  Shard shard{};        // which share no drawing
  double seconds = 60;  // no new drawings after that
  Index draws = 0;      // no more than these; 0: as many as there is time for
  int jobs = 0;         // worker processes; 0: one a core
};

// Something that failed: the "check" record of the smallest case that still does, and the case on which it was met.
using FuzzFound = std::function<void(const Record& record, const std::string& first_case)>;

struct FuzzRow {
  std::string operation;
  Index cases = 0;                                 // drawn and checked
  Index proposed = 0, refused = 0, oversized = 0;  // candidates on the way
  Index passed = 0, failed = 0, skipped = 0;       // checks
  double worst = 0;                                // error / bound of those that passed
};

struct FuzzSummary {
  std::vector<FuzzRow> rows;  // in the order of the operations
  Index next = 0;             // where to go on
  Index repeated = 0;         // failures of a kind that was shrunk often enough
};

// Throws UsageError where no operation has the implementation, and for unknown oracles. A drawing, a check or a smaller
// case that crashes or hangs is a finding; the others go on.
FuzzSummary fuzz(const Registry& registry, const References& references, const FuzzOptions& options,
                 const FuzzFound& found, const std::function<void(double fraction, const std::string& what)>& progress);

}  // namespace gradproof
