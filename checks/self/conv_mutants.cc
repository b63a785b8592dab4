// Wrong convolutions: one loop nest in which every bug is a deviation at its place.
#include <algorithm>
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/conv.h"

namespace gradproof {
namespace {

enum class ConvBug {
  kNone,
  kStridesSwapped,
  kDilationOffByOne,
  kDilationLostWithStride,
  kPaddingOfOtherSide,
  kLargePaddingClamped,
  kChannelsOfFirstGroup,
  kWeightsGradientOfFirstGroup,
  kGradientOfFirstGroupOnly,
  kLastWindowDropped,
  kNoFlipWhenDilated,
  kPaddingNotMirrored,
  kBiasOfFirstSample,
  kBiasGradientOverWrongAxis,
  kAddsIntoOutput,
  kUncoveredLeftUnwritten,
  kTailChannelTimesZero,
  kLastColumnSkipped,
  kOverlapCountedTwice,
  kStoresPastEnd,
  kReadsPastEnd,
  kChangesInput,
  kSumDependsOnThreads,
  kSumDependsOnAlignment,
  kStateSurvivesRun,
  kTermDropped,
  kRoundsToHalfPrecision,
};

WindowAxis bent(WindowAxis axis, const WindowAxis& other, ConvBug bug) {
  switch (bug) {
    case ConvBug::kStridesSwapped:
      axis.stride = other.stride;
      break;
    case ConvBug::kDilationOffByOne:
      axis.dilation += axis.dilation > 1 ? 1 : 0;
      break;
    case ConvBug::kDilationLostWithStride:
      if (axis.stride > 1) axis.dilation = 1;
      break;
    case ConvBug::kPaddingOfOtherSide:
      axis.pad_lo = axis.pad_hi;
      break;
    case ConvBug::kLargePaddingClamped:
      axis.pad_lo = std::min(axis.pad_lo, axis.kernel - 1);
      break;
    default:
      break;
  }
  return axis;
}

class NaiveConv {
 public:
  NaiveConv(const NaiveCall& call, ConvBug bug)
      : call_(call), bug_(bug), a_(conv_attributes(call.attributes)), w_(a_.window.axes) {
    for (size_t axis = 0; axis < 3; ++axis) out_[axis] = w_[axis].out();
    w_[1] = bent(w_[1], a_.window.axes[2], bug);
    w_[2] = bent(w_[2], a_.window.axes[1], bug);
  }

  void run() {
    if (!is(ConvBug::kAddsIntoOutput) && !is(ConvBug::kUncoveredLeftUnwritten)) call_.zero_outputs();
    if (call_.pass.slot == "bias") return sum_bias();
    for (Index n = 0; n < a_.mb; ++n)
      for (Index oc = 0; oc < a_.oc; ++oc)
        for (Index od = 0; od < out_[0]; ++od)
          for (Index oh = 0; oh < out_[1]; ++oh)
            for (Index ow = 0; ow < out_[2]; ++ow) visit(n, oc, od, oh, ow);
    misbehave_at_end();
  }

 private:
  bool is(ConvBug bug) const { return bug_ == bug; }
  Index taps() const { return a_.window.taps(); }

  // Source element of a tap, or -1 in the padding.
  Index source_of(Index od, Index oh, Index ow, Index kd, Index kh, Index kw) const {
    const auto at = [&](size_t axis, Index o, Index k) {
      const WindowAxis& w = w_[axis];
      const bool mirrored = is(ConvBug::kPaddingNotMirrored) && call_.pass.slot == "src";
      const Index pad = mirrored ? w.extent() - 1 - w.pad_lo : w.pad_lo;
      const bool unflipped = is(ConvBug::kNoFlipWhenDilated) && call_.pass.slot == "src" && w.dilation > 1;
      return o * w.stride - pad + (unflipped ? w.kernel - 1 - k : k) * w.dilation;
    };
    const Index id = at(0, od, kd), ih = at(1, oh, kh), iw = at(2, ow, kw);
    if (id < 0 || id >= w_[0].in || ih < 0 || ih >= w_[1].in || iw < 0 || iw >= w_[2].in) return -1;
    return (id * w_[1].in + ih) * w_[2].in + iw;
  }

  void visit(Index n, Index oc, Index od, Index oh, Index ow) {
    const Index pixel = (od * out_[1] + oh) * out_[2] + ow;
    const Index dst = (n * a_.oc + oc) * out_[0] * out_[1] * out_[2] + pixel;
    const Index group = oc / a_.oc_per_group();
    if (is(ConvBug::kGradientOfFirstGroupOnly) && !call_.pass.is_forward() && group > 0) return;
    if (is(ConvBug::kLastWindowDropped) && !call_.pass.is_forward() && ow == out_[2] - 1 &&
        (w_[2].in + w_[2].pad_lo + w_[2].pad_hi - w_[2].extent()) % w_[2].stride != 0)
      return;
    if (is(ConvBug::kLastColumnSkipped) && call_.pass.is_forward() && ow == 16) {
      call_.floats("dst")[dst] = std::nanf("");
      return;
    }
    std::vector<float> products;
    for (Index ic = 0; ic < a_.ic_per_group(); ++ic)
      for (Index kd = 0; kd < w_[0].kernel; ++kd)
        for (Index kh = 0; kh < w_[1].kernel; ++kh)
          for (Index kw = 0; kw < w_[2].kernel; ++kw) {
            const Index inside = source_of(od, oh, ow, kd, kh, kw);
            const Index tap = (kd * w_[1].kernel + kh) * w_[2].kernel + kw;
            term(n, oc, group, ic, tap, inside, dst, products);
          }
    if (call_.pass.is_forward()) finish(n, oc, dst, products);
  }

