// Roofs: what this machine reaches here and now, measured by kernels that do nothing else.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "ops/core/buffer.h"
#include "ops/core/record.h"
#include "ops/core/spec.h"

namespace gradproof {

// Mixes of memory traffic, by the share of bytes that are written: 0, 1/3, 1/2, 1.
enum class Traffic { kRead, kTriad, kCopy, kWrite };

// What one run of a pass asks of the machine.
struct Demand {
  std::string isa;  // by Highway's name; one that is not known is held against the best there is
  int threads = 1;
  Cost cost;
  Index working_set = 0;     // bytes that a run must touch
  double written_share = 0;  // of those
};

// The shortest time the measured roofs allow.
struct Limit {
  double ns = 0;
  bool compute = false;  // set by arithmetic, not by memory traffic
};

// Every roof is the best of several medians, and measured again whenever it is asked for and its last measurement is
// older than kRoofLifetime: on a shared machine a roof taken once may be low, and then honest kernels stand above it.
// What a kernel is compared with is measured beside it (limit_now), or a slow minute would look like a slow kernel:
// a Xeon's multiply-adds wandered between 120 and 180 GFLOP/s within seconds.
class Roofs {
 public:
  // GFLOP/s of multiply-adds on registers.
  double fma(const std::string& isa, int threads);

  // GB/s that `threads` threads together move over a working set of that many bytes, split among them. The working set
  // is rounded down to a half octave, and up to what the largest measurable one is: a smaller one is not slower.
  double bandwidth(Traffic traffic, const std::string& isa, int threads, Index working_set);

  // max(flops / fma, bytes / bandwidth). The time a byte takes is interpolated between the two nearest mixes: for units
  // that load, store and wait on memory independently it is piecewise linear in the share written.
  Limit limit(const Demand& demand);

  // The same from roofs as they are at this moment, each a median of three in a few milliseconds.
  Limit limit_now(const Demand& demand);

  // Measures the roofs of `demand` again, however young they are.
  void refresh(const Demand& demand);

  // Measures multiply-adds, for records().
  void measure_fma(const std::string& isa, int threads);
  // Measures multiply-adds and all traffic in each cache and in memory, for records().
  void measure_levels(const std::string& isa, int threads);

  // "roof" records for what the two above were called with, at the best values seen.
  std::vector<Record> records() const;

 private:
  struct Key {
    bool compute;
    Traffic traffic;
    std::string isa;
    int threads;
    Index bytes;
    auto operator<=>(const Key&) const = default;
  };
  struct Measured {
    double best = 0;
    size_t fastest = 0;  // the kernel that reached it
    std::chrono::steady_clock::time_point when{};
  };
  using Rate = double (Roofs::*)(const Key& key);

  double best(const Key& key);
  double now(const Key& key);
  Limit limit(const Demand& demand, Rate rate_of);
  // Of one of the kernels that measure the same roof, in about `budget` nanoseconds.
  double rate(const Key& key, size_t kernel, double budget);
  double fma_rate(const Key& key, size_t kernel, double budget) const;
  double traffic_rate(const Key& key, bool stream, double budget);
  void measure(const Key& key, const char* level);
  float* memory(Index bytes);

  std::map<Key, Measured> measured_;
  std::vector<std::pair<Key, std::string>> levels_;  // the roofs of records(), with their level
  std::chrono::steady_clock::time_point valid_since_{};
  std::optional<Buffer> memory_;
};

}  // namespace gradproof
