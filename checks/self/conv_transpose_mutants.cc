// Wrong transposed convolutions: one loop nest in which every bug is a deviation at its place.
#include <algorithm>
#include <cmath>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/conv/conv_transpose.h"

namespace gradproof {
namespace {

enum class ConvTransposeBug {
  kNone,
  kSizeIgnoresDilation,
  kDilationIsGroups,
  kStripUnwritten,
  kPaddingIsConvs,
  kStrideIsDilation,
  kOutputPaddingInFront,
  kChannelsNotExchanged,
  kFlipped,
  kBiasOnCoveredOnly,
  kGradientOfFirstGroup,
  kBiasGradientBatch,
};

class NaiveConvTranspose {
 public:
  NaiveConvTranspose(const NaiveCall& call, ConvTransposeBug bug)
      : call_(call), bug_(bug), s_(conv_transpose_attributes(call.attributes).shape), w_(s_.window.axes) {
    for (size_t axis = 0; axis < 3; ++axis) {
      WindowAxis& a = w_[axis];
      inputs_[axis] = a.out();
      if (is(ConvTransposeBug::kDilationIsGroups) && a.kernel > 1) a.dilation = s_.g;
      if (is(ConvTransposeBug::kStrideIsDilation)) std::swap(a.stride, a.dilation);
      if (is(ConvTransposeBug::kPaddingIsConvs)) a.pad_lo = a.extent() - 1 - a.pad_lo;
      const Index added = a.in - ((inputs_[axis] - 1) * a.stride - a.pad_lo - a.pad_hi + a.extent());
      if (is(ConvTransposeBug::kOutputPaddingInFront) && call.pass.is_forward()) a.pad_lo -= added;
    }
  }

  void run() {
    if (!is(ConvTransposeBug::kStripUnwritten) || !call_.pass.is_forward()) call_.zero_outputs();
    if (call_.pass.slot == "bias") return sum_bias();
    if (call_.pass.is_forward()) start_from_bias();
    for (Index n = 0; n < s_.mb; ++n)
      for (Index ic = 0; ic < s_.oc; ++ic)
        for (Index id = 0; id < inputs_[0]; ++id)
          for (Index ih = 0; ih < inputs_[1]; ++ih)
            for (Index iw = 0; iw < inputs_[2]; ++iw) visit(n, ic, id, ih, iw);
  }

 private:
  bool is(ConvTransposeBug bug) const { return bug_ == bug; }

  // Outputs are initialised only as far as the window without output padding reaches: [PyTorch] left the strip unset.
  void start_from_bias() {
    float* dst = call_.floats("dst");
    const float* bias = call_.floats("bias");
    const Index size = s_.window.in_count();
    Index reach = w_[2].in;
    if (is(ConvTransposeBug::kStripUnwritten))
      reach = (inputs_[2] - 1) * w_[2].stride - w_[2].pad_lo - w_[2].pad_hi + w_[2].extent();
    if (is(ConvTransposeBug::kSizeIgnoresDilation)) reach -= (w_[2].kernel - 1) * (w_[2].dilation - 1);
    for (Index i = 0; i < s_.mb * s_.ic * size; ++i) {
      if (is(ConvTransposeBug::kStripUnwritten) && i % w_[2].in >= reach) continue;
      const bool covered = !is(ConvTransposeBug::kBiasOnCoveredOnly) || i % w_[2].in < reach - 1;
      dst[i] = bias != nullptr && covered ? bias[i / size % s_.ic] : 0.0F;
    }
  }

  // Output element of a tap, or -1 outside.
  Index output_of(const std::array<Index, 3>& i, const std::array<Index, 3>& k) const {
    Index element = 0;
    for (size_t axis = 0; axis < 3; ++axis) {
      const WindowAxis& a = w_[axis];
      const Index size = a.in - (is(ConvTransposeBug::kSizeIgnoresDilation) ? (a.kernel - 1) * (a.dilation - 1) : 0);
      const Index tap = is(ConvTransposeBug::kFlipped) ? a.kernel - 1 - k[axis] : k[axis];
      const Index o = i[axis] * a.stride - a.pad_lo + tap * a.dilation;
      if (o < 0 || o >= size) return -1;
      element = element * a.in + o;
    }
    return element;
  }

