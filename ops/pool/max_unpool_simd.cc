#include "ops/pool/max_unpool_simd.h"

#include <array>

#include "ops/pool/geometry.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/max_pool_simd.h"
#include "ops/simd/parallel.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/pool/max_unpool_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/pool/picked_rows-inl.h"
#include "ops/pool/pool_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

template <typename T>
class MaxUnpoolGradient final : public PoolKernel {
 public:
  MaxUnpoolGradient(const MaxPoolAttributes& a, int threads)
      : PoolKernel(PoolGeometry(a.mb * a.c, a.window), threads), picked_(g_) {
    PlanBands(g_.h.out, 4 * (g_.h.stride * g_.w.in + g_.w.out));
  }

  void run(std::span<const TensorRef> arguments) override {
    const T* argmax = static_cast<const T*>(arguments[1].data);
    const float* diff_dst = arguments[2].floats();
    float* diff_src = arguments[3].floats();
    ForEachBand(g_.d.out, [&](Index, const Band& band) {
      const float* plane = diff_dst + band.plane * g_.in_count();
      for (Index oh = band.row; oh < band.row + band.rows; ++oh) {
        const Index at = ((band.plane * g_.d.out + band.slice) * g_.h.out + oh) * g_.w.out;
        picked_.Pick(plane, band.slice, oh, argmax + at, diff_src + at);
      }
    });
  }

 private:
  const PickedRows picked_;
};

std::unique_ptr<Kernel> PrepareMaxUnpoolGradient(const MaxPoolAttributes& a, int threads) {
  if (a.argmax_type() == ElementType::kUint8) return std::make_unique<MaxUnpoolGradient<std::uint8_t>>(a, threads);
  return std::make_unique<MaxUnpoolGradient<std::int32_t>>(a, threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareMaxUnpoolGradient);

namespace {

// The gradient of max_pool with respect to its src, of the cotangent src.
class MaxUnpoolForward final : public Kernel {
 public:
  MaxUnpoolForward(const MaxPoolAttributes& a, int threads) : gradient_(prepare_max_gradient(a, threads)) {}

  void run(std::span<const TensorRef> arguments) override {
    const TensorRef &src = arguments[0], &argmax = arguments[1], &dst = arguments[2];
    gradient_->run(std::array{dst, argmax, src, dst});
  }
  std::string isa() const override { return gradient_->isa(); }

 private:
  const std::unique_ptr<Kernel> gradient_;
};

}  // namespace

std::vector<Implementation> max_unpool_simd_implementations() {
  return simd_implementations(
      {.prepare = [](const Case& c, const Pass& pass, const PrepareOptions& options) -> std::unique_ptr<Kernel> {
        const MaxPoolAttributes a = max_pool_attributes(c.attributes);
        if (pass.is_forward()) return std::make_unique<MaxUnpoolForward>(a, options.threads);
        return HWY_DYNAMIC_DISPATCH(PrepareMaxUnpoolGradient)(a, options.threads);
      }});
}

}  // namespace gradproof
#endif
