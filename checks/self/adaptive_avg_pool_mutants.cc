// Wrong adaptive averages.
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/pool/adaptive_avg_pool.h"

namespace gradproof {
namespace {

enum class AdaptiveAvgPoolBug {
  kNone,
  kEndFloored,
  kStartRounded,
  kEqualWindows,
  kLargestDivides,
  kGradientNotDivided,
  kAssigned,
  kOutputsSwapped,
  kNotZeroed,
};

class NaiveAdaptivePool {
 public:
  NaiveAdaptivePool(const NaiveCall& call, AdaptiveAvgPoolBug bug)
      : call_(call), bug_(bug), a_(adaptive_pool_attributes(call.attributes)) {}

  void run() {
    if (!is(AdaptiveAvgPoolBug::kNotZeroed)) call_.zero_outputs();
    const auto& [d, h, w] = a_.axes;
    Index window = 0;
    for (Index plane = 0; plane < a_.mb * a_.c; ++plane)
      for (Index od = 0; od < d.out; ++od)
        for (Index oh = 0; oh < h.out; ++oh)
          for (Index ow = 0; ow < w.out; ++ow) visit(plane, window++, {range(d, od), range(h, oh), range(w, ow)});
  }

 private:
  struct Range {
    Index first, end;
  };

  bool is(AdaptiveAvgPoolBug bug) const { return bug_ == bug; }

  Range range(const AdaptiveAxis& axis, Index o) const {
    Range range{axis.first(o), axis.end(o)};
    if (is(AdaptiveAvgPoolBug::kEndFloored)) range.end = std::max(range.first + 1, (o + 1) * axis.in / axis.out);
    if (is(AdaptiveAvgPoolBug::kStartRounded))
      range.first = std::min((2 * o * axis.in / axis.out + 1) / 2, range.end - 1);
    if (is(AdaptiveAvgPoolBug::kEqualWindows)) {
      const Index stride = std::max<Index>(1, axis.in / axis.out);
      range.first = std::min(o * stride, axis.in - 1);
      range.end = std::min(axis.in, range.first + std::max<Index>(1, axis.in - (axis.out - 1) * stride));
    }
    return range;
  }

  void visit(Index plane, Index window, const std::array<Range, 3>& box) {
    const auto& [d, h, w] = a_.axes;
    float divisor = 1;
    for (size_t axis = 0; axis < 3; ++axis)
      divisor *= static_cast<float>(is(AdaptiveAvgPoolBug::kLargestDivides) ? a_.axes[axis].largest()
                                                                            : box[axis].end - box[axis].first);
    if (is(AdaptiveAvgPoolBug::kOutputsSwapped)) window = swapped(window);
    float sum = 0;
    for (Index id = box[0].first; id < box[0].end; ++id)
      for (Index ih = box[1].first; ih < box[1].end; ++ih)
        for (Index iw = box[2].first; iw < box[2].end; ++iw) {
          const Index input = ((plane * d.in + id) * h.in + ih) * w.in + iw;
          call_.pass.is_forward() ? void(sum += call_.floats("src")[input]) : send(window, divisor, input);
        }
    if (call_.pass.is_forward()) call_.floats("dst")[window] = sum / divisor;
  }

  void send(Index window, float divisor, Index input) {
    float& sum = call_.floats("diff_src")[input];
    const float share =
        call_.floats("diff_dst")[window] / (is(AdaptiveAvgPoolBug::kGradientNotDivided) ? 1.0F : divisor);
    sum = (is(AdaptiveAvgPoolBug::kAssigned) ? 0.0F : sum) + share;
  }

  // Rows and columns of the outputs exchanged.
  Index swapped(Index window) const {
    const Index h = a_.axes[1].out, w = a_.axes[2].out, slice = window / (h * w), at = window % (h * w);
    return slice * h * w + at % w * h + at / w;
  }

  const NaiveCall& call_;
  AdaptiveAvgPoolBug bug_;
  AdaptivePoolAttributes a_;
};

Implementation wrong_adaptive_avg_pool(const std::string& name, AdaptiveAvgPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveAdaptivePool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> adaptive_avg_pool_mutants() {
  struct Row {
    const char* name;
    AdaptiveAvgPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"end-floored",
       AdaptiveAvgPoolBug::kEndFloored,
       "windows end at the floor for the ceil",
       {"forward", "vjp", "fd-direct"}},
      {"start-rounded",
       AdaptiveAvgPoolBug::kStartRounded,
       "windows start at the nearest for the floor",
       {"forward", "vjp"}},
      {"equal-windows",
       AdaptiveAvgPoolBug::kEqualWindows,
       "every window has the same size",
       {"forward", "vjp", "fd-direct"}},
      {"largest-divides",
       AdaptiveAvgPoolBug::kLargestDivides,
       "divides by the largest window",
       {"forward", "vjp", "fd-direct"}},
      {"gradient-not-divided",
       AdaptiveAvgPoolBug::kGradientNotDivided,
       "the gradient is not divided",
       {"vjp", "fd-direct"}},
      {"assigned", AdaptiveAvgPoolBug::kAssigned, "overlapping windows assign instead of adding", {"vjp", "fd-direct"}},
      {"outputs-swapped",
       AdaptiveAvgPoolBug::kOutputsSwapped,
       "rows and columns of the output confused",
       {"forward", "vjp"}},
      {"not-zeroed", AdaptiveAvgPoolBug::kNotZeroed, "gradient buffer is not zeroed", {"vjp", "memory"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back(
        {row.name, "adaptive_avg_pool", row.what, row.oracles, wrong_adaptive_avg_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_adaptive_avg_pool() {
  return {"healthy-adaptive-avg-pool",
          "adaptive_avg_pool",
          "no bug",
          {},
          wrong_adaptive_avg_pool("healthy", AdaptiveAvgPoolBug::kNone),
          {}};
}

}  // namespace gradproof
