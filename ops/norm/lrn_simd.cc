#include "ops/norm/lrn_simd.h"

#include "ops/norm/lrn_plan.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/norm/lrn_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/norm/lrn_strips-inl.h"
#include "ops/norm/lrn_volumes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Elements below which a second thread does not pay: some 20 microseconds.
constexpr Index kSerialElements = 16384;
// Pixels below which rows of one channel are too short to be worth their loops.
constexpr Index kShortRow = 32;

std::unique_ptr<Kernel> PrepareLrn(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const LrnAttributes a = lrn_attributes(c.attributes);
  const int threads = a.mb * a.c * a.space() < kSerialElements ? 1 : options.threads;
  const bool strips = !a.within && a.across().taps() <= kDirectTaps && a.space() >= kShortRow;
  if (pass.is_forward()) {
    if (strips) return std::make_unique<LrnStripsForward>(a, threads);
    return std::make_unique<LrnVolumesForward>(a, threads);
  }
  if (strips) return std::make_unique<LrnStripsGradient>(a, threads);
  return std::make_unique<LrnVolumesGradient>(a, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareLrn);

double lrn_simd_depth(const Case& c, const Pass&, std::string_view slot) {
  return lrn_depth(lrn_attributes(c.attributes), slot);
}

}  // namespace

std::vector<Implementation> lrn_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareLrn)(plan...); }, .depth = lrn_simd_depth});
}

}  // namespace gradproof
#endif
