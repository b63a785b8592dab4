// What kernels share that take a plane, a channel of an image, as a whole.

#if defined(GRADPROOF_PLANE_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PLANE_KERNEL_INL_H
#undef GRADPROOF_PLANE_KERNEL_INL_H
#else
#define GRADPROOF_PLANE_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <functional>

#include "ops/core/implementation.h"
#include "ops/pool/pool_kernel-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

// Planes, shared out among the threads in runs.
class PlaneKernel : public Kernel {
 public:
  PlaneKernel(Index planes, Index space, int threads)
      : planes_(planes), space_(space), threads_(planes * space < kSerialElements ? 1 : threads) {}

  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  // Calls f(thread, plane) for all planes.
  template <class F>
  void ForEachPlane(const F& f) const {
    const auto share = [&](Index thread) {
      for (Index plane = planes_ * thread / threads_; plane < planes_ * (thread + 1) / threads_; ++plane)
        f(thread, plane);
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  const Index planes_;
  const Index space_;  // elements of each
  const int threads_;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PLANE_KERNEL_INL_H
