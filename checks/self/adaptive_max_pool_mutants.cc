// Wrong adaptive max pools.
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/pool/adaptive_max_pool.h"

namespace gradproof {
namespace {

enum class AdaptiveMaxPoolBug {
  kNone,
  kEndRoundedDown,
  kEqualWindows,
  kAxesSwapped,
  kLastOfTies,
  kNanLost,
  kAssigned,
  kNotZeroed,
  kArgmaxOfOwnWindow,
  kArgmaxOfInput,
};

class NaiveAdaptiveMaxPool {
 public:
  NaiveAdaptiveMaxPool(const NaiveCall& call, AdaptiveMaxPoolBug bug)
      : call_(call), bug_(bug), a_(adaptive_pool_attributes(call.attributes)) {}

  void run() {
    if (!is(AdaptiveMaxPoolBug::kNotZeroed)) call_.zero_outputs();
    const auto& [d, h, w] = a_.axes;
    Index window = 0;
    for (Index plane = 0; plane < a_.mb * a_.c; ++plane)
      for (Index od = 0; od < d.out; ++od)
        for (Index oh = 0; oh < h.out; ++oh)
          for (Index ow = 0; ow < w.out; ++ow, ++window) visit(winner_of(plane, {od, oh, ow}), window);
  }

 private:
  using Place = std::array<Index, 3>;
  struct Winner {
    float value = 0;
    Index tap = -1, source = -1;
  };
  struct Range {
    Index first, end;
  };

  bool is(AdaptiveMaxPoolBug bug) const { return bug_ == bug; }

  Range range(size_t axis, Index o) const {
    const AdaptiveAxis& a = a_.axes[is(AdaptiveMaxPoolBug::kAxesSwapped) && axis > 0 ? 3 - axis : axis];
    const Index in = a_.axes[axis].in, size = in / a_.axes[axis].out;
    if (is(AdaptiveMaxPoolBug::kEqualWindows) && size > 0) return {o * size, (o + 1) * size};
    if (is(AdaptiveMaxPoolBug::kEndRoundedDown)) return {a.first(o), std::max(a.first(o) + 1, (o + 1) * a.in / a.out)};
    if (is(AdaptiveMaxPoolBug::kAxesSwapped)) return {std::min(a.first(o), in - 1), std::clamp<Index>(a.end(o), 1, in)};
    return {a.first(o), a.end(o)};
  }

  Winner winner_of(Index plane, const Place& o) const {
    const auto& [d, h, w] = a_.axes;
    const Range rd = range(0, o[0]), rh = range(1, o[1]), rw = range(2, o[2]);
    const bool own = is(AdaptiveMaxPoolBug::kArgmaxOfOwnWindow);
    const Index kh = own ? rh.end - rh.first : h.largest(), kw = own ? rw.end - rw.first : w.largest();
    Winner best;
    for (Index id = rd.first; id < rd.end; ++id)
      for (Index ih = rh.first; ih < rh.end; ++ih)
        for (Index iw = rw.first; iw < rw.end; ++iw) {
          const Index at = (id * h.in + ih) * w.in + iw, source = plane * d.in * h.in * w.in + at;
          const Index tap = ((id - rd.first) * kh + ih - rh.first) * kw + iw - rw.first;
          const float x = call_.floats("src")[source];
          const bool wins = x > best.value || (is(AdaptiveMaxPoolBug::kLastOfTies) && x == best.value) ||
                            (!is(AdaptiveMaxPoolBug::kNanLost) && std::isnan(x) && !std::isnan(best.value));
          if (best.tap < 0 || wins) best = {x, is(AdaptiveMaxPoolBug::kArgmaxOfInput) ? at : tap, source};
        }
    return best;
  }

  void visit(const Winner& winner, Index window) {
    if (call_.pass.is_forward()) {
      call_.floats("dst")[window] = winner.value;
      store_index(*call_.tensor("argmax"), window, winner.tap);
      return;
    }
    float& sum = call_.floats("diff_src")[winner.source];
    sum = (is(AdaptiveMaxPoolBug::kAssigned) ? 0.0F : sum) + call_.floats("diff_dst")[window];
  }

  const NaiveCall& call_;
  AdaptiveMaxPoolBug bug_;
  AdaptivePoolAttributes a_;
};

Implementation wrong_adaptive_max_pool(const std::string& name, AdaptiveMaxPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveAdaptiveMaxPool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> adaptive_max_pool_mutants() {
  struct Row {
    const char* name;
    AdaptiveMaxPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"end-rounded-down",
       AdaptiveMaxPoolBug::kEndRoundedDown,
       "windows end at floor((o + 1) * in / out)",
       {"forward", "exact"}},
      {"equal-windows",
       AdaptiveMaxPoolBug::kEqualWindows,
       "kernel and stride floor(in / out) leave out the last inputs",
       {"forward", "vjp", "exact"}},
      {"axes-swapped",
       AdaptiveMaxPoolBug::kAxesSwapped,
       "windows along h are those along w",
       {"forward", "vjp", "exact"}},
      {"last-of-ties", AdaptiveMaxPoolBug::kLastOfTies, "the last of equals wins", {"forward", "exact"}},
      {"nan-lost", AdaptiveMaxPoolBug::kNanLost, "NaN does not win", {"special"}},
      {"assigned",
       AdaptiveMaxPoolBug::kAssigned,
       "overlapping windows assign instead of adding",
       {"vjp", "fd-direct", "exact"}},
      {"not-zeroed", AdaptiveMaxPoolBug::kNotZeroed, "gradient buffer is not zeroed", {"vjp", "exact", "memory"}},
      {"argmax-of-own-window",
       AdaptiveMaxPoolBug::kArgmaxOfOwnWindow,
       "argmax counts taps of narrow windows closer together",
       {"forward", "exact"}},
      {"argmax-of-input",
       AdaptiveMaxPoolBug::kArgmaxOfInput,
       "argmax counts in the input, not in the window",
       {"forward", "exact"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back(
        {row.name, "adaptive_max_pool", row.what, row.oracles, wrong_adaptive_max_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_adaptive_max_pool() {
  return {"healthy-adaptive-max-pool",
          "adaptive_max_pool",
          "no bug",
          {},
          wrong_adaptive_max_pool("healthy", AdaptiveMaxPoolBug::kNone),
          {}};
}

}  // namespace gradproof
