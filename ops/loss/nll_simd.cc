#include <functional>

#include "ops/core/memory.h"
#include "ops/loss/class_loss.h"
#include "ops/loss/class_loss_simd.h"
#include "ops/loss/labelled_rows.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/loss/nll_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/block_sums-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Arguments: src, target, class_weights if there are any; forward then dst, in the gradient diff_dst and diff_src.
class NllKernel : public Kernel {
 public:
  NllKernel(const ClassLossAttributes& a, int threads)
      : a_(a), next_(a.weighted ? 3 : 2), threads_(threads), of_rows_(zeroed_floats(a.rows.rows())) {}

  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }

 protected:
  LabelledRows RowsOf(std::span<const TensorRef> arguments) const {
    return {a_, arguments[1].ints(), a_.weighted ? arguments[2].floats() : nullptr};
  }

  const ClassLossAttributes a_;
  const size_t next_;  // the first argument behind the inputs
  const int threads_;
  const AlignedMemory<float> of_rows_;
};

class NllForward final : public NllKernel {
 public:
  using NllKernel::NllKernel;

  void run(std::span<const TensorRef> arguments) override {
    const LabelledRows rows = RowsOf(arguments);
    const float* src = arguments[0].floats();
    float* dst = arguments[next_].floats();
    float* losses = a_.reduction == Reduction::kNone ? dst : of_rows_.get();
    const Index inner = a_.rows.inner;
    for (Index row = 0; row < a_.rows.rows(); ++row) {
      const Index label = rows.labels[row], element = (row / inner * a_.rows.classes + label) * inner + row % inner;
      losses[row] = rows.counts(row) ? -(rows.weight(row) * src[element]) : 0.0F;
    }
    if (a_.reduction == Reduction::kNone) return;
    *dst = rows.reduced(ChannelTotal({1, a_.rows.rows(), a_.rows.rows()}, losses));
  }
};

// A label's class: its rows have their own number, others 0.
struct WhereLabel {
  std::int32_t j;
  template <class V>
  HWY_ATTR V operator()(V of_row, V label) const {
    const hn::DFromV<V> d;
    const hn::RebindToSigned<decltype(d)> di;
    return hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(hn::BitCast(di, label), hn::Set(di, j))), of_row);
  }
};

class NllGradient final : public NllKernel {
 public:
  using NllKernel::NllKernel;

  void run(std::span<const TensorRef> arguments) override {
    const LabelledRows rows = RowsOf(arguments);
    const float* diff_dst = arguments[next_].floats();
    float* diff_src = arguments[next_ + 1].floats();
    const bool one = a_.reduction != Reduction::kNone;
    const float gain = one ? rows.gain(*diff_dst) : 0;
    for (Index row = 0; row < a_.rows.rows(); ++row)
      of_rows_[static_cast<size_t>(row)] = rows.counts(row) ? -((one ? gain : diff_dst[row]) * rows.weight(row)) : 0.0F;
    const auto image = [&](Index outer) {
      float* out = diff_src + outer * a_.rows.classes * a_.rows.inner;
      if (a_.rows.inner == 1)
        FillRow(rows.labels[outer], of_rows_[static_cast<size_t>(outer)], rows.counts(outer), out);
      else
        FillPlanes(rows.labels + outer * a_.rows.inner, of_rows_.get() + outer * a_.rows.inner, out);
    };
    parallel_tiles(threads_, a_.rows.outer, std::cref(image));
  }

 private:
  void FillRow(Index label, float value, bool counts, float* out) const {
    std::fill_n(out, a_.rows.classes, 0.0F);
    if (counts) out[label] = value;
  }

  void FillPlanes(const std::int32_t* labels, const float* of_rows, float* out) const {
    for (Index j = 0; j < a_.rows.classes; ++j)
      Map(WhereLabel{static_cast<std::int32_t>(j)}, Stores::kCached, static_cast<size_t>(a_.rows.inner),
          out + j * a_.rows.inner, of_rows, reinterpret_cast<const float*>(labels));
  }
};

std::unique_ptr<Kernel> PrepareNll(const ClassLossAttributes& a, bool forward, int threads) {
  if (forward) return std::make_unique<NllForward>(a, threads);
  return std::make_unique<NllGradient>(a, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareNll);

namespace {

// A product; sums and quotients in double, rounded once.
double nll_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  const Reduction reduction = class_loss_attributes(c.attributes).reduction;
  if (pass.is_forward()) return reduction == Reduction::kNone ? 1 : 2 + 2 * kSumDepth;
  return reduction == Reduction::kMean ? 2 + kSumDepth : 1;
}

}  // namespace

std::vector<Implementation> nll_simd_implementations() {
  return simd_implementations({.prepare =
                                   [](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                     return HWY_DYNAMIC_DISPATCH(PrepareNll)(class_loss_attributes(c.attributes),
                                                                             pass.is_forward(), options.threads);
                                   },
                               .depth = nll_simd_depth});
}

}  // namespace gradproof
#endif
