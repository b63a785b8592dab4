#include "bench/roof.h"

#include <algorithm>
#include <array>
#include <barrier>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/roof_simd.h"
#include "ops/core/environment.h"

namespace gradproof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRoofLifetime = std::chrono::seconds(5);
constexpr double kThorough = 15e6, kMoment = 0;  // ns to measure for
constexpr Index kMiB = Index{1} << 20;
constexpr std::array kTraffic{Traffic::kRead, Traffic::kTriad, Traffic::kCopy, Traffic::kWrite};
constexpr std::array kShares{0.0, 1.0 / 3, 0.5, 1.0};
constexpr std::array kTrafficNames{"read", "triad", "copy", "write"};

double nanoseconds(Clock::duration time) { return std::chrono::duration<double, std::nano>(time).count(); }

double median_of_3(double a, double b, double c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

// Runs work(thread) on all threads at once, `samples` times; the time of each, from the first start to the last end.
std::vector<double> sample(int threads, int samples, const std::function<void(int)>& work) {
  struct Span {
    Clock::time_point start, end;
  };
  std::vector<std::vector<Span>> spans(static_cast<size_t>(threads), std::vector<Span>(static_cast<size_t>(samples)));
  std::barrier<> together(threads);
  const auto body = [&](int thread) {
    for (Span& span : spans[static_cast<size_t>(thread)]) {
      together.arrive_and_wait();
      span.start = Clock::now();
      work(thread);
      span.end = Clock::now();
    }
  };
  std::vector<std::jthread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(body, thread);
  body(0);
  others.clear();
  std::vector<double> times;
  for (size_t i = 0; i < static_cast<size_t>(samples); ++i) {
    Span all = spans[0][i];
    for (const std::vector<Span>& mine : spans)
      all = {std::min(all.start, mine[i].start), std::max(all.end, mine[i].end)};
    times.push_back(nanoseconds(all.end - all.start));
  }
  return times;
}

// The shortest median of three in about `budget` nanoseconds, but one at least.
double best_time(int threads, double budget, const std::function<void(int)>& work) {
  const double first = sample(threads, 1, work)[0];  // warms up, too
  const int groups = std::clamp(static_cast<int>(budget / (3 * first)), 1, 5);
  const std::vector<double> times = sample(threads, 3 * groups, work);
  double best = median_of_3(times[0], times[1], times[2]);
  for (size_t i = 3; i < times.size(); i += 3) best = std::min(best, median_of_3(times[i], times[i + 1], times[i + 2]));
  return best;
}

// Working sets that lie well within each cache, and one that exceeds them all: of two arrays four times the last-level
// cache each, the rule of STREAM (https://www.cs.virginia.edu/stream/ref.html). With 64 MiB in all, of which the cache
// keeps a part, triads came out 1.2 times as fast (Zen 5). Sizes that the system does not tell are taken small enough
// for any processor with these caches; virtual machines hide last levels of 32 MiB and more.
struct Level {
  const char* name;
  Index bytes;
};
std::array<Level, 4> cache_levels() {
  const CacheSizes& sizes = cache_sizes();
  const Index l1 = sizes.l1d.value_or(Index{32} << 10);
  const Index l2 = sizes.l2.value_or(kMiB / 2);
  const Index l3 = sizes.l3.value_or(8 * kMiB);
  return {{{"l1", l1 / 2},
           {"l2", l2 / 2},
           {"l3", std::min(4 * l2, l3 / 2)},
           {"memory", std::clamp(8 * l3, 256 * kMiB, 1024 * kMiB)}}};
}

// Half octaves, from 8 KiB (below, starting a sweep shows) to the largest level.
Index rung(Index bytes) {
  const Index clamped = std::clamp(bytes, Index{8} << 10, cache_levels().back().bytes);
  return static_cast<Index>(std::exp2(std::floor(2 * std::log2(static_cast<double>(clamped))) / 2));
}

int streams(Traffic traffic) { return traffic == Traffic::kTriad ? 3 : traffic == Traffic::kCopy ? 2 : 1; }

// `a` is followed by the other streams, each `count` floats.
void sweep(const RoofKernels& k, Traffic traffic, bool stream, float* a, Index count, Index sweeps) {
  switch (traffic) {
    case Traffic::kRead:
      return k.read(a, count, sweeps);
    case Traffic::kCopy:
      return (stream ? k.copy_stream : k.copy)(a, a + count, count, sweeps);
    case Traffic::kTriad:
      return (stream ? k.triad_stream : k.triad)(a, a + count, a + 2 * count, count, sweeps);
    case Traffic::kWrite:
      return (stream ? k.write_stream : k.write)(a, count, sweeps);
  }
}

std::string known_isa(const std::string& isa) {
  const std::vector<std::string> isas = roof_isas();
  return std::find(isas.begin(), isas.end(), isa) != isas.end() ? isa : isas.front();
}

}  // namespace

double Roofs::fma_rate(const Key& key, size_t kernel, double budget) const {
  constexpr double kFlops = 4e7;  // 0.2 ms at 200 GFLOP/s
  auto* fma = roof_kernels(key.isa).fma[kernel];
  const auto rounds = static_cast<Index>(kFlops / fma(1));
  const double flops = fma(1) * static_cast<double>(rounds);
  return key.threads * flops / best_time(key.threads, budget, [&](int) { fma(rounds); });
}

