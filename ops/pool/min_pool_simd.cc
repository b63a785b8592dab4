#include "ops/pool/max_pool.h"
#include "ops/pool/max_pool_simd.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/min_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/max_pool_forward-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

std::unique_ptr<Kernel> PrepareMinPoolForward(const MaxPoolAttributes& a, int threads) {
  return MakeForward<Smallest>(a, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareMinPoolForward);

// The way back only follows argmax, whatever was looked for.
std::vector<Implementation> min_pool_simd_implementations() {
  return simd_implementations({.prepare = [](const Case& c, const Pass& pass, const PrepareOptions& options) {
    const MaxPoolAttributes a = max_pool_attributes(c.attributes);
    return pass.is_forward() ? HWY_DYNAMIC_DISPATCH(PrepareMinPoolForward)(a, options.threads)
                             : prepare_max_gradient(a, options.threads);
  }});
}

}  // namespace gradproof
#endif
