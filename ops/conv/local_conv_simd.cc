#include "ops/conv/local_conv_simd.h"

#include "ops/conv/local_conv.h"
#include "ops/conv/local_conv_plan.h"
#include "ops/conv/planes.h"
#include "ops/simd/outer_problem.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/local_conv_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/conv/local_conv_forward-inl.h"
#include "ops/conv/local_conv_gradient-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

std::unique_ptr<Kernel> PrepareLocalConv(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const LocalConvAttributes a = local_conv_attributes(c.attributes);
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.is_forward()) return std::make_unique<LocalForward>(a, arguments, options.threads);
  if (pass.slot == "src") return std::make_unique<LocalDataGradient>(a, arguments, options.threads);
  if (pass.slot == "weights") return std::make_unique<LocalWeightsGradient>(a, arguments, options.threads);
  return std::make_unique<LocalBiasGradient>(a, arguments);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareLocalConv);

// Offsets into planes and columns are 32-bit. Weights number less than 2^31 in every case.
std::optional<std::string> local_conv_simd_unsupported(const Case& c, const Pass& pass) {
  constexpr double kMost = 2147483647.0;
  const LocalConvAttributes a = local_conv_attributes(c.attributes);
  auto planes = static_cast<double>(a.ic);
  for (const WindowAxis& axis : a.window.axes)
    planes *= static_cast<double>(axis.in + axis.pad_lo + axis.pad_hi + axis.extent() + axis.stride);
  const double columns = static_cast<double>(a.oc * kColumnUnit) * static_cast<double>(a.outputs());
  const auto images = static_cast<double>(pass.slot == "weights" ? a.mb : std::min(a.mb, kLocalBlock));
  if (images * planes < kMost && columns < kMost) return {};
  return "the planes of a block of images exceed 2^31 elements";
}

// Forward: blocks of terms, one addition each (the bias counts as one). Data gradient: blocks of output channels, one
// addition for each of them and every window that sees the element. The others: one chain over the batch.
double local_conv_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  const LocalConvAttributes a = local_conv_attributes(c.attributes);
  if (pass.is_forward())
    return static_cast<double>(std::min(a.terms(), kDepthBlock) + (a.terms() + kDepthBlock - 1) / kDepthBlock);
  if (pass.slot != "src") return static_cast<double>(a.mb);
  const Index blocks = (a.oc + kDepthBlock - 1) / kDepthBlock;
  return static_cast<double>(std::min(a.oc, kDepthBlock) + blocks * windows_over_an_input(a.window));
}

}  // namespace

std::vector<Implementation> local_conv_simd_implementations() {
  return simd_implementations({local_conv_simd_unsupported,
                               [](const Case& c, const Pass& pass, const PrepareOptions& options) {
                                 return HWY_DYNAMIC_DISPATCH(PrepareLocalConv)(c, pass, options);
                               },
                               local_conv_simd_depth});
}

}  // namespace gradproof
#endif  // HWY_ONCE
