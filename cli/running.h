// The long work of check, bench and run, with progress on the console and records in a journal.
#pragma once

#include <string>
#include <vector>

#include "bench/shapes.h"
#include "checks/task.h"
#include "cli/command.h"
#include "cli/journal.h"

namespace gradproof {

// What the user wants to be timed.
struct BenchWish {
  std::vector<std::string> words;            // of Selection; none: every layer of `sizes`
  std::string sizes = "standard";            // a list that the program carries, or a file
  std::vector<std::string> implementations;  // none: the bench's choice
  int threads = 0;                           // 0: the bench's choice
  std::vector<std::string> benchmark_flags;  // --benchmark_...
};

// The cases given, and the layers that the patterns take. Throws UsageError when there are none.
std::vector<Layer> chosen_layers(const BenchWish& wish, const Registry& registry);

// The first record of every run: what ran where.
void record_environment(Journal& journal);

// Throw UsageError before the work when nothing is chosen.
void check_into(Journal& journal, const CheckOptions& options, Session& session);
// The planted bugs of the operations that the words name, by themselves or in a case, in `jobs` processes (0: one a
// core): is the harness able to see?
// What the oracles ask, for reports.
void record_oracles(Journal& journal);
void self_into(Journal& journal, const CheckOptions& options, Session& session);
void bench_into(Journal& journal, const BenchWish& wish, Session& session);

}  // namespace gradproof
