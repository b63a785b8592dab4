#include "ops/activation/class_panels.h"
#include "ops/loss/class_loss.h"
#include "ops/loss/class_loss_simd.h"
#include "ops/loss/labelled_rows.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/loss/cross_entropy_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/activation/class_kernel-inl.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// One label a row; the same, and all classes get a share of it; a number for each class.
enum class Labels { kHard, kSmoothed, kSoft };

// The coefficients c_j of a row: w_j * (keep * q_j + spread), where q_j is 1 for the label or the soft label.
struct Coefficients {
  explicit Coefficients(const ClassLossAttributes& a)
      : keep(static_cast<float>(1 - a.smoothing)),
        spread(static_cast<float>(a.smoothing / static_cast<double>(a.rows.classes))) {}

  // What class j has whatever the label, where labels are hard.
  template <class P, class Access>
  HWY_INLINE PanelV Spread(const P& panel, const Access& access, Index j, int n) const {
    const PanelV share = Constant<PanelV>(spread);
    return weights == nullptr ? share : hn::Mul(panel.OfClass(weights, access, j, n), share);
  }
  template <class P, class Access>
  HWY_INLINE PanelV Soft(const P& panel, const Access& access, const float* labels, Index at, Index j, int n) const {
    const PanelV share = hn::MulAdd(access.Load(labels + at, n), Constant<PanelV>(keep), Constant<PanelV>(spread));
    return weights == nullptr ? share : hn::Mul(panel.OfClass(weights, access, j, n), share);
  }

  float keep, spread;
  const float* weights = nullptr;
};

// The labels of a panel's rows, 0 for rows that do not count, and keep * w of these labels.
template <class P>
struct PanelLabels {
  static constexpr Index kMost = P::kVectors * kPanelLanes;

  HWY_INLINE PanelLabels(const P& panel, const LabelledRows& rows, const Coefficients& c, Index row) {
    for (Index lane = 0; lane < panel.RowCount(); ++lane) {
      const bool counted = rows.counts(row + lane);
      label[lane] = counted ? rows.labels[row + lane] : 0;
      counts[lane] = counted ? 1.0F : 0.0F;
      weight[lane] = counted ? c.keep * rows.weight(row + lane) : 0.0F;
    }
  }
  // Which rows count.
  HWY_INLINE hn::Mask<PanelD> Count(const P& panel, int n) const {
    return hn::Gt(panel.LoadOfRows(counts, n), hn::Zero(PanelD()));
  }
  HWY_INLINE hn::Vec<PanelInts> Load(int n) const {
    if constexpr (std::is_same_v<P, RowPanel>) return hn::Set(PanelInts(), label[0]);
    return hn::Load(PanelInts(), label + n * kPanelLanes);
  }

  HWY_ALIGN std::int32_t label[kMost] = {};
  HWY_ALIGN float counts[kMost];
  HWY_ALIGN float weight[kMost];
};

template <Labels kLabels>
struct CrossEntropyForward {
  const LabelledRows& rows;
  Coefficients c;
  float *losses, *max, *sum;

