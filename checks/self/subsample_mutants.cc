// Wrong subsampling.
#include <utility>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "ops/core/window.h"

namespace gradproof {
namespace {

enum class SubsampleBug {
  kNone,
  kBiasScaled,
  kCoefficientOfImage,
  kSrcUnscaled,
  kAssigned,
  kLastImageOnly,
  kAveraged,
  kBiasOfWindow,
  kNotZeroed,
  kStridesSwapped,
};

class NaiveSubsample {
 public:
  NaiveSubsample(const NaiveCall& call, SubsampleBug bug)
      : call_(call),
        bug_(bug),
        mb_(call.attributes.integer("mb")),
        c_(call.attributes.integer("c")),
        w_(window_of(call.attributes).axes) {
    for (size_t axis = 0; axis < 3; ++axis) out_[axis] = w_[axis].out();
    if (is(SubsampleBug::kStridesSwapped)) std::swap(w_[1].stride, w_[2].stride);
  }

  void run() {
    if (!is(SubsampleBug::kNotZeroed)) call_.zero_outputs();
    for (Index n = 0; n < mb_; ++n)
      for (Index c = 0; c < c_; ++c)
        for (Index od = 0; od < out_[0]; ++od)
          for (Index oh = 0; oh < out_[1]; ++oh)
            for (Index ow = 0; ow < out_[2]; ++ow) visit(n, c, {od, oh, ow});
  }

 private:
  using Place = std::array<Index, 3>;

  bool is(SubsampleBug bug) const { return bug_ == bug; }

  // The inputs that the taps of a window read.
  std::vector<Index> look(Index plane, const Place& o) const {
    std::vector<Index> sources;
    for (Index kd = 0; kd < w_[0].kernel; ++kd)
      for (Index kh = 0; kh < w_[1].kernel; ++kh)
        for (Index kw = 0; kw < w_[2].kernel; ++kw) {
          const Place k{kd, kh, kw};
          Index from = plane;
          bool inside = true;
          for (size_t axis = 0; axis < 3; ++axis) {
            const Index i = o[axis] * w_[axis].stride - w_[axis].pad_lo + k[axis] * w_[axis].dilation;
            inside &= i >= 0 && i < w_[axis].in;
            from = from * w_[axis].in + i;
          }
          if (inside) sources.push_back(from);
        }
    return sources;
  }

  void visit(Index n, Index c, const Place& o) {
    const Index plane = n * c_ + c;
    const Index window = ((plane * out_[0] + o[0]) * out_[1] + o[1]) * out_[2] + o[2];
    const std::vector<Index> sources = look(plane, o);
    const float coefficient = call_.floats("coefficient")[is(SubsampleBug::kCoefficientOfImage) ? n % c_ : c];
    if (call_.pass.is_forward()) {
      const float bias = call_.floats("bias")[c];
      call_.floats("dst")[window] =
          is(SubsampleBug::kBiasScaled) ? coefficient * (sum_of(sources) + bias) : coefficient * sum_of(sources) + bias;
      return;
    }
    const float diff = call_.floats("diff_dst")[window];
    if (call_.pass.slot == "src") {
      for (const Index from : sources)
        add("diff_src", from, is(SubsampleBug::kSrcUnscaled) ? diff : diff * coefficient);
    } else if (call_.pass.slot == "coefficient") {
      const float sum = sum_of(sources);
      if (is(SubsampleBug::kLastImageOnly) && n + 1 < mb_) return;
      add("diff_coefficient", c, diff * (is(SubsampleBug::kAveraged) ? sum / static_cast<float>(sources.size()) : sum));
    } else {
      if (is(SubsampleBug::kBiasOfWindow) && o != Place{}) return;
      add("diff_bias", c, diff);
    }
  }

  void add(const char* name, Index at, float share) {
    float& sum = call_.floats(name)[at];
    sum = (is(SubsampleBug::kAssigned) ? 0.0F : sum) + share;
  }

  float sum_of(const std::vector<Index>& sources) const {
    float sum = 0;
    for (const Index from : sources) sum += call_.floats("src")[from];
    return sum;
  }

  const NaiveCall& call_;
  SubsampleBug bug_;
  Index mb_, c_;
  std::array<WindowAxis, 3> w_;
  Place out_{};
};

Implementation wrong_subsample(const std::string& name, SubsampleBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { NaiveSubsample(call, bug).run(); });
}

}  // namespace

std::vector<Mutant> subsample_mutants() {
  struct Row {
    const char* name;
    SubsampleBug bug;
    const char* what;
    std::vector<std::string> oracles;
  };
  const std::vector<Row> rows{
      {"bias-scaled", SubsampleBug::kBiasScaled, "the coefficient scales the bias too", {"forward", "exact"}},
      {"coefficient-of-image",
       SubsampleBug::kCoefficientOfImage,
       "the coefficient is looked up by image instead of channel",
       {"forward", "vjp", "exact"}},
      {"src-unscaled", SubsampleBug::kSrcUnscaled, "diff_src lacks the coefficient", {"vjp", "fd-direct", "exact"}},
      {"assigned", SubsampleBug::kAssigned, "gradients are assigned instead of added", {"vjp", "fd-direct", "exact"}},
      {"last-image-only",
       SubsampleBug::kLastImageOnly,
       "diff_coefficient sees the last image only",
       {"vjp", "fd-direct", "exact"}},
      {"averaged", SubsampleBug::kAveraged, "diff_coefficient takes averages for sums", {"vjp", "fd-direct"}},
      {"bias-of-window",
       SubsampleBug::kBiasOfWindow,
       "diff_bias sees the first window only",
       {"vjp", "fd-direct", "exact"}},
      {"not-zeroed", SubsampleBug::kNotZeroed, "gradient buffers are not zeroed", {"vjp", "exact", "memory"}},
      {"strides-swapped", SubsampleBug::kStridesSwapped, "stride_h and stride_w confused", {"forward", "vjp", "exact"}},
  };
  std::vector<Mutant> mutants;
  for (const Row& row : rows)
    mutants.push_back({row.name, "subsample", row.what, row.oracles, wrong_subsample(row.name, row.bug), {}});
  return mutants;
}

Mutant healthy_subsample() {
  return {"healthy-subsample", "subsample", "no bug", {}, wrong_subsample("healthy", SubsampleBug::kNone), {}};
}

}  // namespace gradproof