  void term(Index n, Index oc, Index group, Index ic, Index tap, Index inside, Index dst,
            std::vector<float>& products) {
    const bool first_group = is(ConvBug::kChannelsOfFirstGroup) ||
                             (is(ConvBug::kWeightsGradientOfFirstGroup) && call_.pass.slot == "weights");
    const Index channel = (first_group ? 0 : group * a_.ic_per_group()) + ic;
    const Index src = (n * a_.ic + channel) * w_[0].in * w_[1].in * w_[2].in + inside;
    const Index weight = (oc * a_.ic_per_group() + ic) * taps() + tap;
    const float* x = call_.floats("src");
    if (call_.pass.is_forward()) {
      products.push_back(call_.floats("weights")[weight] * (inside < 0 ? 0.0F : x[src]));  // padding takes part
    } else if (call_.pass.slot == "src") {
      if (inside < 0) return;
      float& sum = call_.floats("diff_src")[src];
      if (is(ConvBug::kUncoveredLeftUnwritten) && std::isnan(sum)) sum = 0;
      sum += call_.floats("diff_dst")[dst] * call_.floats("weights")[weight];
    } else {
      float& sum = call_.floats("diff_weights")[weight];
      if (is(ConvBug::kUncoveredLeftUnwritten) && std::isnan(sum)) sum = 0;
      sum += call_.floats("diff_dst")[dst] * (inside < 0 ? 0.0F : x[src]) * (is_counted_twice(dst) ? 2.0F : 1.0F);
    }
  }

  // Whether the last vector of 8 columns, moved back into the row, overlaps its neighbour here.
  bool is_counted_twice(Index dst) const {
    const Index ow = dst % out_[2];
    return is(ConvBug::kOverlapCountedTwice) && out_[2] >= 8 && ow >= out_[2] - 8 && ow < out_[2] / 8 * 8 &&
           out_[2] % 8 != 0;
  }

  void finish(Index n, Index oc, Index dst, std::vector<float>& products) {
    if (is(ConvBug::kTermDropped) && products.size() > 20) products.pop_back();
    if (is(ConvBug::kSumDependsOnThreads) && call_.threads > 1) std::reverse(products.begin(), products.end());
    if (is(ConvBug::kSumDependsOnAlignment) && reinterpret_cast<std::uintptr_t>(call_.floats("dst")) % 64 != 0)
      std::reverse(products.begin(), products.end());
    float sum = 0;
    for (float product : products) sum += product;
    if (is(ConvBug::kTailChannelTimesZero) && a_.ic % 4 != 0)
      for (Index i = 0; i < call_.count("src"); ++i) sum += 0.0F * call_.floats("src")[i];
    if (const float* bias = call_.floats("bias")) sum += bias[is(ConvBug::kBiasOfFirstSample) && n > 0 ? 0 : oc];
    if (is(ConvBug::kRoundsToHalfPrecision)) sum = std::ldexp(std::round(std::ldexp(sum, 10)), -10);
    float& out = call_.floats("dst")[dst];
    out = is(ConvBug::kAddsIntoOutput) ? out + sum : sum;
  }

  void sum_bias() {
    const Index size = out_[0] * out_[1] * out_[2];
    const Index samples = is(ConvBug::kBiasGradientOverWrongAxis) ? 1 : a_.mb;
    for (Index oc = 0; oc < a_.oc; ++oc) {
      float sum = 0;
      for (Index n = 0; n < samples; ++n)
        for (Index i = 0; i < size; ++i) sum += call_.floats("diff_dst")[(n * a_.oc + oc) * size + i];
      float& out = call_.floats("diff_bias")[oc];
      out = is(ConvBug::kAddsIntoOutput) ? out + sum : sum;
    }
  }

  void misbehave_at_end() {
    if (!call_.pass.is_forward()) return;
    if (is(ConvBug::kStoresPastEnd)) call_.floats("dst")[call_.count("dst")] = 0;
    if (is(ConvBug::kChangesInput)) call_.floats("src")[0] += 1;
    if (is(ConvBug::kReadsPastEnd)) {
      const volatile float beyond = call_.floats("src")[call_.count("src")];
      call_.floats("dst")[0] += beyond > 1e30F ? 1.0F : 0.0F;
    }
  }

