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

std::unique_ptr<Kernel> Prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const MaxPoolAttributes a = max_pool_attributes(c.attributes);
  const bool byte = a.argmax_type() == ElementType::kUint8;
  if (pass.is_forward() && byte) return std::make_unique<MaxPoolForward<std::uint8_t>>(a, options.threads);
  if (pass.is_forward()) return std::make_unique<MaxPoolForward<std::int32_t>>(a, options.threads);
  if (byte) return std::make_unique<MaxPoolGradient<std::uint8_t>>(a, options.threads);
  return std::make_unique<MaxPoolGradient<std::int32_t>>(a, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(Prepare);

std::vector<Implementation> max_pool_simd_implementations() {
  return simd_implementations(
      {.unsupported = nullptr,
       .prepare = [](const Case& c, const Pass& pass,
                     const PrepareOptions& options) { return HWY_DYNAMIC_DISPATCH(Prepare)(c, pass, options); },
       .depth = nullptr});
}

}  // namespace gradproof
#endif
