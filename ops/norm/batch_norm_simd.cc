#include "ops/norm/batch_norm_simd.h"

#include <cmath>

#include "ops/norm/batch_norm.h"
#include "ops/norm/channel_norm.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/norm/batch_norm_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/norm/channel_norm_forward-inl.h"
#include "ops/norm/channel_norm_gradient-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// A channel of all samples.
NormSets SetsOf(const BatchNormAttributes& a) { return {a.mb, a.c, a.space, a.mb, 1}; }

class BatchNormForward final : public ChannelNormForward {
 public:
  BatchNormForward(const Case& c, const BatchNormAttributes& a, int threads)
      : ChannelNormForward(SetsOf(a), a.eps, c, threads),
        a_(a),
        running_mean_(Find("running_mean")),
        running_var_(Find("running_var")),
        new_running_mean_(Find("new_running_mean")),
        new_running_var_(Find("new_running_var")) {}

 private:
  bool GivenStatistics() const override { return !a_.training; }

  Statistics StatisticsOf(const Tile& tile, Index channel, const Moments& moments) const override {
    const auto running_mean = static_cast<double>(Tensor(tile.arguments, running_mean_)[channel]);
    const auto running_var = static_cast<double>(Tensor(tile.arguments, running_var_)[channel]);
    if (!a_.training) return {running_mean, Rstd(running_var)};
    const auto blend = [&](double old, double batch) {
      return static_cast<float>((1 - a_.momentum) * old + a_.momentum * batch);
    };
    Tensor(tile.arguments, new_running_mean_)[channel] = blend(running_mean, moments.mean());
    Tensor(tile.arguments, new_running_var_)[channel] = blend(running_var, moments.unbiased_variance());
    return ChannelNormForward::StatisticsOf(tile, channel, moments);
  }

  const BatchNormAttributes a_;
  const int running_mean_, running_var_, new_running_mean_, new_running_var_;
};

class BatchNormGradient final : public ChannelNormGradient {
 public:
  BatchNormGradient(const Case& c, const BatchNormAttributes& a, const Pass& pass, int threads)
      : ChannelNormGradient(SetsOf(a), c, pass, threads),
        a_(a),
        running_mean_(Find("running_mean")),
        running_var_(Find("running_var")) {}

 private:
  Statistics StatisticsOf(const Tile& tile, Index channel) const override {
    if (a_.training) return ChannelNormGradient::StatisticsOf(tile, channel);
    const auto var = static_cast<double>(Tensor(tile.arguments, running_var_)[channel]);
    return {Tensor(tile.arguments, running_mean_)[channel], 1 / std::sqrt(var + a_.eps)};
  }
  bool GivenStatistics() const override { return !a_.training; }

  const BatchNormAttributes a_;
  const int running_mean_, running_var_;
};

std::unique_ptr<Kernel> PrepareBatchNorm(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const BatchNormAttributes a = batch_norm_attributes(c.attributes);
  if (pass.is_forward()) return std::make_unique<BatchNormForward>(c, a, options.threads);
  return std::make_unique<BatchNormGradient>(c, a, pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(PrepareBatchNorm);

double batch_norm_simd_depth(const Case& c, const Pass&, std::string_view slot) {
  return channel_norm_depth(slot, !c.attributes.flag("training"));
}

}  // namespace

std::vector<Implementation> batch_norm_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareBatchNorm)(plan...); },
       .depth = batch_norm_simd_depth});
}

}  // namespace gradproof
#endif