  // Of t.in: src, soft labels.
  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    constexpr int kSums = kLabels == Labels::kHard ? 1 : 3;
    const float* src = t.in[0];
    const auto largest = Largest(panel, src);
    typename P::Values sums[kSums];  // of exponentials, of c_j, and of c_j * (max - src_j)
    SumOverClasses(
        panel,
        [&](const auto& access, Index at, Index j, int n, auto& to) HWY_ATTR {
          if (n == 0) panel.Fetch(src + at);
          const PanelV centred = hn::Sub(access.Load(src + at, n), largest[n]);
          to[0][n] = hn::Add(to[0][n], access.Only(ExpOfNegative(centred), n));
          if constexpr (kLabels != Labels::kHard) {
            const PanelV share =
                kLabels == Labels::kSoft ? c.Soft(panel, access, t.in[1], at, j, n) : c.Spread(panel, access, j, n);
            to[1][n] = hn::Add(to[1][n], access.Only(share, n));
            to[2][n] = hn::Sub(to[2][n], access.Only(hn::Mul(share, centred), n));
          }
        },
        sums);
    typename P::Values loss;
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) {
      const PanelV nan_or_max = hn::IfThenElse(hn::IsNaN(sums[0][n]), sums[0][n], largest[n]);
      panel.StoreOfRows(nan_or_max, max + t.row, n);
      panel.StoreOfRows(sums[0][n], sum + t.row, n);
      loss[n] = Log(sums[0][n]);
    }
    if constexpr (kLabels == Labels::kHard)
      OfLabels(panel, t, largest, loss, loss);
    else
      OfClasses(panel, t, largest, sums, loss);
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) panel.StoreOfRows(loss[n], losses + t.row, n);
  }

 private:
  // keep * w_t * (log sum - (src_t - max)), plus `others` where all classes have shares; 0 where the row does not
  // count.
  template <class P, class... Others>
  HWY_INLINE void OfLabels(const P& panel, const PanelTensors& t, const typename P::Values& largest,
                           const typename P::Values& log_sum, typename P::Values& loss, const Others&... others) const {
    const PanelLabels<P> labels(panel, rows, c, t.row);
    HWY_ALIGN float picked[PanelLabels<P>::kMost];
    for (Index lane = 0; lane < panel.RowCount(); ++lane)
      picked[lane] = t.in[0][panel.ElementOf(labels.label[lane], lane)];
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) {
      const PanelV minus_log_share = hn::Sub(log_sum[n], hn::Sub(panel.LoadOfRows(picked, n), largest[n]));
      PanelV sum_of_all = hn::Mul(panel.LoadOfRows(labels.weight, n), minus_log_share);
      ((sum_of_all = hn::Add(sum_of_all, others[n])), ...);
      loss[n] = hn::IfThenElseZero(labels.Count(panel, n), sum_of_all);
    }
  }

  // log sum * (sum of c_j) + the sum of c_j * (max - src_j), of the shares that all classes have
  template <class P>
  HWY_INLINE void OfClasses(const P& panel, const PanelTensors& t, const typename P::Values& largest,
                            const typename P::Values (&sums)[3], typename P::Values& loss) const {
    typename P::Values shared;
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) shared[n] = hn::MulAdd(loss[n], sums[1][n], sums[2][n]);
    if constexpr (kLabels == Labels::kSmoothed)
      OfLabels(panel, t, largest, loss, loss, shared);
    else
      loss = shared;
  }
};

// gain * (softmax(src)_j * (sum of all c_k) - c_j), in one pass; soft labels are summed before.
template <Labels kLabels>
struct CrossEntropyGradient {
  const LabelledRows& rows;
  Coefficients c;
  float all_spread;  // the sum of what all classes have whatever the label
  const float *max, *sum, *gains;
  bool one_gain;

  // Of t.in: src, soft labels.
  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    typename P::Values largest, gain, scale;
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) {
      largest[n] = panel.LoadOfRows(max + t.row, n);
      gain[n] = one_gain ? Constant<PanelV>(*gains) : panel.LoadOfRows(gains + t.row, n);
      scale[n] = hn::Div(gain[n], panel.LoadOfRows(sum + t.row, n));
    }
    if constexpr (kLabels == Labels::kSoft)
      OfSoftLabels(panel, t, largest, gain, scale);
    else
      OfLabels(panel, t, largest, gain, scale);
  }

 private:
  template <class P>
  HWY_INLINE void OfLabels(const P& panel, const PanelTensors& t, const typename P::Values& largest,
                           const typename P::Values& gain, typename P::Values& scale) const {
    const PanelLabels<P> labels(panel, rows, c, t.row);
    typename P::Values picked;
    hn::Vec<PanelInts> label[P::kVectors];
    hn::Mask<PanelD> counts[P::kVectors];
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) {
      label[n] = labels.Load(n);
      counts[n] = labels.Count(panel, n);
      const PanelV weight = panel.LoadOfRows(labels.weight, n);
      picked[n] = hn::Mul(gain[n], weight);
      scale[n] = hn::Mul(scale[n], hn::Add(weight, Constant<PanelV>(all_spread)));
    }
    ForElements(panel, [&](const auto& access, Index at, Index j) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n) {
        const PanelV power = ExpOfNegative(hn::Sub(access.Load(t.in[0] + at, n), largest[n]));
        PanelV own = hn::IfThenElseZero(panel.AreOf(label[n], j, n), picked[n]);
        if constexpr (kLabels == Labels::kSmoothed) own = hn::MulAdd(gain[n], c.Spread(panel, access, j, n), own);
        access.Store(hn::IfThenElseZero(counts[n], hn::MulSub(power, scale[n], own)), t.out + at, n);
      }
    });
  }

  template <class P>
  HWY_INLINE void OfSoftLabels(const P& panel, const PanelTensors& t, const typename P::Values& largest,
                               const typename P::Values& gain, typename P::Values& scale) const {
    typename P::Values total[1];
    SumOverClasses(
        panel,
        [&](const auto& access, Index at, Index j, int n, auto& to)
            HWY_ATTR { to[0][n] = hn::Add(to[0][n], access.Only(c.Soft(panel, access, t.in[1], at, j, n), n)); },
        total);
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) scale[n] = hn::Mul(scale[n], total[0][n]);
    ForElements(panel, [&](const auto& access, Index at, Index j) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n) {
        const PanelV power = ExpOfNegative(hn::Sub(access.Load(t.in[0] + at, n), largest[n]));
        const PanelV own = hn::Mul(gain[n], c.Soft(panel, access, t.in[1], at, j, n));
        access.Store(hn::MulSub(power, scale[n], own), t.out + at, n);
      }
    });
  }
};