  void visit(Index n, Index ic, Index id, Index ih, Index iw) {
    const Index group = ic / s_.oc_per_group();
    if (is(ConvTransposeBug::kGradientOfFirstGroup) && !call_.pass.is_forward() && group > 0) return;
    const Index src = (((n * s_.oc + ic) * inputs_[0] + id) * inputs_[1] + ih) * inputs_[2] + iw;
    for (Index c = 0; c < s_.ic_per_group(); ++c)
      for (Index kd = 0; kd < w_[0].kernel; ++kd)
        for (Index kh = 0; kh < w_[1].kernel; ++kh)
          for (Index kw = 0; kw < w_[2].kernel; ++kw) {
            const Index output = output_of({id, ih, iw}, {kd, kh, kw});
            const Index tap = (kd * w_[1].kernel + kh) * w_[2].kernel + kw;
            const Index within = ic - group * s_.oc_per_group();
            const Index channels = s_.ic_per_group();
            Index weight = (ic * channels + c) * s_.window.taps() + tap;
            if (is(ConvTransposeBug::kChannelsNotExchanged))
              weight = ((group * channels + c) * s_.oc_per_group() + within) * s_.window.taps() + tap;
            const Index dst = (n * s_.ic + group * channels + c) * s_.window.in_count() + output;
            term(src, weight, output < 0 ? -1 : dst);
          }
  }

  void term(Index src, Index weight, Index dst) {
    const float cotangent = dst < 0 || call_.pass.is_forward() ? 0.0F : call_.floats("diff_dst")[dst];
    if (call_.pass.is_forward()) {
      if (dst >= 0) call_.floats("dst")[dst] += call_.floats("src")[src] * call_.floats("weights")[weight];
    } else if (call_.pass.slot == "src") {
      call_.floats("diff_src")[src] += cotangent * call_.floats("weights")[weight];
    } else {
      call_.floats("diff_weights")[weight] += cotangent * call_.floats("src")[src];
    }
  }

  void sum_bias() {
    const Index size = s_.window.in_count();
    const Index samples = is(ConvTransposeBug::kBiasGradientBatch) ? 1 : s_.mb;
    for (Index c = 0; c < s_.ic; ++c) {
      double sum = 0;
      for (Index n = 0; n < samples; ++n)
        for (Index i = 0; i < size; ++i)
          sum += static_cast<double>(call_.floats("diff_dst")[(n * s_.ic + c) * size + i]);
      call_.floats("diff_bias")[c] = static_cast<float>(sum);
    }
  }

  const NaiveCall& call_;
  ConvTransposeBug bug_;
  ConvShape s_;
  std::array<WindowAxis, 3> w_;
  std::array<Index, 3> inputs_{};
};

Implementation wrong_conv_transpose(const std::string& name, ConvTransposeBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveConvTranspose(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> conv_transpose_mutants() {
  struct Row {
    const char* name;
    ConvTransposeBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<std::string> values{"forward", "exact"};
  const std::vector<std::string> gradients{"vjp", "fd-direct", "exact"};
  const std::vector<Row> rows{
      {"size-ignores-dilation", ConvTransposeBug::kSizeIgnoresDilation,
       "output size ignores the dilation [PyTorch 14272]", values},
      {"dilation-is-groups", ConvTransposeBug::kDilationIsGroups, "groups and dilation swapped", values},
      {"strip-unwritten",
       ConvTransposeBug::kStripUnwritten,
       "the strip of the output padding is left unset",
       {"forward", "memory"}},
      {"padding-not-mirrored", ConvTransposeBug::kPaddingIsConvs, "pads p for k_eff - 1 - p", values},
      {"stride-is-dilation", ConvTransposeBug::kStrideIsDilation, "stride and dilation confused", values},
      {"output-padding-in-front", ConvTransposeBug::kOutputPaddingInFront, "output padding at the near end", values},
      {"channels-not-exchanged", ConvTransposeBug::kChannelsNotExchanged,
       "weights read as [oc][ic], as a convolution's", values},
      {"kernel-flipped",
       ConvTransposeBug::kFlipped,
       "the kernel is placed flipped",
       {"forward", "exact", "vjp", "fd-direct"}},
      {"bias-not-everywhere", ConvTransposeBug::kBiasOnCoveredOnly, "no bias in the last column", values},
      {"first-group-gradient", ConvTransposeBug::kGradientOfFirstGroup, "only group 0 gets a gradient", gradients},
      {"bias-gradient-axis", ConvTransposeBug::kBiasGradientBatch, "bias gradient leaves the batch out", gradients},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "conv_transpose", row.what, row.oracles, wrong_conv_transpose(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_conv_transpose() {
  return {"healthy-conv_transpose",
          "conv_transpose",
          "no bug",
          {},
          wrong_conv_transpose("healthy", ConvTransposeBug::kNone),
          {}};
}

}  // namespace gradproof
