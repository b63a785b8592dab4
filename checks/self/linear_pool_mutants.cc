// Wrong average and sum pools.
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/pool/linear_pool.h"

namespace gradproof {
namespace {

enum class LinearPoolBug {
  kNone,
  kOverhangCounted,
  kDivisorIgnored,
  kIncludePadInverted,
  kPadCountedInGradient,
  kGradientNotDivided,
  kAssigned,
  kNotZeroed,
  kStridesSwapped,
  kDilationIgnored,
  kPaddedWithEdge,
  kRunningSum,
};

class NaiveLinearPool {
 public:
  NaiveLinearPool(const NaiveCall& call, LinearPoolBug bug)
      : call_(call), bug_(bug), a_(linear_pool_attributes(call.attributes)), w_(a_.window.axes) {
    for (size_t axis = 0; axis < 3; ++axis) out_[axis] = w_[axis].out();
    if (is(LinearPoolBug::kStridesSwapped)) std::swap(w_[1].stride, w_[2].stride);
    if (is(LinearPoolBug::kDilationIgnored)) w_[1].dilation = w_[2].dilation = 1;
    if (is(LinearPoolBug::kDivisorIgnored)) a_.divisor = 0;
    if (is(LinearPoolBug::kIncludePadInverted)) a_.count_include_pad = !a_.count_include_pad;
    if (is(LinearPoolBug::kPadCountedInGradient) && !call.pass.is_forward()) a_.count_include_pad = true;
  }

  void run() {
    if (!is(LinearPoolBug::kNotZeroed)) call_.zero_outputs();
    for (Index plane = 0; plane < a_.mb * a_.c; ++plane)
      for (Index od = 0; od < out_[0]; ++od)
        for (Index oh = 0; oh < out_[1]; ++oh)
          for (Index ow = 0; ow < out_[2]; ++ow) visit(plane, {od, oh, ow});
  }

 private:
  using Place = std::array<Index, 3>;

  bool is(LinearPoolBug bug) const { return bug_ == bug; }

  // Whether the tap at input i of an axis counts towards the divisor.
  bool counts(size_t axis, Index i) const {
    if (is(LinearPoolBug::kOverhangCounted)) return true;
    const WindowAxis& w = w_[axis];
    return a_.count_include_pad ? i >= -w.pad_lo && i < w.in + w.pad_hi : i >= 0 && i < w.in;
  }

  // The input that a tap reads; -1 in the padding.
  Index source(Index plane, Place i) const {
    for (size_t axis = 0; axis < 3; ++axis) {
      const Index last = w_[axis].in - 1;
      if (is(LinearPoolBug::kPaddedWithEdge)) i[axis] = std::clamp<Index>(i[axis], 0, last);
      if (i[axis] < 0 || i[axis] > last) return -1;
    }
    return ((plane * w_[0].in + i[0]) * w_[1].in + i[1]) * w_[2].in + i[2];
  }

  // The inputs that the taps of a window read, and what their sum is divided by.
  std::pair<std::vector<Index>, float> look(Index plane, const Place& o) const {
    std::vector<Index> sources;
    Index count = 0;
    const auto input = [&](size_t axis, Index k) {
      return o[axis] * w_[axis].stride - w_[axis].pad_lo + k * w_[axis].dilation;
    };
    for (Index kd = 0; kd < w_[0].kernel; ++kd)
      for (Index kh = 0; kh < w_[1].kernel; ++kh)
        for (Index kw = 0; kw < w_[2].kernel; ++kw) {
          const Place i{input(0, kd), input(1, kh), input(2, kw)};
          if (counts(0, i[0]) && counts(1, i[1]) && counts(2, i[2])) ++count;
          if (const Index from = source(plane, i); from >= 0) sources.push_back(from);
        }
    if (!a_.average) return {sources, 1.0F};
    return {sources, static_cast<float>(a_.divisor != 0 ? a_.divisor : count)};
  }

  void visit(Index plane, const Place& o) {
    const Index window = ((plane * out_[0] + o[0]) * out_[1] + o[1]) * out_[2] + o[2];
    const auto [sources, divisor] = look(plane, o);
    if (call_.pass.is_forward()) {
      call_.floats("dst")[window] = sum_of(sources) / divisor;
    } else {
      const float share = call_.floats("diff_dst")[window] / (is(LinearPoolBug::kGradientNotDivided) ? 1.0F : divisor);
      for (const Index from : sources) {
        float& sum = call_.floats("diff_src")[from];
        sum = (is(LinearPoolBug::kAssigned) ? 0.0F : sum) + share;
      }
    }
  }

