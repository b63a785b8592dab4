// Wrong separable convolutions: one loop nest in which every bug is a deviation at its place.
#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/separable_conv.h"

namespace gradproof {
namespace {

enum class SeparableConvBug {
  kNone,
  kVectorsSwapped,
  kFlipped,
  kContractsWithItself,
  kContractsWithFlipped,
  kContractsWithFirstTap,
  kChannelsMixedBetween,
  kChannelsOfFirstGroup,
  kDilationOfRowsOnly,
  kBiasBetween,
  kPassesAdded,
};

class NaiveSeparableConv {
 public:
  NaiveSeparableConv(const NaiveCall& call, SeparableConvBug bug)
      : call_(call), bug_(bug), a_(conv_attributes(call.attributes)), h_(a_.window.axes[1]), w_(a_.window.axes[2]) {}

  void run() {
    call_.zero_outputs();
    for (Index n = 0; n < a_.mb; ++n)
      for (Index oc = 0; oc < a_.oc; ++oc)
        for (Index oh = 0; oh < h_.out(); ++oh)
          for (Index ow = 0; ow < w_.out(); ++ow) visit(n, oc, oh, ow);
  }

 private:
  bool is(SeparableConvBug bug) const { return bug_ == bug; }

  // Tap `kh` of the column and `kw` of the row of kernel (oc, ic).
  float vertical(Index oc, Index ic, Index kh) const {
    if (is(SeparableConvBug::kFlipped)) kh = h_.kernel - 1 - kh;
    if (is(SeparableConvBug::kVectorsSwapped))
      return call_.floats("weights_h")[(oc * a_.ic_per_group() + ic) * w_.kernel + kh % w_.kernel];
    return call_.floats("weights_v")[(oc * a_.ic_per_group() + ic) * h_.kernel + kh];
  }
  float horizontal(Index oc, Index ic, Index kw) const {
    if (is(SeparableConvBug::kFlipped)) kw = w_.kernel - 1 - kw;
    if (is(SeparableConvBug::kVectorsSwapped))
      return call_.floats("weights_v")[(oc * a_.ic_per_group() + ic) * h_.kernel + kw % h_.kernel];
    return call_.floats("weights_h")[(oc * a_.ic_per_group() + ic) * w_.kernel + kw];
  }
  // The row as it comes after the column: with the channels already summed, every column meets every row.
  float second(Index oc, Index ic, Index kw) const {
    if (!is(SeparableConvBug::kChannelsMixedBetween)) return horizontal(oc, ic, kw);
    float sum = 0;
    for (Index other = 0; other < a_.ic_per_group(); ++other) sum += horizontal(oc, other, kw);
    return sum;
  }

  void visit(Index n, Index oc, Index oh, Index ow) {
    const Index dst = ((n * a_.oc + oc) * h_.out() + oh) * w_.out() + ow;
    if (call_.pass.slot == "bias") {
      call_.floats("diff_bias")[oc] += call_.floats("diff_dst")[dst];
      return;
    }
    const Index group = is(SeparableConvBug::kChannelsOfFirstGroup) ? 0 : oc / a_.oc_per_group();
    for (Index ic = 0; ic < a_.ic_per_group(); ++ic)
      for (Index kh = 0; kh < h_.kernel; ++kh)
        for (Index kw = 0; kw < w_.kernel; ++kw) {
          const Index ih = oh * h_.stride - h_.pad_lo + kh * h_.dilation;
          const Index iw =
              ow * w_.stride - w_.pad_lo + kw * (is(SeparableConvBug::kDilationOfRowsOnly) ? 1 : w_.dilation);
          const bool inside = 0 <= ih && ih < h_.in && 0 <= iw && iw < w_.in;
          const Index src = ((n * a_.ic + group * a_.ic_per_group() + ic) * h_.in + ih) * w_.in + iw;
          term(oc, ic, kh, kw, inside ? src : -1, dst);
        }
    if (const float* bias = call_.floats("bias"); bias != nullptr && call_.pass.is_forward()) {
      float between = 0;
      for (Index kw = 0; kw < w_.kernel; ++kw) between += horizontal(oc, 0, kw);
      call_.floats("dst")[dst] += bias[oc] * (is(SeparableConvBug::kBiasBetween) ? between : 1);
    }
  }

