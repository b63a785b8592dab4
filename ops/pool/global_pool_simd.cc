#include "ops/pool/global_pool_simd.h"

#include <numeric>

#include "ops/pool/global_pool.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/global_pool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/plane_kernel-inl.h"
#include "ops/simd/block_sums-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

struct Constant {
  float value;
  HWY_ATTR auto operator()() const { return hn::Set(hn::ScalableTag<float>(), value); }
};

// The sum of a plane in double: of a short one with 4 vectors of sums and then the rest of it, since blocks would cost
// more than their terms (ResNet's maps of 7 x 7).
double PlaneTotal(const float* x, Index count) {
  if (count >= kSumBlockSize) return ChannelTotal({1, count, count}, x);
  using DD = hn::ScalableTag<double>;
  const DD d;
  const hn::Rebind<float, DD> df;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  hn::Vec<DD> sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  Index i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes)
    for (Index k = 0; k < 4; ++k) sums[k] = hn::Add(sums[k], hn::PromoteTo(d, hn::LoadU(df, x + i + k * lanes)));
  for (; i < count; i += lanes)
    sums[0] = hn::Add(sums[0], hn::PromoteTo(d, LoadFirst(df, x + i, static_cast<size_t>(std::min(lanes, count - i)))));
  HWY_ALIGN double parts[hn::MaxLanes(DD())];
  hn::Store(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])), d, parts);
  return std::accumulate(parts, parts + lanes, 0.0);
}

class GlobalPoolKernel : public PlaneKernel {
 public:
  GlobalPoolKernel(const GlobalPoolAttributes& a, int threads)
      : PlaneKernel(a.planes, a.space, threads), divisor_(a.average ? static_cast<double>(a.space) : 1.0) {}

 protected:
  const double divisor_;  // of a sum
};

class GlobalPoolForward final : public GlobalPoolKernel {
 public:
  using GlobalPoolKernel::GlobalPoolKernel;

  void run(std::span<const TensorRef> arguments) override {
    const float* src = arguments[0].floats();
    float* dst = arguments[1].floats();
    ForEachPlane([&](Index, Index plane) {
      const double total = PlaneTotal(src + plane * space_, space_);
      dst[plane] = static_cast<float>(total / divisor_);
    });
  }
};

class GlobalPoolGradient final : public GlobalPoolKernel {
 public:
  GlobalPoolGradient(const GlobalPoolAttributes& a, int threads) : GlobalPoolKernel(a, threads) {
    const bool long_planes = a.space >= 1024;  // else partial cache lines abound, which streaming does not like
    if (long_planes) stores_ = stores_for(static_cast<size_t>(a.planes * a.space) * sizeof(float));
  }

  void run(std::span<const TensorRef> arguments) override {
    const float* diff_dst = arguments[1].floats();
    float* diff_src = arguments[2].floats();
    ForEachPlane([&](Index, Index plane) {
      const auto share = static_cast<float>(static_cast<double>(diff_dst[plane]) / divisor_);
      Map(Constant{share}, stores_, static_cast<size_t>(space_), diff_src + plane * space_);
    });
  }

 private:
  Stores stores_ = Stores::kCached;
};

std::unique_ptr<Kernel> PrepareGlobalPool(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const GlobalPoolAttributes a = global_pool_attributes(c);
  if (pass.is_forward()) return std::make_unique<GlobalPoolForward>(a, options.threads);
  return std::make_unique<GlobalPoolGradient>(a, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareGlobalPool);

namespace {

// Sums and quotients are taken in double and rounded once. A sum's gradient is a copy.
double global_pool_simd_depth(const Case& c, const Pass& pass, std::string_view) {
  if (!pass.is_forward() && !global_pool_attributes(c).average) return 0;
  return 1 + kSumDepth;
}

}  // namespace

std::vector<Implementation> global_pool_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareGlobalPool)(plan...); },
       .depth = global_pool_simd_depth});
}

}  // namespace gradproof
#endif
