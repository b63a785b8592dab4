// Where two programs take turns: launches, loads, rounds (docs/decisions/0020-the-gate.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "gate/contestant.h"

namespace gradproof {

// How two programs alternate on a row whose run takes so long: the same on both sides. Turns are short, for what the
// machine does to both it does for milliseconds to seconds: the two turns of a pair then meet it together
// (docs/decisions/0020-the-gate.md).
struct Rhythm {
  int iterations = 0;  // runs a batch
  int batches = 0;     // a turn
  int rounds = 0;      // of four turns, a load

  // `run_ns` is how long a run takes.
  static Rhythm of(double run_ns);
  bool set() const { return iterations > 0; }
};

// Two of the three programs, timed on the same row: the candidate, or a copy of the baseline, against the baseline.
enum class Rival { kCandidate, kCopy };

struct Bout {
  RowKey key;
  Rival rival = Rival::kCandidate;
  double handicap = 0;  // by which the rival is slowed down, within the measured time: 0.05 is 5%

  // Found by the first load, and the same in all launches.
  std::string isa;
  double ns = 0;          // shortest run of the baseline
  double loading_ns = 0;  // longest load of both programs
  Rhythm rhythm;

  // ln(time of the rival / time of the baseline), one value a launch: the median over its pairs of neighbouring turns.
  std::vector<double> launches;
  std::vector<double> baseline_ns, rival_ns;  // one value a launch, too: the lower quartile of its turns
  int batches = 0;                            // that count
  int dropped = 0;                            // disturbed from outside, and therefore not counted

  std::string refused;  // why it cannot be compared; then nothing above holds
  bool lost = false;    // the baseline runs it, and the candidate refuses: unknown, unsupported or wrong

  bool comparable() const { return refused.empty(); }
};

struct Programs {
  std::filesystem::path baseline, candidate, copy;
};

// How often. A stage of the gate. Every load brings other pages of memory; in each the programs take turns as A B B A
// or B A A B, several times, so that what drifts in a straight line falls on both alike.
struct Effort {
  int launches = 3;
  int loads = 4;
  bool moved = false;  // other buffer offsets, for what shall recur
};

// What a load takes both programs, about: `bytes` are those of a run.
double guessed_loading_ns(double bytes);

// What a row takes at that effort, in ns, when one run takes `run_ns` and a load of both programs `loading_ns`.
double row_ns(double run_ns, double loading_ns, const Effort& effort);

// Throws ContestantError where two programs were built by other compilers or flags:
// their times then differ for reasons that no change of the code has.
void require_comparable(const ProgramFacts& baseline, const ProgramFacts& candidate);

class Arena {
 public:
  using Progress = std::function<void(const Bout&)>;

  Arena(Programs programs, int core, std::uint64_t seed)
      : programs_(std::move(programs)), core_(core), random_(seed), seed_(seed) {}

  // Starts the programs `launches` times, and each time times every bout, in random order. What cannot be compared is
  // marked as refused and left out from then on. Throws ContestantError.
  void fight(const std::vector<Bout*>& bouts, const Effort& effort, const Progress& progress);

  // Of the last launch.
  const ProgramFacts& baseline() const { return facts_[0]; }
  const ProgramFacts& candidate() const { return facts_[1]; }

 private:
  struct Pair {
    Contestant& baseline;
    Contestant& rival;
  };

  void launch(const std::vector<Bout*>& bouts, const Effort& effort, const Progress& progress);
  bool load(Pair& pair, Bout& bout, const Effort& effort);
  std::optional<std::string> difference(Bout& bout, const Loaded& baseline, const Loaded& rival);
  // Of a launch: the pairs of neighbouring turns neither of which was disturbed throughout.
  struct Turns {
    std::vector<double> baseline, rival;
  };
  std::optional<double> take_turn(Contestant& program, Bout& bout, double handicap);
  void take_turns(Pair& pair, Bout& bout, Turns& turns);
  void time(Pair& pair, Bout& bout, const Effort& effort);
  int random_below(int limit) { return static_cast<int>(random_() % static_cast<std::uint64_t>(limit)); }

  Programs programs_;
  int core_;
  std::mt19937_64 random_;
  std::uint64_t seed_;
  ProgramFacts facts_[2];
  // Bits of outputs that were verified, by row; equal ones need not be verified again.
  std::map<RowKey, std::string> baseline_bits_, rival_bits_;
};

}  // namespace gradproof
