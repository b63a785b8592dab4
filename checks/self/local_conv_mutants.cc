// Wrong unshared convolutions: one loop nest in which every bug is a deviation at its place.
#include <algorithm>
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/local_conv.h"

namespace gradproof {
namespace {

enum class LocalConvBug {
  kNone,
  kGradientAsIfShared,
  kWeightsOfNeighbour,
  kPositionAxesSwapped,
  kTapAxesSwapped,
  kBiasShared,
  kBiasGradientShared,
  kWeightsOfFirstSampleBlock,
  kGradientOfLastSample,
  kStridesSwapped,
  kDilationLostWithStride,
  kPaddingOfOtherSide,
  kRowEndsSkipped,
  kStoresWholeVectors,
  kGapsTakePart,
  kAddsIntoOutput,
  kOverlapAssigned,
  kLongSumCutShort,
  kSumDependsOnThreads,
};

class NaiveLocalConv {
 public:
  NaiveLocalConv(const NaiveCall& call, LocalConvBug bug)
      : call_(call),
        bug_(bug),
        a_(local_conv_attributes(call.attributes)),
        h_(a_.window.axes[1]),
        w_(a_.window.axes[2]) {
    oh_ = h_.out();
    ow_ = w_.out();
    bend(h_, a_.window.axes[2]);
    bend(w_, a_.window.axes[1]);
  }

  void run() {
    if (!is(LocalConvBug::kAddsIntoOutput)) call_.zero_outputs();
    for (Index n = 0; n < a_.mb; ++n)
      for (Index oc = 0; oc < a_.oc; ++oc)
        for (Index oh = 0; oh < oh_; ++oh)
          for (Index ow = 0; ow < ow_; ++ow) visit(n, oc, oh, ow);
    if (is(LocalConvBug::kGradientAsIfShared)) spread_over_positions("diff_weights");
    if (is(LocalConvBug::kBiasGradientShared)) spread_over_positions("diff_bias");
    if (is(LocalConvBug::kStoresWholeVectors) && call_.pass.is_forward()) call_.floats("dst")[call_.count("dst")] = 0;
  }

 private:
  bool is(LocalConvBug bug) const { return bug_ == bug; }
  Index outputs() const { return oh_ * ow_; }

  void bend(WindowAxis& axis, const WindowAxis& other) const {
    if (is(LocalConvBug::kStridesSwapped)) axis.stride = other.stride;
    if (is(LocalConvBug::kDilationLostWithStride) && axis.stride > 1) axis.dilation = 1;
    if (is(LocalConvBug::kPaddingOfOtherSide)) axis.pad_lo = axis.pad_hi;
  }

  // The position whose weights are used at output (oh, ow).
  Index weights_position(Index oh, Index ow) const {
    if (is(LocalConvBug::kPositionAxesSwapped)) return ow * oh_ + oh;
    const Index position = oh * ow_ + ow;
    return is(LocalConvBug::kWeightsOfNeighbour) ? (position + 1) % outputs() : position;
  }

  Index weight_of(Index oc, Index ic, Index kh, Index kw, Index oh, Index ow) const {
    const Index tap = is(LocalConvBug::kTapAxesSwapped) ? kw * h_.kernel + kh : kh * w_.kernel + kw;
    return ((oc * a_.ic + ic) * a_.window.taps() + tap) * outputs() + weights_position(oh, ow);
  }

  // Source element of a tap, or -1 in the padding.
  Index source_of(Index n, Index ic, Index oh, Index ow, Index kh, Index kw) const {
    const Index ih = oh * h_.stride - h_.pad_lo + kh * h_.dilation;
    const Index iw = ow * w_.stride - w_.pad_lo + kw * w_.dilation;
    if (ih < 0 || ih >= h_.in || iw < 0 || iw >= w_.in) return -1;
    return ((n * a_.ic + ic) * h_.in + ih) * w_.in + iw;
  }

  void visit(Index n, Index oc, Index oh, Index ow) {
    const Index dst = (n * a_.oc + oc) * outputs() + oh * ow_ + ow;
    if (is(LocalConvBug::kGradientOfLastSample) && n + 1 < a_.mb && call_.pass.slot == "weights") return;
    if (call_.pass.slot == "bias") {
      call_.floats("diff_bias")[oc * outputs() + oh * ow_ + ow] += call_.floats("diff_dst")[dst];
      return;
    }
    std::vector<float> products;
    for (Index ic = 0; ic < a_.ic; ++ic)
      for (Index kh = 0; kh < h_.kernel; ++kh)
        for (Index kw = 0; kw < w_.kernel; ++kw) {
          const Index source = source_of(n, ic, oh, ow, kh, kw);
          const bool stale = is(LocalConvBug::kWeightsOfFirstSampleBlock) && n >= 8;
          term(dst, source, weight_of(stale ? 0 : oc, ic, kh, kw, oh, ow), products);
        }
    if (call_.pass.is_forward()) finish(oc, oh, ow, dst, products);
  }