  const NaiveCall& call_;
  ConvBug bug_;
  ConvAttributes a_;
  std::array<WindowAxis, 3> w_;
  std::array<Index, 3> out_{};
};

Implementation wrong_conv(const std::string& name, ConvBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveConv(call, bug).run(); });
}

// Accumulators that a second run finds as the first one left them.
Implementation stateful(const std::string& name) {
  const auto runs = std::make_shared<float>(0.0F);
  return naive_implementation(name, [runs](const NaiveCall& call) {
    NaiveConv(call, ConvBug::kNone).run();
    if (float* dst = call.floats("dst"); dst != nullptr && call.pass.is_forward()) dst[0] += *runs;
    *runs += 1;
  });
}

}  // namespace

std::vector<Mutant> conv_mutants() {
  struct Row {
    const char* name;
    ConvBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> values{"forward", "exact"};
  const std::vector<std::string> gradients{"vjp", "fd-direct", "exact"};
  const std::vector<Row> rows{
      {"strides-swapped", ConvBug::kStridesSwapped, "stride_h and stride_w confused [oneDNN MFDNN-1968]", values},
      {"dilation-off-by-one", ConvBug::kDilationOffByOne, "d + 1 for d [oneDNN 438]", values},
      {"dilation-lost", ConvBug::kDilationLostWithStride, "dilation ignored with a stride [TensorFlow 127827]", values},
      {"other-side-padding", ConvBug::kPaddingOfOtherSide, "one-sided padding on the other side [oneDNN DNNL-796]",
       values},
      {"large-padding", ConvBug::kLargePaddingClamped, "padding beyond the kernel clamped [oneDNN DNNL-796]", values},
      {"group-channels",
       ConvBug::kChannelsOfFirstGroup,
       "channels of the first group in every group [PyTorch 19912]",
       {"forward", "exact", "vjp", "fd-direct"}},
      {"group-weights-gradient", ConvBug::kWeightsGradientOfFirstGroup,
       "weight gradient right for groups = 1 only [PyTorch 51430]", gradients},
      {"first-group-gradient", ConvBug::kGradientOfFirstGroupOnly, "only group 0 gets a gradient", gradients},
      {"last-window-dropped", ConvBug::kLastWindowDropped,
       "gradient ignores the last window where the stride does not divide [backpack 30]", gradients},
      {"no-flip", ConvBug::kNoFlipWhenDilated, "no kernel flip in the data gradient with dilation", gradients},
      {"padding-not-mirrored", ConvBug::kPaddingNotMirrored, "data gradient pads p for k_eff - 1 - p", gradients},
      {"bias-first-sample", ConvBug::kBiasOfFirstSample, "bias of channel 0 from the second sample on", values},
      {"bias-gradient-axis", ConvBug::kBiasGradientOverWrongAxis, "bias gradient leaves the batch out", gradients},
      {"adds-into-output",
       ConvBug::kAddsIntoOutput,
       "adds into the output instead of overwriting it",
       {"forward", "vjp", "exact", "memory"}},
      {"uncovered-unwritten",
       ConvBug::kUncoveredLeftUnwritten,
       "strided data gradient leaves skipped positions unwritten",
       {"vjp", "exact"}},
      {"tail-channel-nan",
       ConvBug::kTailChannelTimesZero,
       "channel tail times zero leaks NaN [oneDNN 5717]",
       {"special"}},
      {"last-column-skipped", ConvBug::kLastColumnSkipped, "the column behind a whole vector is skipped", values},
      {"overlap-counted-twice", ConvBug::kOverlapCountedTwice,
       "weight gradient counts columns twice that the last vector of a row shares", gradients},
      {"stores-past-end", ConvBug::kStoresPastEnd, "stores a full vector past the end", {"memory"}},
      {"reads-past-end", ConvBug::kReadsPastEnd, "loads a full vector past the end, and discards it", {"memory"}},
      {"changes-input", ConvBug::kChangesInput, "perturbs its input", {"memory"}},
      {"thread-dependent-sum",
       ConvBug::kSumDependsOnThreads,
       "order of the sum depends on the threads",
       {"determinism"}},
      {"alignment-dependent-sum",
       ConvBug::kSumDependsOnAlignment,
       "order of the sum depends on the alignment",
       {"determinism"}},
      {"term-dropped", ConvBug::kTermDropped, "the last product of a long sum is lost", values},
      {"half-precision", ConvBug::kRoundsToHalfPrecision, "result rounded to 10 binary places", {"forward"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "conv", row.what, row.oracles, wrong_conv(row.name, row.bug), {}});
  mutants.push_back({"state-survives",
                     "conv",
                     "accumulators are not reset between runs",
                     {"determinism"},
                     stateful("state-survives"),
                     {}});
  return mutants;
}

Mutant healthy_conv() { return {"healthy-conv", "conv", "no bug", {}, wrong_conv("healthy", ConvBug::kNone), {}}; }

}  // namespace gradproof