// gain * (keep * w_j) * (log sum - (src_j - max))
struct SoftTargetGradient {
  Coefficients c;
  const float *max, *sum, *gains;
  bool one_gain;

  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    typename P::Values largest, gain, log_sum;
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) {
      largest[n] = panel.LoadOfRows(max + t.row, n);
      gain[n] = one_gain ? Constant<PanelV>(*gains) : panel.LoadOfRows(gains + t.row, n);
      gain[n] = hn::Mul(gain[n], Constant<PanelV>(c.keep));
      log_sum[n] = Log(panel.LoadOfRows(sum + t.row, n));
    }
    ForElements(panel, [&](const auto& access, Index at, Index j) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n) {
        const PanelV minus_log_share = hn::Sub(log_sum[n], hn::Sub(access.Load(t.in[0] + at, n), largest[n]));
        PanelV factor = gain[n];
        if (c.weights != nullptr) factor = hn::Mul(factor, panel.OfClass(c.weights, access, j, n));
        access.Store(hn::Mul(factor, minus_log_share), t.out + at, n);
      }
    });
  }
};

// Arguments: src, target or soft_target, class_weights if there are any; forward then dst, max, sum, in gradients max,
// sum, diff_dst and what is written.
class CrossEntropyKernel : public ClassKernel {
 public:
  CrossEntropyKernel(const ClassLossAttributes& a, int outputs, int threads)
      : ClassKernel(a.rows, a.soft ? 2 : 1, outputs, threads), a_(a), next_(a.weighted ? 3 : 2) {}

 protected:
  LabelledRows RowsOf(std::span<const TensorRef> arguments) const {
    return {a_, a_.soft ? nullptr : arguments[1].ints(), a_.weighted ? arguments[2].floats() : nullptr};
  }
  Coefficients CoefficientsOf(std::span<const TensorRef> arguments) const {
    Coefficients c(a_);
    if (a_.weighted) c.weights = arguments[2].floats();
    return c;
  }
  // f(a Labels as a constant)
  template <class F>
  void WithLabels(const F& f) const {
    if (a_.soft) return f(std::integral_constant<Labels, Labels::kSoft>());
    if (a_.smoothing > 0) return f(std::integral_constant<Labels, Labels::kSmoothed>());
    f(std::integral_constant<Labels, Labels::kHard>());
  }
  template <class Work>
  void ForTensors(std::span<const TensorRef> arguments, bool labels_too, float* out, const Work& work) const {
    if (labels_too)
      ForPanels({arguments[0].floats(), arguments[1].floats()}, out, work);
    else
      ForPanels({arguments[0].floats()}, out, work);
  }

  const ClassLossAttributes a_;
  const size_t next_;  // the first argument behind the inputs
};

class CrossEntropyForwardKernel final : public CrossEntropyKernel {
 public:
  CrossEntropyForwardKernel(const ClassLossAttributes& a, int threads)
      : CrossEntropyKernel(a, 0, threads), losses_(zeroed_floats(a.rows.rows())) {}