  // `src` is -1 in the padding.
  void term(Index oc, Index ic, Index kh, Index kw, Index src, Index dst) {
    const float x = src < 0 ? 0 : call_.floats("src")[src];
    const float v = vertical(oc, ic, kh), h = second(oc, ic, kw);
    const float weight = is(SeparableConvBug::kPassesAdded) ? v + h : v * h;
    const Index kernel = oc * a_.ic_per_group() + ic;
    if (call_.pass.is_forward()) {
      call_.floats("dst")[dst] += weight * x;
    } else if (call_.pass.slot == "src") {
      if (src >= 0) call_.floats("diff_src")[src] += weight * call_.floats("diff_dst")[dst];
    } else if (call_.pass.slot == "weights_v") {
      call_.floats("diff_weights_v")[kernel * h_.kernel + kh] +=
          call_.floats("diff_dst")[dst] * x * other(oc, ic, kw, w_.kernel, v, h);
    } else {
      call_.floats("diff_weights_h")[kernel * w_.kernel + kw] +=
          call_.floats("diff_dst")[dst] * x * other(oc, ic, kh, h_.kernel, h, v);
    }
  }

  // What the gradient of one vector (`own` its element) is contracted with: the other vector, `right` at this tap.
  float other(Index oc, Index ic, Index tap, Index taps, float own, float right) const {
    const bool horizontally = call_.pass.slot == "weights_v";
    const auto at = [&](Index k) { return horizontally ? horizontal(oc, ic, k) : vertical(oc, ic, k); };
    if (is(SeparableConvBug::kContractsWithItself)) return own;
    if (is(SeparableConvBug::kContractsWithFlipped)) return at(taps - 1 - tap);
    if (is(SeparableConvBug::kContractsWithFirstTap)) return at(0);
    return right;
  }

  const NaiveCall& call_;
  SeparableConvBug bug_;
  ConvAttributes a_;
  WindowAxis h_, w_;
};

Implementation wrong_separable_conv(const std::string& name, SeparableConvBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveSeparableConv(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> separable_conv_mutants() {
  struct Row {
    const char* name;
    SeparableConvBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> everywhere{"forward", "vjp", "fd-direct", "exact"};
  const std::vector<std::string> values{"forward", "exact"};
  const std::vector<std::string> gradients{"vjp", "fd-direct", "exact"};
  const std::vector<Row> rows{
      {"vectors-swapped", SeparableConvBug::kVectorsSwapped,
       "the column runs along the row and the row along the column", everywhere},
      {"flipped", SeparableConvBug::kFlipped, "convolution for cross-correlation: both vectors reversed", everywhere},
      {"contracts-with-itself", SeparableConvBug::kContractsWithItself,
       "gradient of a vector contracted with that same vector", gradients},
      {"contracts-with-flipped", SeparableConvBug::kContractsWithFlipped,
       "gradient of a vector contracted in reverse order", gradients},
      {"contracts-with-first-tap", SeparableConvBug::kContractsWithFirstTap,
       "gradient of a vector sees the other's first tap only", gradients},
      {"channels-mixed-between", SeparableConvBug::kChannelsMixedBetween, "channels summed between the two passes",
       everywhere},
      {"group-channels", SeparableConvBug::kChannelsOfFirstGroup, "channels of the first group in every group",
       everywhere},
      {"dilation-of-rows-only", SeparableConvBug::kDilationOfRowsOnly, "dilation lost in the second pass", everywhere},
      {"bias-between", SeparableConvBug::kBiasBetween, "bias added between the two passes", values},
      {"passes-added", SeparableConvBug::kPassesAdded, "the two passes added, not chained", everywhere},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "separable_conv", row.what, row.oracles, wrong_separable_conv(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_separable_conv() {
  return {"healthy-separable-conv",
          "separable_conv",
          "no bug",
          {},
          wrong_separable_conv("healthy", SeparableConvBug::kNone),
          {}};
}

}  // namespace gradproof
