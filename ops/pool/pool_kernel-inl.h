// What pooling kernels share: bands of rows that fit the L1 cache, and their distribution over threads.

#if defined(GRADPROOF_POOL_KERNEL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_POOL_KERNEL_INL_H
#undef GRADPROOF_POOL_KERNEL_INL_H
#else
#define GRADPROOF_POOL_KERNEL_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <functional>

#include "ops/core/implementation.h"
#include "ops/pool/phases.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Workspace of a band: it stays in the L1 cache beside its input.
constexpr Index kBandBytes = Index{24} << 10;
// Elements below which a second thread does not pay: some 20 microseconds.
constexpr Index kSerialElements = 65536;

// Rows row ... of slice `slice` (a position along d) of images plane ... plane + images - 1.
struct Band {
  Index plane, images, slice, row;
};

// What both passes share: the geometry, bands of rows small enough for the L1 cache, and their distribution.
class PoolKernel : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  PoolKernel(PoolGeometry geometry, int threads)
      : g_(std::move(geometry)), threads_(g_.planes * g_.in_count() < kSerialElements ? 1 : threads) {
    const Index in = g_.planes * g_.in_count();
    const Index out = g_.planes * g_.out_count();
    stores_ = StoresFor(static_cast<size_t>(4 * in + 4 * out));
  }

  // Bands of `rows` rows with row_bytes of workspace each; small images are taken several at a time.
  void PlanBands(Index rows, Index row_bytes) {
    const Index most = std::clamp(kBandBytes / row_bytes, std::min(rows, 2 * g_.h.max_shift() + 1), rows);
    bands_ = (rows + most - 1) / most;
    band_rows_ = (rows + bands_ - 1) / bands_;
    const bool flat = g_.d.in == 1 && g_.d.out == 1;
    const Index image_bytes = (rows + g_.h.max_shift()) * row_bytes;
    images_ = flat && bands_ == 1 ? std::clamp<Index>(kBandBytes / image_bytes, 1, g_.planes) : 1;
  }

  // Calls run(thread, band) for all bands.
  template <class F>
  void ForEachBand(Index slices, const F& run) const {
    const Index groups = (g_.planes + images_ - 1) / images_;
    const Index items = groups * slices * bands_;
    const auto share = [&](Index thread) {
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item) {
        const Index plane = item / bands_ / slices * images_;
        run(thread,
            Band{plane, std::min(images_, g_.planes - plane), item / bands_ % slices, item % bands_ * band_rows_});
      }
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  const PoolGeometry g_;
  const int threads_;
  Stores stores_;
  Index band_rows_ = 0;
  Index bands_ = 0;   // of an image
  Index images_ = 1;  // of a band
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_POOL_KERNEL_INL_H
