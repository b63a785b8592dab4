#include "ops/pool/linear_pool_simd.h"

#include "ops/pool/geometry.h"
#include "ops/pool/linear_pool.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/linear_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/window_sum_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

std::unique_ptr<Kernel> Prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const LinearPoolAttributes a = linear_pool_attributes(c.attributes);
  if (pass.is_forward()) return std::make_unique<WindowSumForward>(a, options.threads);
  return std::make_unique<WindowSumGradient>(a, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(Prepare);

std::vector<Implementation> linear_pool_simd_implementations() {
  return simd_implementations(
      {.unsupported = nullptr,
       .prepare = [](const Case& c, const Pass& pass,
                     const PrepareOptions& options) { return HWY_DYNAMIC_DISPATCH(Prepare)(c, pass, options); },
       .depth = nullptr});
}

}  // namespace gradproof
#endif
