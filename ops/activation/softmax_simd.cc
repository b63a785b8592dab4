#include "ops/activation/softmax_simd.h"

#include "ops/activation/class_panels.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation/softmax_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/activation/class_kernel-inl.h"
#include "ops/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// softmax: the exponentials are remembered, and scaled once their sum is known.
struct SoftmaxForward {
  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    const float* src = t.in[0];
    const auto largest = Largest(panel, src);
    typename P::Values sums[1];
    SumOverClasses(
        panel,
        [&](const auto& access, Index at, Index j, int n, auto& to) HWY_ATTR {
          if (n == 0) panel.Fetch(src + at);
          const PanelV power = ExpOfNegative(hn::Sub(access.Load(src + at, n), largest[n]));
          WholeVectors().Store(power, t.memory + panel.Remembered(j), n);
          to[0][n] = hn::Add(to[0][n], access.Only(power, n));
        },
        sums);
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) sums[0][n] = hn::Div(Constant<PanelV>(1), sums[0][n]);
    ForElements(panel, [&](const auto& access, Index at, Index j) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n)
        access.Store(hn::Mul(WholeVectors().Load(t.memory + panel.Remembered(j), n), sums[0][n]), t.out + at, n);
    });
  }
};

struct LogSoftmaxForward {
  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    const float* src = t.in[0];
    const auto largest = Largest(panel, src);
    typename P::Values sums[1];
    SumOverClasses(
        panel,
        [&](const auto& access, Index at, Index, int n, auto& to) HWY_ATTR {
          if (n == 0) panel.Fetch(src + at);
          const PanelV power = ExpOfNegative(hn::Sub(access.Load(src + at, n), largest[n]));
          to[0][n] = hn::Add(to[0][n], access.Only(power, n));
        },
        sums);
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n) sums[0][n] = Log(sums[0][n]);
    ForElements(panel, [&](const auto& access, Index at, Index) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n)
        access.Store(hn::Sub(hn::Sub(access.Load(src + at, n), largest[n]), sums[0][n]), t.out + at, n);
    });
  }
};

// Both gradients take dst, and no exponential that the forward pass has taken.
struct SoftmaxGradient {
  // diff_dst seen from its mean, weighted with dst
  template <class Access>
  static HWY_INLINE void Put(const Access& access, const PanelTensors& t, Index at, int n, PanelV mean) {
    const PanelV off = hn::Sub(access.Load(t.in[1] + at, n), mean);
    access.Store(hn::Mul(access.Load(t.in[0] + at, n), off), t.out + at, n);
  }

  // Mean of a panel's diff_dst; with every vector of it `beside` is done for that of another panel.
  template <class P, class Beside>
  static HWY_INLINE typename P::Values Mean(const P& panel, const PanelTensors& t, const Beside& beside) {
    const float *dst = t.in[0], *diff_dst = t.in[1];
    typename P::Values mean[1];
    SumOverClasses(
        panel,
        [&](const auto& access, Index at, Index, int n, auto& to) HWY_ATTR {
          if (n == 0) panel.Fetch(dst + at), panel.Fetch(diff_dst + at);
          to[0][n] = hn::MulAdd(access.Load(dst + at, n), access.Load(diff_dst + at, n), to[0][n]);
          beside(access, at, n);
        },
        mean);
    return mean[0];
  }

  template <class P>
  static HWY_INLINE void PutAll(const P& panel, const PanelTensors& t, const typename P::Values& mean) {
    ForElements(panel, [&](const auto& access, Index at, Index) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n) Put(access, t, at, n, mean[n]);
    });
  }

  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    PutAll(panel, t, Mean(panel, t, [](const auto&, Index, int) HWY_ATTR {}));
  }

  // Each row is summed while the one before it is put: reads and writes overlap.
  template <class Tensors>
  HWY_INLINE void Overlap(const RowPanel& panel, Index first, Index end, const Tensors& tensors_of) const {
    PanelTensors row = tensors_of(first);
    RowPanel::Values mean = Mean(panel, row, [](const auto&, Index, int) HWY_ATTR {});
    for (Index next = first + 1; next < end; ++next) {
      const PanelTensors next_row = tensors_of(next);
      mean = Mean(panel, next_row,
                  [&](const auto& access, Index at, int n) HWY_ATTR { Put(access, row, at, n, mean[n]); });
      row = next_row;
    }
    PutAll(panel, row, mean);
  }
};

