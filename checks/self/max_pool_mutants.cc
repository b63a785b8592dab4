// Wrong max pools and min pools.
#include <cmath>
#include <limits>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/pool/max_pool.h"

namespace gradproof {
namespace {

enum class MaxPoolBug {
  kNone,
  kTiesAllGet,
  kTiesShare,
  kAssigned,
  kNotZeroed,
  kPaddedWithZero,
  kLastOfTies,
  kNanLost,
  kDilationIgnored,
  kArgmaxOfInput,
  kStridesSwapped,
  kOverhangSkipped,
  kOrderOfMax,
  kPaddedWithLowest,
};

class NaiveMaxPool {
 public:
  NaiveMaxPool(const NaiveCall& call, MaxPoolBug bug, bool smallest)
      : call_(call),
        bug_(bug),
        sign_(smallest && bug != MaxPoolBug::kOrderOfMax ? -1.0F : 1.0F),
        a_(max_pool_attributes(call.attributes)),
        w_(a_.window.axes) {
    for (size_t axis = 0; axis < 3; ++axis) out_[axis] = w_[axis].out();
    if (is(MaxPoolBug::kStridesSwapped)) std::swap(w_[1].stride, w_[2].stride);
    if (is(MaxPoolBug::kDilationIgnored)) w_[1].dilation = w_[2].dilation = 1;
  }

  void run() {
    if (!is(MaxPoolBug::kNotZeroed)) call_.zero_outputs();
    for (Index plane = 0; plane < a_.mb * a_.c; ++plane)
      for (Index od = 0; od < out_[0]; ++od)
        for (Index oh = 0; oh < out_[1]; ++oh)
          for (Index ow = 0; ow < out_[2]; ++ow) visit(plane, od, oh, ow);
  }

 private:
  struct Winner {
    float value;
    Index tap, source;  // source: -1 in the padding
  };

  bool is(MaxPoolBug bug) const { return bug_ == bug; }

  template <class Visit>
  void for_each_tap(Index plane, Index od, Index oh, Index ow, const Visit& visit_tap) const {
    for (Index kd = 0, tap = 0; kd < w_[0].kernel; ++kd)
      for (Index kh = 0; kh < w_[1].kernel; ++kh)
        for (Index kw = 0; kw < w_[2].kernel; ++kw, ++tap) {
          const Index id = od * w_[0].stride - w_[0].pad_lo + kd * w_[0].dilation;
          const Index ih = oh * w_[1].stride - w_[1].pad_lo + kh * w_[1].dilation;
          const Index iw = ow * w_[2].stride - w_[2].pad_lo + kw * w_[2].dilation;
          const bool inside = id >= 0 && id < w_[0].in && ih >= 0 && ih < w_[1].in && iw >= 0 && iw < w_[2].in;
          visit_tap(tap, inside ? ((plane * w_[0].in + id) * w_[1].in + ih) * w_[2].in + iw : -1);
        }
  }

  Winner winner_of(Index plane, Index od, Index oh, Index ow) const {
    constexpr float kLowest = -std::numeric_limits<float>::infinity();
    Winner best{kLowest, -1, -1};
    const float* src = call_.floats("src");
    for_each_tap(plane, od, oh, ow, [&](Index tap, Index source) {
      if (source < 0 && !is(MaxPoolBug::kPaddedWithZero) && !is(MaxPoolBug::kPaddedWithLowest)) return;
      const float padding = is(MaxPoolBug::kPaddedWithZero) ? 0.0F : kLowest;
      const float x = source < 0 ? padding : src[source];
      const bool wins = sign_ * x > sign_ * best.value || (is(MaxPoolBug::kLastOfTies) && x == best.value) ||
                        (!is(MaxPoolBug::kNanLost) && std::isnan(x) && !std::isnan(best.value));
      if (best.tap < 0 || wins) best = {x, tap, source};
    });
    return best;
  }

  void visit(Index plane, Index od, Index oh, Index ow) {
    const Index window = ((plane * out_[0] + od) * out_[1] + oh) * out_[2] + ow;
    const Winner winner = winner_of(plane, od, oh, ow);
    const bool overhangs = ow * w_[2].stride - w_[2].pad_lo + w_[2].extent() > w_[2].in + w_[2].pad_hi;
    if (is(MaxPoolBug::kOverhangSkipped) && overhangs) return;
    if (call_.pass.is_forward()) {
      call_.floats("dst")[window] = winner.value;
      store_index(*call_.tensor("argmax"), window, is(MaxPoolBug::kArgmaxOfInput) ? winner.source : winner.tap);
    } else if (is(MaxPoolBug::kTiesAllGet) || is(MaxPoolBug::kTiesShare)) {
      give_to_ties(plane, od, oh, ow, window, winner.value);
    } else if (winner.source >= 0) {
      give(winner.source, window, 1);
    }
  }