double Roofs::traffic_rate(const Key& key, bool stream, double budget) {
  const RoofKernels& kernels = roof_kernels(key.isa);
  const Index share = key.bytes / 4 / streams(key.traffic) / key.threads;
  const Index count = std::max(kRoofGranule, share / kRoofGranule * kRoofGranule);
  const Index bytes = 4 * count * streams(key.traffic);  // of one thread
  const Index sweeps = std::max(Index{1}, 8 * kMiB / key.threads / bytes);
  float* start = memory(bytes * key.threads);
  const double time = best_time(key.threads, budget, [&](int thread) {
    sweep(kernels, key.traffic, stream, start + thread * (bytes / 4), count, sweeps);
  });
  return static_cast<double>(bytes * sweeps * key.threads) / time;
}

float* Roofs::memory(Index bytes) {
  if (!memory_ || memory_->byte_count() < bytes) {
    memory_.reset();
    memory_.emplace(Shape{bytes / 4});
    std::fill_n(memory_->ref().floats(), bytes / 4, 1.0F);  // fresh buffers hold NaN, denormals would be slow: be plain
  }
  return memory_->ref().floats();
}

double Roofs::rate(const Key& key, size_t kernel, double budget) {
  return key.compute ? fma_rate(key, kernel, budget) : traffic_rate(key, kernel == 1, budget);
}

double Roofs::best(const Key& key) {
  Measured& roof = measured_[key];
  const Clock::time_point start = Clock::now();
  if (roof.best != 0 && roof.when >= valid_since_ && start - roof.when <= kRoofLifetime) return roof.best;
  const size_t kernels = key.compute ? roof_kernels(key.isa).fma.size() : key.traffic == Traffic::kRead ? 1 : 2;
  for (size_t kernel = 0; kernel < kernels; ++kernel) {
    const double found = rate(key, kernel, kThorough);
    if (found > roof.best) roof = {found, kernel, {}};
  }
  roof.when = Clock::now();
  return roof.best;
}

double Roofs::now(const Key& key) {
  if (measured_[key].best == 0) best(key);
  Measured& roof = measured_[key];
  const double found = rate(key, roof.fastest, kMoment);
  roof.best = std::max(roof.best, found);
  return found;
}

double Roofs::fma(const std::string& isa, int threads) {
  return best({true, Traffic::kRead, known_isa(isa), threads, 0});
}

double Roofs::bandwidth(Traffic traffic, const std::string& isa, int threads, Index working_set) {
  return best({false, traffic, known_isa(isa), threads, rung(working_set)});
}

Limit Roofs::limit(const Demand& demand) { return limit(demand, &Roofs::best); }
Limit Roofs::limit_now(const Demand& demand) { return limit(demand, &Roofs::now); }

Limit Roofs::limit(const Demand& demand, Rate rate_of) {
  const std::string isa = known_isa(demand.isa);
  const auto time = [&](double amount, const Key& key) { return amount == 0 ? 0 : amount / (this->*rate_of)(key); };
  const double compute = time(demand.cost.flops, {true, Traffic::kRead, isa, demand.threads, 0});
  size_t above = 1;  // the first mix that writes at least as much
  while (above + 1 < kShares.size() && kShares[above] < demand.written_share) ++above;
  const size_t below = above - 1;
  const double weight = (demand.written_share - kShares[below]) / (kShares[above] - kShares[below]);
  const Index bytes = rung(demand.working_set);
  const double memory = time((1 - weight) * demand.cost.bytes, {false, kTraffic[below], isa, demand.threads, bytes}) +
                        time(weight * demand.cost.bytes, {false, kTraffic[above], isa, demand.threads, bytes});
  return {std::max(compute, memory), compute >= memory};
}

void Roofs::refresh(const Demand& demand) {
  valid_since_ = Clock::now();
  limit(demand);
}

void Roofs::measure(const Key& key, const char* level) {
  best(key);
  const std::pair entry(key, std::string(level));
  if (std::find(levels_.begin(), levels_.end(), entry) == levels_.end()) levels_.push_back(entry);
}

void Roofs::measure_fma(const std::string& isa, int threads) {
  measure({true, Traffic::kRead, known_isa(isa), threads, 0}, "");
}

void Roofs::measure_levels(const std::string& isa, int threads) {
  measure_fma(isa, threads);
  for (const Level& level : cache_levels())
    for (Traffic traffic : kTraffic) measure({false, traffic, known_isa(isa), threads, rung(level.bytes)}, level.name);
}

std::vector<Record> Roofs::records() const {
  std::vector<Record> records;
  for (const auto& [key, level] : levels_) {
    Record record = make_record("roof");
    record["name"] = key.compute ? "fma" : kTrafficNames[static_cast<size_t>(key.traffic)];
    if (!key.compute) record["level"] = level;
    record["threads"] = key.threads;
    record["isa"] = key.isa;
    record["value"] = measured_.at(key).best;
    record["unit"] = key.compute ? "GFLOP/s" : "GB/s";
    if (!key.compute) record["bytes"] = key.bytes;
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace gradproof
