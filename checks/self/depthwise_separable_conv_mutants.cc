// Wrong depthwise separable convolutions: two plain steps in which every bug is a deviation at its place.
#include <algorithm>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/depthwise_separable_conv.h"

namespace gradproof {
namespace {

enum class DepthwiseSeparableConvBug {
  kNone,
  kChannelsOfFirstGroup,
  kGroupsInterleaved,
  kPointwiseTransposed,
  kBiasBetween,
  kRectifiedBetween,
  kMixesNextChannel,
  kIntermediateZero,
  kIntermediateIsSource,
  kCotangentUnmixed,
  kWorkspaceKept,
};

class NaiveDepthwiseSeparable {
 public:
  // `mid` outlives the run.
  NaiveDepthwiseSeparable(const NaiveCall& call, DepthwiseSeparableConvBug bug, std::vector<float>& mid)
      : call_(call),
        bug_(bug),
        a_(depthwise_separable_attributes(call.attributes)),
        h_(a_.window.axes[1]),
        w_(a_.window.axes[2]),
        pixels_(a_.window.out_count()),
        mid_(mid) {
    if (!is(DepthwiseSeparableConvBug::kWorkspaceKept)) mid_.clear();
    mid_.resize(static_cast<size_t>(a_.mb * a_.ic * pixels_), 0.0F);
  }

  void run() {
    call_.zero_outputs();
    const std::string& slot = call_.pass.slot;
    if (call_.pass.is_forward()) {
      convolve();
      mix();
    } else if (slot == "bias") {
      for_each_dst(
          [&](Index, Index oc, Index, Index dst) { call_.floats("diff_bias")[oc] += call_.floats("diff_dst")[dst]; });
    } else if (slot == "weights_pw") {
      if (!is(DepthwiseSeparableConvBug::kIntermediateZero)) convolve();
      mix_weights_gradient();
    } else {
      unmix();
      convolution_gradient();
    }
  }

 private:
  bool is(DepthwiseSeparableConvBug bug) const { return bug_ == bug; }
  float& mid(Index n, Index m, Index p) { return mid_[static_cast<size_t>((n * a_.ic + m) * pixels_ + p)]; }

  float pointwise(Index oc, Index m) const {
    return call_.floats(
        "weights_pw")[is(DepthwiseSeparableConvBug::kPointwiseTransposed) ? m * a_.oc + oc : oc * a_.ic + m];
  }

  template <class Visit>
  void for_each_dst(Visit visit) {
    for (Index n = 0; n < a_.mb; ++n)
      for (Index oc = 0; oc < a_.oc; ++oc)
        for (Index p = 0; p < pixels_; ++p) visit(n, oc, p, (n * a_.oc + oc) * pixels_ + p);
  }

  // visit(n, m, p, weight, src) for every product of the convolution in space; src is -1 in the padding.
  template <class Visit>
  void for_each_product(Visit visit) {
    const Index size = a_.channels_per_group();
    for (Index n = 0; n < a_.mb; ++n)
      for (Index m = 0; m < a_.ic; ++m)
        for (Index p = 0; p < pixels_; ++p)
          for (Index ic = 0; ic < size; ++ic)
            for (Index k = 0; k < h_.kernel * w_.kernel; ++k) {
              const Index ih = p / w_.out() * h_.stride - h_.pad_lo + k / w_.kernel * h_.dilation;
              const Index iw = p % w_.out() * w_.stride - w_.pad_lo + k % w_.kernel * w_.dilation;
              const bool inside = 0 <= ih && ih < h_.in && 0 <= iw && iw < w_.in;
              const Index src = ((n * a_.ic + channel(m, ic)) * h_.in + ih) * w_.in + iw;
              visit(n, m, p, (m * size + ic) * h_.kernel * w_.kernel + k, inside ? src : -1);
            }
  }

  // The channel of src that channel m sees as number ic of its group.
  Index channel(Index m, Index ic) const {
    const Index size = a_.channels_per_group();
    if (is(DepthwiseSeparableConvBug::kChannelsOfFirstGroup)) return ic;
    if (is(DepthwiseSeparableConvBug::kGroupsInterleaved)) return m % a_.g + ic * a_.g;
    return m / size * size + ic;
  }

  void convolve() {
    for_each_product([&](Index n, Index m, Index p, Index weight, Index src) {
      const float x = src < 0 ? 0.0F : call_.floats("src")[src];
      mid(n, m, p) += call_.floats("weights_dw")[weight] * x;
    });
    if (is(DepthwiseSeparableConvBug::kRectifiedBetween))
      for (float& x : mid_) x = std::max(x, 0.0F);
  }

