#include "ops/pool/max_pool_simd.h"

#include "ops/pool/geometry.h"
#include "ops/pool/max_pool.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/max_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/max_pool_forward-inl.h"
#include "ops/pool/max_pool_gradient-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

std::unique_ptr<Kernel> PrepareMaxPoolForward(const MaxPoolAttributes& a, int threads) {
  return MakeForward<Largest>(a, threads);
}

std::unique_ptr<Kernel> PrepareMaxPoolGradient(const MaxPoolAttributes& a, int threads) {
  if (a.argmax_type() != ElementType::kUint8) return std::make_unique<MaxPoolGradient<std::int32_t>>(a, threads);
  if (auto sweep = MakeRoutedSweep(a, threads)) return sweep;
  return std::make_unique<MaxPoolGradient<std::uint8_t>>(a, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareMaxPoolForward);
HWY_EXPORT(PrepareMaxPoolGradient);

std::unique_ptr<Kernel> prepare_max_forward(const MaxPoolAttributes& a, int threads) {
  return HWY_DYNAMIC_DISPATCH(PrepareMaxPoolForward)(a, threads);
}

std::unique_ptr<Kernel> prepare_max_gradient(const MaxPoolAttributes& a, int threads) {
  return HWY_DYNAMIC_DISPATCH(PrepareMaxPoolGradient)(a, threads);
}

std::vector<Implementation> max_pool_simd_implementations() {
  return simd_implementations({.prepare = [](const Case& c, const Pass& pass, const PrepareOptions& options) {
    const MaxPoolAttributes a = max_pool_attributes(c.attributes);
    return pass.is_forward() ? prepare_max_forward(a, options.threads) : prepare_max_gradient(a, options.threads);
  }});
}

}  // namespace gradproof
#endif
