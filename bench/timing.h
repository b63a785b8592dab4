// Timings: Google Benchmark over layers, each verified at the very size that is timed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/shapes.h"
#include "ops/core/record.h"
#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

struct BenchOptions {
  std::vector<Layer> layers;
  // Names or globs. Empty: all but those that force an instruction set ("simd@avx2") or leave out reorders
  // ("onednn-blocked").
  std::vector<std::string> implementations;
  std::vector<int> threads;   // empty: 1 and as many as there are cores
  int repetitions = 7;        // samples a row, each the mean over ...
  double min_seconds = 0.01;  // ... as many runs as take this long, but one at least
  std::uint64_t seed = 1;
  bool level_roofs = true;  // measure what each cache and memory give, for the report: 1 to 3 s
  // Flags of Google Benchmark, such as "--benchmark_filter=conv1.*threads:1" or "--benchmark_out=FILE". They override
  // the two above. Single samples are always kept.
  std::vector<std::string> benchmark_flags;
};

// Rows by what became of them.
struct BenchSummary {
  int measured = 0;
  int refused = 0;     // not verified at this size: not timed
  int skipped = 0;     // not supported
  int above_roof = 0;  // measured, and faster than the roof in spite of measuring that again: a fault of the harness
};

// A row: a pass of a layer by an implementation on a number of threads. Its name, which --benchmark_filter matches, is
// "<layer or case text>/<pass>/<implementation>/threads:<N>".
std::vector<std::string> benchmark_names(const Registry& registry, const BenchOptions& options);

// Times every row: verifies it, warms up, times repetitions, and holds each against the roof that applies, measured
// beside it (docs/decisions/0027-roofs-beside.md). The repetitions of rows that differ in nothing but the
// implementation alternate, in random order: times taken one after the other were up to 38% apart for the same work.
// Gives `emit` a "timing" record as each row is done and the "roof" records at the end. Throws UsageError for a flag
// that Google Benchmark does not know, for an implementation that no operation has, and when there is no row at all:
// nothing measured is never a success. Not reentrant: Google Benchmark is a global.
BenchSummary run_benchmarks(const Registry& registry, const References& references, const BenchOptions& options,
                            const std::function<void(const Record&)>& emit);

}  // namespace gradproof
