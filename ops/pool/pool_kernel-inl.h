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
#include "ops/pool/geometry.h"
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

// Rows row ... row + rows - 1 of slice `slice` (a position along d) of image `plane`.
struct Band {
  Index plane, slice, row, rows;
};

class PoolKernel : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  PoolKernel(PoolGeometry geometry, int threads)
      : g_(std::move(geometry)), threads_(g_.planes * g_.in_count() < kSerialElements ? 1 : threads) {
    stores_ = stores_for(static_cast<size_t>(4 * g_.planes * (g_.in_count() + g_.out_count())));
  }

  // Bands of a slice of `rows` rows with row_bytes of workspace each.
  void PlanBands(Index rows, Index row_bytes) {
    rows_ = rows;
    const Index bands = (rows + BandOf(row_bytes) - 1) / BandOf(row_bytes);
    band_rows_ = (rows + bands - 1) / bands;
  }

  // Calls run(thread, band) for all bands.
  template <class F>
  void ForEachBand(Index slices, const F& run) const {
    const Index bands = (rows_ + band_rows_ - 1) / band_rows_;
    const Index items = g_.planes * slices * bands;
    const auto share = [&](Index thread) {
      for (Index item = items * thread / threads_; item < items * (thread + 1) / threads_; ++item) {
        const Index row = item % bands * band_rows_;
        run(thread, Band{item / bands / slices, item / bands % slices, row, std::min(band_rows_, rows_ - row)});
      }
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }

  const PoolGeometry g_;
  const int threads_;
  Stores stores_;
  Index rows_ = 0;       // of a slice
  Index band_rows_ = 0;  // of a band; the last may have fewer

 private:
  // At least as many as two windows share, so that at most half the work is repeated.
  Index BandOf(Index row_bytes) const { return std::max(kBandBytes / row_bytes, g_.h.extent() / g_.h.stride + 1); }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_POOL_KERNEL_INL_H