  void term(Index dst, Index source, Index weight, std::vector<float>& products) {
    const float x = source < 0 ? 0.0F : call_.floats("src")[source];  // padding takes part
    if (call_.pass.is_forward()) {
      products.push_back(call_.floats("weights")[weight] * x);
    } else if (call_.pass.slot == "weights") {
      call_.floats("diff_weights")[weight] += call_.floats("diff_dst")[dst] * x;
    } else if (source >= 0) {
      float& sum = call_.floats("diff_src")[source];
      const float product = call_.floats("diff_dst")[dst] * call_.floats("weights")[weight];
      sum = is(LocalConvBug::kOverlapAssigned) ? product : sum + product;
    }
  }

  void finish(Index oc, Index oh, Index ow, Index dst, std::vector<float>& products) {
    if (is(LocalConvBug::kLongSumCutShort)) products.resize(std::min<size_t>(products.size(), 256));
    if (is(LocalConvBug::kSumDependsOnThreads) && call_.threads > 1) std::reverse(products.begin(), products.end());
    float sum = 0;
    for (float product : products) sum += product;
    if (is(LocalConvBug::kGapsTakePart) && ow + 1 == ow_ && oh + 1 < oh_)  // the next row's weights, times nothing
      sum += 0.0F * call_.floats("weights")[weight_of(oc, 0, 0, 0, oh + 1, 0)];
    const Index shared = is(LocalConvBug::kBiasShared) ? 0 : oh * ow_ + ow;
    if (const float* bias = call_.floats("bias")) sum += bias[oc * outputs() + shared];
    if (is(LocalConvBug::kRowEndsSkipped) && ow == 8) sum = std::nanf("");
    float& out = call_.floats("dst")[dst];
    out = is(LocalConvBug::kAddsIntoOutput) ? out + sum : sum;
  }

  // Every position receives the sum over all positions.
  void spread_over_positions(std::string_view name) {
    if (call_.tensor(name) == nullptr || call_.pass.is_forward()) return;
    float* diff = call_.floats(name);
    for (Index i = 0; i < call_.count(name); i += outputs()) {
      float sum = 0;
      for (Index p = 0; p < outputs(); ++p) sum += diff[i + p];
      std::fill_n(diff + i, outputs(), sum);
    }
  }

  const NaiveCall& call_;
  LocalConvBug bug_;
  LocalConvAttributes a_;
  WindowAxis h_, w_;
  Index oh_, ow_;
};

Implementation wrong_local_conv(const std::string& name, LocalConvBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveLocalConv(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> local_conv_mutants() {
  struct Row {
    const char* name;
    LocalConvBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> values{"forward", "exact"};
  const std::vector<std::string> gradients{"vjp", "fd-direct", "exact"};
  const std::vector<std::string> both{"forward", "vjp", "fd-direct", "exact"};
  const std::vector<Row> rows{
      {"as-if-shared", LocalConvBug::kGradientAsIfShared,
       "weight gradient summed over positions, as if weights were shared", gradients},
      {"neighbour", LocalConvBug::kWeightsOfNeighbour, "weights of the neighbouring position", both},
      {"positions-swapped", LocalConvBug::kPositionAxesSwapped, "weights laid out [ow][oh] for [oh][ow]", both},
      {"taps-swapped", LocalConvBug::kTapAxesSwapped, "weights laid out [kw][kh] for [kh][kw]", both},
      {"bias-shared", LocalConvBug::kBiasShared, "one bias a channel, not one a position", values},
      {"bias-gradient-shared", LocalConvBug::kBiasGradientShared, "bias gradient summed over positions", gradients},
      {"second-block", LocalConvBug::kWeightsOfFirstSampleBlock, "weights of channel 0 from the ninth sample on", both},
      {"last-sample", LocalConvBug::kGradientOfLastSample,
       "weight gradient of the last sample only: written, not added", gradients},
      {"strides-swapped", LocalConvBug::kStridesSwapped, "stride_h and stride_w confused", both},
      {"dilation-lost", LocalConvBug::kDilationLostWithStride, "dilation ignored with a stride", both},
      {"other-side-padding", LocalConvBug::kPaddingOfOtherSide, "one-sided padding on the other side", both},
      {"overlap-assigned", LocalConvBug::kOverlapAssigned,
       "overlapping windows assigned to the data gradient, not added", gradients},
      {"row-end", LocalConvBug::kRowEndsSkipped, "the column behind a whole vector is skipped", values},
      {"long-sum", LocalConvBug::kLongSumCutShort, "only the first block of 256 products is summed", values},
      {"gaps-take-part",
       LocalConvBug::kGapsTakePart,
       "a row's last vector meets the next row's weights, times zero",
       {"special"}},
      {"stores-past-end", LocalConvBug::kStoresWholeVectors, "stores a full vector past the end", {"memory"}},
      {"adds-into-output",
       LocalConvBug::kAddsIntoOutput,
       "adds into the output instead of overwriting it",
       {"forward", "vjp", "exact", "memory"}},
      {"thread-dependent-sum",
       LocalConvBug::kSumDependsOnThreads,
       "order of the sum depends on the threads",
       {"determinism"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "local_conv", row.what, row.oracles, wrong_local_conv(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_local_conv() {
  return {"healthy-local-conv", "local_conv", "no bug", {}, wrong_local_conv("healthy", LocalConvBug::kNone), {}};
}

}  // namespace gradproof
