// Wrong weighted pools.
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "checks/self/naive_windows.h"

namespace gradproof {
namespace {

enum class WeightedPoolBug {
  kNone,
  kFlipped,
  kNotFlippedBack,
  kNormalised,
  kWeightsOfImage,
  kSharedWeights,
  kLastImageOnly,
  kOverhangDropped,
  kAssigned,
  kStridesSwapped,
};

class NaiveWeightedPool {
 public:
  NaiveWeightedPool(const NaiveCall& call, WeightedPoolBug bug)
      : call_(call),
        bug_(bug),
        windows_(window_of(call.attributes)),
        mb_(call.attributes.integer("mb")),
        c_(call.attributes.integer("c")) {
    if (is(WeightedPoolBug::kStridesSwapped)) std::swap(windows_.axes[1].stride, windows_.axes[2].stride);
  }

  void run() {
    call_.zero_outputs();
    windows_.for_each_with_taps(mb_ * c_, [&](Index plane, Index window, const Taps& taps) {
      if (is(WeightedPoolBug::kOverhangDropped) && call_.attributes.flag("ceil_mode") &&
          taps.back().number + 1 < windows_.taps())
        return;
      visit(plane, window, taps);
    });
  }

 private:
  using Taps = std::vector<NaiveWindows::Tap>;

  bool is(WeightedPoolBug bug) const { return bug_ == bug; }

  Index weight_of(Index plane, Index tap, bool flipped) const {
    const Index channel = is(WeightedPoolBug::kSharedWeights)    ? 0
                          : is(WeightedPoolBug::kWeightsOfImage) ? plane / c_ % c_
                                                                 : plane % c_;
    return channel * windows_.taps() + (flipped ? windows_.taps() - 1 - tap : tap);
  }

  void visit(Index plane, Index window, const Taps& taps) {
    float sum = 0, total = 0;
    for (const auto& tap : taps) {
      const float x = call_.floats("src")[tap.input];
      const Index weight = weight_of(plane, tap.number, is(WeightedPoolBug::kFlipped));
      const bool backwards = is(WeightedPoolBug::kFlipped) || is(WeightedPoolBug::kNotFlippedBack);
      if (call_.pass.is_forward()) {
        sum += call_.floats("weights")[weight] * x;
        total += call_.floats("weights")[weight];
      } else if (call_.pass.slot == "src") {
        const float back = call_.floats("weights")[weight_of(plane, tap.number, backwards)];
        add("diff_src", tap.input, back * call_.floats("diff_dst")[window]);
      } else if (!is(WeightedPoolBug::kLastImageOnly) || plane / c_ + 1 == mb_) {
        add("diff_weights", weight, x * call_.floats("diff_dst")[window]);
      }
    }
    if (call_.pass.is_forward()) call_.floats("dst")[window] = is(WeightedPoolBug::kNormalised) ? sum / total : sum;
  }

  void add(const char* name, Index at, float share) {
    float& sum = call_.floats(name)[at];
    sum = (is(WeightedPoolBug::kAssigned) ? 0.0F : sum) + share;
  }

  const NaiveCall& call_;
  WeightedPoolBug bug_;
  NaiveWindows windows_;
  Index mb_, c_;
};

Implementation wrong_weighted_pool(const std::string& name, WeightedPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveWeightedPool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> weighted_pool_mutants() {
  struct Row {
    const char* name;
    WeightedPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"flipped", WeightedPoolBug::kFlipped, "a convolution that flips its kernel", {"forward", "vjp", "exact"}},
      {"not-flipped-back",
       WeightedPoolBug::kNotFlippedBack,
       "diff_src flips the kernel once",
       {"vjp", "fd-direct", "exact"}},
      {"normalised", WeightedPoolBug::kNormalised, "divides by the sum of the weights", {"forward", "exact"}},
      {"weights-of-image",
       WeightedPoolBug::kWeightsOfImage,
       "weights are looked up by image",
       {"forward", "vjp", "exact"}},
      {"shared-weights",
       WeightedPoolBug::kSharedWeights,
       "channels share the first one's weights",
       {"forward", "vjp", "exact"}},
      {"last-image-only",
       WeightedPoolBug::kLastImageOnly,
       "diff_weights sees the last image only",
       {"vjp", "fd-direct", "exact"}},
      {"overhang-dropped",
       WeightedPoolBug::kOverhangDropped,
       "windows that overhang with ceil_mode stay empty",
       {"forward", "vjp"}},
      {"assigned",
       WeightedPoolBug::kAssigned,
       "gradients are assigned instead of added",
       {"vjp", "fd-direct", "exact"}},
      {"strides-swapped",
       WeightedPoolBug::kStridesSwapped,
       "stride_h and stride_w confused",
       {"forward", "vjp", "exact"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "weighted_pool", row.what, row.oracles, wrong_weighted_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_weighted_pool() {
  return {"healthy-weighted-pool",
          "weighted_pool",
          "no bug",
          {},
          wrong_weighted_pool("healthy", WeightedPoolBug::kNone),
          {}};
}

}  // namespace gradproof
