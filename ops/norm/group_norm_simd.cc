#include "ops/norm/group_norm_simd.h"

#include <cmath>

#include "ops/norm/channel_norm.h"
#include "ops/norm/group_norm.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/norm/group_norm_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/norm/channel_norm_forward-inl.h"
#include "ops/norm/channel_norm_gradient-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

std::unique_ptr<Kernel> PrepareGroupNorm(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const SampleNormAttributes a = group_norm_attributes(c.attributes);
  if (pass.is_forward()) return std::make_unique<ChannelNormForward>(a.sets, a.eps, c, options.threads);
  return std::make_unique<ChannelNormGradient>(a.sets, c, pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareGroupNorm);

}  // namespace

std::vector<Implementation> group_norm_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareGroupNorm)(plan...); },
       .depth = [](const Case&, const Pass&, std::string_view slot) { return channel_norm_depth(slot); }});
}

}  // namespace gradproof
#endif
