// What windows are divided by to make averages of their sums.

#if defined(GRADPROOF_DIVISORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_DIVISORS_INL_H
#undef GRADPROOF_DIVISORS_INL_H
#else
#define GRADPROOF_DIVISORS_INL_H
#endif

#include <hwy/highway.h>

#include "ops/pool/linear_pool.h"
#include "ops/pool/window_sum_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

class Divisors {
 public:
  Divisors(const LinearPoolAttributes& a, const PoolGeometry& g) : of_(a.divisors()) {
    // Axes that were merged have one tap a window.
    of_[0].resize(At(g.d.out), 1.0F);
    of_[1].resize(At(g.h.out), 1.0F);
    of_[2].resize(At(g.w.out + Lanes()), 1.0F);  // read in whole vectors
  }

  Quotient operator()(const WindowRow& row) const { return {of_[2].data(), &of_[1][At(row.oh)], of_[0][At(row.od)]}; }

 private:
  std::array<std::vector<float>, 3> of_;  // along each axis
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_DIVISORS_INL_H
