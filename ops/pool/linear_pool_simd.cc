#include "ops/pool/linear_pool_simd.h"

#include "ops/pool/geometry.h"
#include "ops/pool/linear_pool.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/linear_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/divisors-inl.h"
#include "ops/pool/window_sum_forward-inl.h"
#include "ops/pool/window_sum_gradient-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

GRADPROOF_SUM_SWEEPS()

namespace {

Whole Undivided(const WindowRow&) { return {}; }

class LinearPoolForward final : public WindowSumForward {
 public:
  LinearPoolForward(const LinearPoolAttributes& a, int threads)
      : WindowSumForward(PoolGeometry(a.mb * a.c, a.window), threads), average_(a.average), divisors_(a, g_) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    average_ ? WriteWindows(src, dst, divisors_) : WriteWindows(src, dst, Undivided);
  }

 private:
  const bool average_;
  const Divisors divisors_;
};

class LinearPoolGradient final : public WindowSumGradient {
 public:
  LinearPoolGradient(const LinearPoolAttributes& a, int threads)
      : WindowSumGradient(PoolGeometry(a.mb * a.c, a.window), !a.average, threads),
        average_(a.average),
        divisors_(a, g_) {}

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    average_ ? Gather(diff_dst, diff_src, divisors_) : Gather(diff_dst, diff_src, Undivided);
  }

 private:
  const bool average_;
  const Divisors divisors_;
};

std::unique_ptr<Kernel> PrepareLinearPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const LinearPoolAttributes a = linear_pool_attributes(c.attributes);
  if (pass.is_forward()) return std::make_unique<LinearPoolForward>(a, options.threads);
  return std::make_unique<LinearPoolGradient>(a, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareLinearPool);

std::vector<Implementation> linear_pool_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareLinearPool)(plan...); }});
}

}  // namespace gradproof
#endif