  void mix() {
    const float* bias = call_.floats("bias");
    for_each_dst([&](Index n, Index oc, Index p, Index dst) {
      float sum = 0;
      for (Index m = 0; m < a_.ic; ++m) {
        const bool biased = is(DepthwiseSeparableConvBug::kBiasBetween) && bias != nullptr;
        const Index from = is(DepthwiseSeparableConvBug::kMixesNextChannel) ? (m + 1) % a_.ic : m;
        sum += pointwise(oc, m) * (mid(n, from, p) + (biased ? bias[m % a_.oc] : 0.0F));
      }
      call_.floats("dst")[dst] = bias == nullptr || is(DepthwiseSeparableConvBug::kBiasBetween) ? sum : sum + bias[oc];
    });
  }

  void mix_weights_gradient() {
    for_each_dst([&](Index n, Index oc, Index p, Index dst) {
      for (Index m = 0; m < a_.ic; ++m) {
        const Index inputs = h_.in * w_.in;
        const float x = is(DepthwiseSeparableConvBug::kIntermediateIsSource)
                            ? call_.floats("src")[(n * a_.ic + m) * inputs + p % inputs]
                            : mid(n, m, p);
        call_.floats("diff_weights_pw")[oc * a_.ic + m] += call_.floats("diff_dst")[dst] * x;
      }
    });
  }

  // The cotangents of what lies between, into mid.
  void unmix() {
    for_each_dst([&](Index n, Index oc, Index p, Index dst) {
      for (Index m = 0; m < a_.ic; ++m)
        if (!is(DepthwiseSeparableConvBug::kCotangentUnmixed) || m == oc)
          mid(n, m, p) +=
              call_.floats("diff_dst")[dst] * (is(DepthwiseSeparableConvBug::kCotangentUnmixed) ? 1 : pointwise(oc, m));
    });
  }

  void convolution_gradient() {
    for_each_product([&](Index n, Index m, Index p, Index weight, Index src) {
      if (call_.pass.slot == "weights_dw")
        call_.floats("diff_weights_dw")[weight] += mid(n, m, p) * (src < 0 ? 0.0F : call_.floats("src")[src]);
      else if (src >= 0)
        call_.floats("diff_src")[src] += mid(n, m, p) * call_.floats("weights_dw")[weight];
    });
  }

  const NaiveCall& call_;
  DepthwiseSeparableConvBug bug_;
  DepthwiseSeparableAttributes a_;
  WindowAxis h_, w_;
  Index pixels_;
  std::vector<float>& mid_;
};

Implementation wrong_depthwise_separable_conv(const std::string& name, DepthwiseSeparableConvBug bug) {
  const auto workspace = std::make_shared<std::vector<float>>();
  return naive_implementation(
      name, [bug, workspace](const NaiveCall& call) { NaiveDepthwiseSeparable(call, bug, *workspace).run(); });
}

}  // namespace

std::vector<Mutant> depthwise_separable_conv_mutants() {
  struct Row {
    const char* name;
    DepthwiseSeparableConvBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> everywhere{"forward", "vjp", "fd-direct", "exact"};
  const std::vector<std::string> values{"forward", "exact"};
  const std::vector<std::string> gradients{"vjp", "fd-direct", "exact"};
  const std::vector<Row> rows{
      {"group-channels", DepthwiseSeparableConvBug::kChannelsOfFirstGroup, "channels of the first group in every group",
       everywhere},
      {"groups-interleaved", DepthwiseSeparableConvBug::kGroupsInterleaved, "channel m in group m mod g", everywhere},
      {"pointwise-transposed", DepthwiseSeparableConvBug::kPointwiseTransposed, "mixing weights read as [ic][oc]",
       everywhere},
      {"bias-between", DepthwiseSeparableConvBug::kBiasBetween, "bias added before the mix", values},
      {"rectified-between", DepthwiseSeparableConvBug::kRectifiedBetween,
       "a rectifier between the steps, as in the blocks of MobileNet", values},
      {"mixes-next-channel", DepthwiseSeparableConvBug::kMixesNextChannel, "mixing weights one channel off", values},
      {"intermediate-zero", DepthwiseSeparableConvBug::kIntermediateZero,
       "gradient of the mix without computing what lies between again", gradients},
      {"intermediate-is-source", DepthwiseSeparableConvBug::kIntermediateIsSource, "gradient of the mix from src",
       gradients},
      {"cotangent-unmixed", DepthwiseSeparableConvBug::kCotangentUnmixed, "cotangents not sent back through the mix",
       gradients},
      {"workspace-kept",
       DepthwiseSeparableConvBug::kWorkspaceKept,
       "sums in between not cleared for the next run",
       {"determinism"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name,
                       "depthwise_separable_conv",
                       row.what,
                       row.oracles,
                       wrong_depthwise_separable_conv(row.name, row.bug),
                       {}});
  return mutants;
}

Mutant healthy_depthwise_separable_conv() {
  return {"healthy-depthwise-separable-conv",
          "depthwise_separable_conv",
          "no bug",
          {},
          wrong_depthwise_separable_conv("healthy", DepthwiseSeparableConvBug::kNone),
          {}};
}

}  // namespace gradproof