  void run(std::span<const TensorRef> arguments) override {
    const LabelledRows rows = RowsOf(arguments);
    float* dst = arguments[next_].floats();
    float* losses = a_.reduction == Reduction::kNone ? dst : losses_.get();
    WithLabels([&](auto labels) {
      ForTensors(arguments, a_.soft, nullptr,
                 CrossEntropyForward<labels.value>{rows, CoefficientsOf(arguments), losses,
                                                   arguments[next_ + 1].floats(), arguments[next_ + 2].floats()});
    });
    if (a_.reduction == Reduction::kNone) return;
    *dst = rows.reduced(ChannelTotal({1, a_.rows.rows(), a_.rows.rows()}, losses));
  }

 private:
  const AlignedMemory<float> losses_;
};

class CrossEntropyGradientKernel final : public CrossEntropyKernel {
 public:
  CrossEntropyGradientKernel(const ClassLossAttributes& a, bool of_target, int threads)
      : CrossEntropyKernel(a, 1, threads), of_target_(of_target) {}

  void run(std::span<const TensorRef> arguments) override {
    const LabelledRows rows = RowsOf(arguments);
    const Coefficients c = CoefficientsOf(arguments);
    const float *max = arguments[next_].floats(), *sum = arguments[next_ + 1].floats();
    const float* diff_dst = arguments[next_ + 2].floats();
    float* out = arguments[next_ + 3].floats();
    const bool one = a_.reduction != Reduction::kNone;
    const float gain = one ? rows.gain(*diff_dst) : 0;
    const float* gains = one ? &gain : diff_dst;
    if (of_target_) return ForTensors(arguments, false, out, SoftTargetGradient{c, max, sum, gains, one});
    WithLabels([&](auto labels) {
      ForTensors(arguments, a_.soft, out,
                 CrossEntropyGradient<labels.value>{rows, c, AllSpread(c), max, sum, gains, one});
    });
  }

 private:
  float AllSpread(const Coefficients& c) const {
    if (a_.smoothing == 0) return 0;  // also where a weight is NaN
    const Index classes = a_.rows.classes;
    const double weights =
        c.weights == nullptr ? static_cast<double>(classes) : ChannelTotal({1, classes, classes}, c.weights);
    return static_cast<float>(a_.smoothing / static_cast<double>(classes) * weights);
  }

  const bool of_target_;
};

std::unique_ptr<Kernel> PrepareCrossEntropy(const ClassLossAttributes& a, const Pass& pass, int threads) {
  if (pass.is_forward()) return std::make_unique<CrossEntropyForwardKernel>(a, threads);
  return std::make_unique<CrossEntropyGradientKernel>(a, pass.slot == "soft_target", threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareCrossEntropy);

namespace {

// An exponential has depth 3, the sum of all s more, its logarithm 3 more. A coefficient is at most 4 deep: two
// constants, a product and a sum, a product; and the sum of all of them s more. Losses of rows are added up, and their
// number taken, in double.
double cross_entropy_simd_depth(const Case& c, const Pass& pass, std::string_view slot) {
  const ClassLossAttributes a = class_loss_attributes(c.attributes);
  if (slot == "max") return 1;
  const bool hard = !a.soft && a.smoothing == 0;
  const double s = class_sum_depth(a.rows), sum = 3 + s, coefficients = hard ? 1 : 4 + s;
  if (slot == "sum") return sum;
  const double log_sum = sum + 3;
  if (pass.is_forward())
    return log_sum + 1 + 1 + coefficients + (hard ? 0 : 2) + (a.reduction == Reduction::kNone ? 0 : 1 + 2 * kSumDepth);
  const double gain = a.reduction == Reduction::kMean ? 1 + kSumDepth : 0;
  if (pass.slot == "soft_target") return gain + 1 + 1 + 1 + 1 + log_sum + 1;
  return gain + (sum + 1) + (coefficients + 1) + 3 + 1 + 1 + (hard ? 0 : 1);
}

}  // namespace

std::vector<Implementation> softmax_cross_entropy_simd_implementations() {
  return simd_implementations({.prepare =
                                   [](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                     return HWY_DYNAMIC_DISPATCH(PrepareCrossEntropy)(
                                         class_loss_attributes(c.attributes), pass, options.threads);
                                   },
                               .depth = cross_entropy_simd_depth});
}

}  // namespace gradproof
#endif