struct LogSoftmaxGradient {
  template <class P>
  HWY_INLINE void operator()(const P& panel, const PanelTensors& t) const {
    const float *dst = t.in[0], *diff_dst = t.in[1];
    typename P::Values total[1];
    SumOverClasses(
        panel,
        [&](const auto& access, Index at, Index, int n, auto& to) HWY_ATTR {
          if (n == 0) panel.Fetch(dst + at), panel.Fetch(diff_dst + at);
          to[0][n] = hn::Add(to[0][n], access.Load(diff_dst + at, n));
        },
        total);
    ForElements(panel, [&](const auto& access, Index at, Index) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < P::kVectors; ++n) {
        const PanelV share = ExpOfNegative(access.Load(dst + at, n));
        access.Store(hn::NegMulAdd(share, total[0][n], access.Load(diff_dst + at, n)), t.out + at, n);
      }
    });
  }
};

// Arguments: src, dst forward; src, dst, diff_dst, diff_src in the gradient.
template <class Work>
class SoftmaxForwardKernel final : public ClassKernel {
 public:
  SoftmaxForwardKernel(const ClassRows& rows, int threads) : ClassKernel(rows, 1, 1, threads) {}

  void run(std::span<const TensorRef> arguments) override {
    ForPanels({arguments[0].floats()}, arguments[1].floats(), Work());
  }
};
template <class Work>
class SoftmaxGradientKernel final : public ClassKernel {
 public:
  SoftmaxGradientKernel(const ClassRows& rows, int threads) : ClassKernel(rows, 2, 1, threads) {}

  void run(std::span<const TensorRef> arguments) override {
    ForPanels({arguments[1].floats(), arguments[2].floats()}, arguments[3].floats(), Work());
  }
};

std::unique_ptr<Kernel> PrepareSoftmax(const ClassRows& rows, bool logarithm, bool forward, int threads) {
  if (logarithm && forward) return std::make_unique<SoftmaxForwardKernel<LogSoftmaxForward>>(rows, threads);
  if (logarithm) return std::make_unique<SoftmaxGradientKernel<LogSoftmaxGradient>>(rows, threads);
  if (forward) return std::make_unique<SoftmaxForwardKernel<SoftmaxForward>>(rows, threads);
  return std::make_unique<SoftmaxGradientKernel<SoftmaxGradient>>(rows, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareSoftmax);

namespace {

ClassRows rows_of(const Case& c) {
  return rows_along(*c.spec->find_slot("src")->shape(c.attributes), static_cast<int>(c.attributes.integer("axis")));
}

// An exponential has depth 3, their sum 3 and its additions; the reciprocal is one more rounding than the quotient.
double softmax_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  const double additions = class_sum_depth(rows_of(c)), share = 3 + (3 + additions) + 2;
  return pass.is_forward() ? share : share + 1 + 1 + (share + 1 + additions);
}
double log_softmax_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  const double additions = class_sum_depth(rows_of(c)), sum = 3 + additions;
  const double log_share = sum + 3 + 1;
  return pass.is_forward() ? log_share : (log_share + 2) + additions + 1 + 1;
}

std::vector<Implementation> softmax_implementations(bool logarithm) {
  return simd_implementations({.prepare =
                                   [logarithm](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                     return HWY_DYNAMIC_DISPATCH(PrepareSoftmax)(rows_of(c), logarithm,
                                                                                 pass.is_forward(), options.threads);
                                   },
                               .depth = logarithm ? log_softmax_simd_depth : softmax_simd_depth});
}

}  // namespace

std::vector<Implementation> softmax_simd_implementations() { return softmax_implementations(false); }
std::vector<Implementation> log_softmax_simd_implementations() { return softmax_implementations(true); }

}  // namespace gradproof
#endif