  float sum_of(const std::vector<Index>& sources) {
    const float* src = call_.floats("src");
    if (!is(LinearPoolBug::kRunningSum)) running_ = 0;
    for (const Index from : is(LinearPoolBug::kRunningSum) ? before_ : std::vector<Index>()) running_ -= src[from];
    for (const Index from : sources) running_ += src[from];
    before_ = sources;
    return running_;
  }

  const NaiveCall& call_;
  LinearPoolBug bug_;
  LinearPoolAttributes a_;
  std::array<WindowAxis, 3> w_;
  Place out_{};
  std::vector<Index> before_;  // what the running sum holds
  float running_ = 0;
};

Implementation wrong_linear_pool(const std::string& name, LinearPoolBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveLinearPool(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> linear_pool_mutants() {
  struct Row {
    const char* operation;
    const char* name;
    LinearPoolBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"avg_pool",
       "overhang-counted",
       LinearPoolBug::kOverhangCounted,
       "ceil_mode overhang is counted in the divisor",
       {"forward", "vjp", "fd-direct"}},
      {"avg_pool",
       "divisor-ignored",
       LinearPoolBug::kDivisorIgnored,
       "the divisor given is ignored",
       {"forward", "vjp", "fd-direct"}},
      {"avg_pool",
       "include-pad-inverted",
       LinearPoolBug::kIncludePadInverted,
       "count_include_pad means its opposite",
       {"forward", "vjp", "fd-direct"}},
      {"avg_pool",
       "pad-counted-in-gradient",
       LinearPoolBug::kPadCountedInGradient,
       "padding is counted in the gradient but not in the forward pass",
       {"vjp", "fd-direct"}},
      {"avg_pool",
       "gradient-not-divided",
       LinearPoolBug::kGradientNotDivided,
       "the gradient is not divided",
       {"vjp", "fd-direct"}},
      {"avg_pool",
       "assigned",
       LinearPoolBug::kAssigned,
       "overlapping windows assign instead of adding",
       {"vjp", "fd-direct"}},
      {"avg_pool", "not-zeroed", LinearPoolBug::kNotZeroed, "gradient buffer is not zeroed", {"vjp", "memory"}},
      {"avg_pool",
       "strides-swapped",
       LinearPoolBug::kStridesSwapped,
       "stride_h and stride_w confused",
       {"forward", "vjp"}},
      {"avg_pool",
       "running-sum",
       LinearPoolBug::kRunningSum,
       "a running sum subtracts what leaves the window: NaN stays",
       {"special"}},
      {"sum_pool",
       "assigned",
       LinearPoolBug::kAssigned,
       "overlapping windows assign instead of adding",
       {"vjp", "fd-direct", "exact"}},
      {"sum_pool",
       "not-zeroed",
       LinearPoolBug::kNotZeroed,
       "gradient buffer is not zeroed",
       {"vjp", "exact", "memory"}},
      {"sum_pool",
       "strides-swapped",
       LinearPoolBug::kStridesSwapped,
       "stride_h and stride_w confused",
       {"forward", "vjp", "exact"}},
      {"sum_pool",
       "dilation-ignored",
       LinearPoolBug::kDilationIgnored,
       "dilation is ignored",
       {"forward", "vjp", "exact", "fd-direct"}},
      {"sum_pool",
       "padded-with-edge",
       LinearPoolBug::kPaddedWithEdge,
       "padding repeats the edge instead of being left out",
       {"forward", "vjp", "exact", "fd-direct"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, row.operation, row.what, row.oracles, wrong_linear_pool(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_avg_pool() {
  return {"healthy-avg-pool", "avg_pool", "no bug", {}, wrong_linear_pool("healthy", LinearPoolBug::kNone), {}};
}
Mutant healthy_sum_pool() {
  return {"healthy-sum-pool", "sum_pool", "no bug", {}, wrong_linear_pool("healthy", LinearPoolBug::kNone), {}};
}

}  // namespace gradproof
