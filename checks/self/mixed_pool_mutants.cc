// Wrong mixes of maxima and averages.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "checks/self/naive_windows.h"

namespace gradproof {
namespace {

enum class MixedPoolBug {
  kNone,
  kSwapped,
  kPaddingCounted,
  kGradientOfMaximumOnly,
  kGradientOfAverageOnly,
  kWeightsForgotten,
  kAssigned,
  kLastWindowOnly,
  kMaximumOnly,
};

class NaiveMixedPool {
 public:
  NaiveMixedPool(const NaiveCall& call, MixedPoolBug bug)
      : call_(call),
        bug_(bug),
        windows_(window_of(call.attributes)),
        planes_(call.attributes.integer("mb") * call.attributes.integer("c")) {
    for (const WindowAxis& axis : windows_.axes) all_taps_ *= axis.kernel;
  }

  void run() {
    call_.zero_outputs();
    windows_.for_each(planes_, [&](Index plane, const NaiveWindows::Place& o, Index number) {
      const Seen seen = look(plane, o);
      if (call_.pass.is_forward()) {
        call_.floats("dst")[number] = mix(seen);
        store_index(*call_.tensor("argmax"), number, seen.tap);
      } else if (call_.pass.slot == "a") {
        const float gain = is(MixedPoolBug::kMaximumOnly) ? seen.largest : seen.largest - seen.average;
        float& sum = *call_.floats("diff_a");
        sum = (is(MixedPoolBug::kLastWindowOnly) ? 0.0F : sum) + call_.floats("diff_dst")[number] * gain;
      } else {
        share(plane, o, seen, call_.floats("diff_dst")[number]);
      }
    });
  }

 private:
  struct Seen {
    Index tap = -1, winner = -1;  // the winner's number in the window and in the input
    float largest = 0, average = 0, count = 0;
  };

  bool is(MixedPoolBug bug) const { return bug_ == bug; }
  float a() const { return *call_.floats("a"); }

  Seen look(Index plane, const NaiveWindows::Place& o) const {
    Seen seen;
    windows_.for_each_tap(plane, o, [&](Index tap, Index source) {
      if (source < 0) return;
      const float x = call_.floats("src")[source];
      if (seen.tap < 0 || x > seen.largest || (std::isnan(x) && !std::isnan(seen.largest))) {
        seen.tap = tap;
        seen.winner = source;
        seen.largest = x;
      }
      seen.average += x;
      ++seen.count;
    });
    if (is(MixedPoolBug::kPaddingCounted)) seen.count = static_cast<float>(all_taps_);
    seen.average /= seen.count;
    return seen;
  }

  float mix(const Seen& seen) const {
    return is(MixedPoolBug::kSwapped) ? (1 - a()) * seen.largest + a() * seen.average
                                      : a() * seen.largest + (1 - a()) * seen.average;
  }

  void share(Index plane, const NaiveWindows::Place& o, const Seen& seen, float diff) {
    const bool weighted = !is(MixedPoolBug::kWeightsForgotten);
    if (!is(MixedPoolBug::kGradientOfMaximumOnly))
      windows_.for_each_tap(plane, o, [&](Index, Index source) {
        if (source >= 0) give(source, (weighted ? 1 - a() : 1.0F) * (diff / seen.count));
      });
    if (!is(MixedPoolBug::kGradientOfAverageOnly)) give(seen.winner, (weighted ? a() : 1.0F) * diff);
  }

  void give(Index source, float value) {
    float& sum = call_.floats("diff_src")[source];
    sum = (is(MixedPoolBug::kAssigned) ? 0.0F : sum) + value;
  }

  const NaiveCall& call_;
  MixedPoolBug bug_;
  NaiveWindows windows_;
  Index planes_;
  Index all_taps_ = 1;
};

Implementation wrong_mixed_pool(const std::string& name, MixedPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveMixedPool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> mixed_pool_mutants() {
  struct Row {
    const char* name;
    MixedPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"swapped", MixedPoolBug::kSwapped, "a weighs the average", {"forward"}},
      {"padding-counted",
       MixedPoolBug::kPaddingCounted,
       "the average divides by taps on padding too",
       {"forward", "vjp"}},
      {"gradient-of-maximum-only",
       MixedPoolBug::kGradientOfMaximumOnly,
       "diff_src lacks the average",
       {"vjp", "fd-direct"}},
      {"gradient-of-average-only",
       MixedPoolBug::kGradientOfAverageOnly,
       "diff_src lacks the maximum",
       {"vjp", "fd-direct"}},
      {"weights-forgotten", MixedPoolBug::kWeightsForgotten, "diff_src lacks a and 1 - a", {"vjp", "fd-direct"}},
      {"assigned", MixedPoolBug::kAssigned, "shares are assigned instead of added", {"vjp", "fd-direct"}},
      {"last-window-only", MixedPoolBug::kLastWindowOnly, "diff_a sees the last window only", {"vjp", "fd-direct"}},
      {"maximum-only", MixedPoolBug::kMaximumOnly, "diff_a lacks the average", {"vjp", "fd-direct"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "mixed_pool", row.what, row.oracles, wrong_mixed_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_mixed_pool() {
  return {"healthy-mixed-pool", "mixed_pool", "no bug", {}, wrong_mixed_pool("healthy", MixedPoolBug::kNone), {}};
}

}  // namespace gradproof