  void give_to_ties(Index plane, Index od, Index oh, Index ow, Index window, float value) {
    const auto for_each_tie = [&](const auto& visit_tie) {
      for_each_tap(plane, od, oh, ow, [&](Index, Index source) {
        if (source >= 0 && call_.floats("src")[source] == value) visit_tie(source);
      });
    };
    float ties = 0;
    for_each_tie([&](Index) { ++ties; });
    for_each_tie([&](Index source) { give(source, window, is(MaxPoolBug::kTiesShare) ? 1 / ties : 1); });
  }

  void give(Index source, Index window, float share) {
    float& sum = call_.floats("diff_src")[source];
    sum = (is(MaxPoolBug::kAssigned) ? 0.0F : sum) + share * call_.floats("diff_dst")[window];
  }

  const NaiveCall& call_;
  MaxPoolBug bug_;
  float sign_;  // of what is largest
  MaxPoolAttributes a_;
  std::array<WindowAxis, 3> w_;
  std::array<Index, 3> out_{};
};

Implementation wrong_max_pool(const std::string& name, MaxPoolBug bug, bool smallest) {
  return naive_implementation(name, [=](const NaiveCall& call) { NaiveMaxPool(call, bug, smallest).run(); });
}

}  // namespace

std::vector<Mutant> max_pool_mutants() {
  struct Row {
    const char* name;
    MaxPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"ties-all-get",
       MaxPoolBug::kTiesAllGet,
       "every tied element gets the full gradient [Theano 4568]",
       {"vjp", "exact", "kink"}},
      {"ties-share", MaxPoolBug::kTiesShare, "tied elements share the gradient evenly", {"vjp", "exact", "kink"}},
      {"assigned",
       MaxPoolBug::kAssigned,
       "overlapping windows assign instead of adding [Flux 1197]",
       {"vjp", "fd-direct", "exact"}},
      {"not-zeroed", MaxPoolBug::kNotZeroed, "gradient buffer is not zeroed", {"vjp", "exact", "memory"}},
      {"padded-with-zero", MaxPoolBug::kPaddedWithZero, "padding is 0 instead of -inf", {"forward", "exact"}},
      {"last-of-ties", MaxPoolBug::kLastOfTies, "the last of equals wins", {"forward", "exact", "kink"}},
      {"nan-lost", MaxPoolBug::kNanLost, "NaN does not win", {"special"}},
      {"dilation-ignored",
       MaxPoolBug::kDilationIgnored,
       "dilation is ignored",
       {"forward", "vjp", "exact", "fd-direct"}},
      {"argmax-of-input",
       MaxPoolBug::kArgmaxOfInput,
       "argmax counts in the input, not in the window",
       {"forward", "exact"}},
      {"strides-swapped", MaxPoolBug::kStridesSwapped, "stride_h and stride_w confused", {"forward", "vjp", "exact"}},
      {"overhang-skipped",
       MaxPoolBug::kOverhangSkipped,
       "windows that overhang with ceil_mode are left out",
       {"forward", "vjp", "exact"}},
  };
  const std::vector<Row> rows_of_min{
      {"order-of-max", MaxPoolBug::kOrderOfMax, "the largest is taken", {"forward", "vjp", "fd-direct", "exact"}},
      {"padded-with-lowest", MaxPoolBug::kPaddedWithLowest, "padding is -inf as in max_pool", {"forward", "exact"}},
      {"last-of-ties", MaxPoolBug::kLastOfTies, "the last of equals wins", {"forward", "exact"}},
      {"nan-lost", MaxPoolBug::kNanLost, "NaN does not win", {"special"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "max_pool", row.what, row.oracles, wrong_max_pool(row.name, row.bug, false), {}});
  for (const Row& row : rows_of_min)
    mutants.push_back({row.name, "min_pool", row.what, row.oracles, wrong_max_pool(row.name, row.bug, true), {}});
  return mutants;
}

Mutant healthy_max_pool() {
  return {"healthy-max-pool", "max_pool", "no bug", {}, wrong_max_pool("healthy", MaxPoolBug::kNone, false), {}};
}
Mutant healthy_min_pool() {
  return {"healthy-min-pool", "min_pool", "no bug", {}, wrong_max_pool("healthy", MaxPoolBug::kNone, true), {}};
}

}  // namespace gradproof
