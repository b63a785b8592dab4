#include "gate/arena.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>

#include "gate/statistics.h"

namespace gradproof {
namespace {

// Environments differ by up to a page, buffers by up to a cache line.
constexpr int kMostPadding = 4096;
constexpr int kMostMisaligned = 16;

// A turn takes about as long as the first, in as many batches, of one run or more each: what the system disturbs is
// then seldom all of it. A load is timed for about as long as the last.
constexpr double kTurnNs = 0.6e6;
constexpr int kTurnBatches = 2;
constexpr double kTimedNs = 20e6;
constexpr int kFewestRounds = 2, kMostRounds = 8;
// From the end of a turn to the begin of the next: two messages, and a sleep of 100 us that lets the other go to sleep.
constexpr double kHandOverNs = 0.25e6;

// With the run that fills the caches again.
double turn_ns(double run_ns, const Rhythm& rhythm) {
  return (rhythm.iterations * rhythm.batches + 1) * run_ns + kHandOverNs;
}

void require_same(const char* what, const std::string& baseline, const std::string& candidate) {
  if (baseline == candidate) return;
  throw ContestantError(ContestantError::Kind::kMismatched,
                        fmt::format("the {} of the two programs differ: '{}' and '{}'; build both alike, or allow it "
                                    "with --allow-mismatch",
                                    what, baseline, candidate));
}

}  // namespace

void require_comparable(const ProgramFacts& baseline, const ProgramFacts& candidate) {
  require_same("compilers", baseline.compiler, candidate.compiler);
  require_same("flags", baseline.flags, candidate.flags);
}

// Measured on Zen 5: 8 to 10 ns a byte for pools and relu of 4 to 200 MB, 17 for batch norm; 34 ms for small ones.
double guessed_loading_ns(double bytes) {
  constexpr double kFixed = 40e6, kByte = 10;
  return kFixed + kByte * bytes;
}

Rhythm Rhythm::of(double run_ns) {
  run_ns = std::max(run_ns, 1.0);
  const double runs = kTurnNs / run_ns;
  Rhythm rhythm;
  rhythm.iterations = std::max(1, static_cast<int>(runs / kTurnBatches));
  rhythm.batches = std::clamp(static_cast<int>(runs), 1, kTurnBatches);
  rhythm.rounds = static_cast<int>(
      std::clamp(kTimedNs / (4 * rhythm.iterations * rhythm.batches * run_ns), 1.0 * kFewestRounds, 1.0 * kMostRounds));
  return rhythm;
}

double row_ns(double run_ns, double loading_ns, const Effort& effort) {
  const Rhythm rhythm = Rhythm::of(run_ns);
  return effort.launches * effort.loads * (loading_ns + 4 * rhythm.rounds * turn_ns(run_ns, rhythm));
}

void Arena::fight(const std::vector<Bout*>& bouts, const Effort& effort, const Progress& progress) {
  for (int i = 0; i < effort.launches; ++i) launch(bouts, effort, progress);
}

void Arena::launch(const std::vector<Bout*>& bouts, const Effort& effort, const Progress& progress) {
  const auto start = [&](const std::filesystem::path& program, const char* role) {
    return std::make_unique<Contestant>(program, role, Launch{core_, random_below(kMostPadding)});
  };
  const bool copied =
      std::any_of(bouts.begin(), bouts.end(), [](const Bout* bout) { return bout->rival == Rival::kCopy; });
  const auto baseline = start(programs_.baseline, "baseline");
  const auto candidate = start(programs_.candidate, "candidate");
  const auto copy = copied ? start(programs_.copy, "copy of the baseline") : nullptr;
  facts_[0] = baseline->facts();
  facts_[1] = candidate->facts();

  std::vector<Bout*> order = bouts;
  std::shuffle(order.begin(), order.end(), random_);
  for (Bout* bout : order) {
    Pair pair{*baseline, bout->rival == Rival::kCopy ? *copy : *candidate};
    if (bout->comparable()) time(pair, *bout, effort);
    progress(*bout);
  }
}

bool Arena::load(Pair& pair, Bout& bout, const Effort& effort) {
  // The same for both: where buffers lie is what varies, not what is compared.
  const Index misalignment = effort.moved ? random_below(kMostMisaligned) : 0;
  const auto start = std::chrono::steady_clock::now();
  std::string& trusted = baseline_bits_[bout.key];
  const Loaded baseline = pair.baseline.load(bout.key, {seed_, misalignment, trusted, bout.ns == 0});
  if (baseline.ready) trusted = baseline.bits;
  std::string& known = bout.rival == Rival::kCopy ? trusted : rival_bits_.try_emplace(bout.key, trusted).first->second;
  const Loaded rival = pair.rival.load(bout.key, {seed_, misalignment, known, false});
  if (rival.ready) known = rival.bits;
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  bout.loading_ns = std::max(bout.loading_ns, took.count());
  if (const auto why = difference(bout, baseline, rival)) {
    bout.refused = *why;
    bout.lost = baseline.ready && !rival.ready;
    return false;
  }
  if (!bout.rhythm.set()) {
    bout.isa = baseline.isa;
    bout.ns = baseline.ns;
    bout.rhythm = Rhythm::of(baseline.ns);
  }
  return true;
}

std::optional<std::string> Arena::difference(Bout& bout, const Loaded& baseline, const Loaded& rival) {
  if (!baseline.ready) return fmt::format("the baseline: {}", baseline.reason);
  if (!rival.ready) return fmt::format("the candidate: {}", rival.reason);
  if (baseline.isa != rival.isa)
    return fmt::format("the baseline runs {} and the candidate {}", baseline.isa, rival.isa);
  if (!bout.isa.empty() && bout.isa != baseline.isa)
    return fmt::format("it ran {} before and {} now", bout.isa, baseline.isa);
  return {};
}

std::optional<double> Arena::take_turn(Contestant& program, Bout& bout, double handicap) {
  const Turn turn = program.time(bout.rhythm.iterations, bout.rhythm.batches, handicap, bout.ns);
  bout.batches += static_cast<int>(turn.ns.size());
  bout.dropped += turn.disturbed;
  if (turn.ns.empty()) return {};
  return lower_quartile(turn.ns);
}

void Arena::take_turns(Pair& pair, Bout& bout, Turns& turns) {
  const auto turn = [&](bool rival) {
    return rival ? take_turn(pair.rival, bout, bout.handicap) : take_turn(pair.baseline, bout, 0);
  };
  for (int round = 0; round < bout.rhythm.rounds; ++round) {
    const bool begins = random_below(2) == 1;
    for (const bool leads : {begins, !begins}) {
      const std::optional<double> first = turn(leads), second = turn(!leads);
      if (!first || !second) continue;
      turns.baseline.push_back(leads ? *second : *first);
      turns.rival.push_back(leads ? *first : *second);
    }
  }
}

void Arena::time(Pair& pair, Bout& bout, const Effort& effort) {
  Turns turns;
  for (int i = 0; i < effort.loads; ++i) {
    if (!load(pair, bout, effort)) return;
    take_turns(pair, bout, turns);
  }
  // Half of all pairs at least: fewer do not speak for this launch.
  const size_t enough = static_cast<size_t>(effort.loads) * static_cast<size_t>(bout.rhythm.rounds);
  if (turns.rival.size() < enough) return;
  std::vector<double> ratios;
  for (size_t i = 0; i < turns.rival.size(); ++i) ratios.push_back(std::log(turns.rival[i] / turns.baseline[i]));
  bout.launches.push_back(median_of(std::move(ratios)));
  bout.baseline_ns.push_back(lower_quartile(std::move(turns.baseline)));
  bout.rival_ns.push_back(lower_quartile(std::move(turns.rival)));
}

}  // namespace gradproof
