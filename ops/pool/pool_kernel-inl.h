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
#include <numeric>
#include <utility>

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
// Output that is staged at a time where rows are not whole cache lines.
constexpr Index kStagedBytes = Index{2} << 10;
// Elements below which a second thread does not pay: some 20 microseconds.
constexpr Index kSerialElements = 65536;

// Rows row ... row + rows - 1 of slice `slice` (a position along d) of image `plane`.
struct Band {
  Index plane, slice, row, rows;
};

// The bands that a thread computes after the one at hand.
struct Upcoming {
  Band next, after;
};

class PoolKernel : public Kernel {
 public:
  std::string isa() const final { return hwy::TargetName(HWY_TARGET); }

 protected:
  PoolKernel(PoolGeometry geometry, int threads)
      : g_(std::move(geometry)), threads_(g_.planes * g_.in_count() < kSerialElements ? 1 : threads) {
    stores_ = stores_for(static_cast<size_t>(4 * g_.planes * (g_.in_count() + g_.out_count())));
  }

  // Bands of a slice of `rows` rows with row_bytes of workspace each, band_bytes together.
  void PlanBands(Index rows, Index row_bytes, Index band_bytes = kBandBytes) {
    rows_ = rows;
    // At least as many as two windows share, so that at most half the work is repeated.
    const Index most = std::max(band_bytes / row_bytes, g_.h.extent() / g_.h.stride + 1);
    const Index count = (rows + most - 1) / most;
    band_rows_ = (rows + count - 1) / count;
  }

  // After PlanBands: makes bands that write row_floats for a row whole cache lines, where they are high enough.
  void WholeLineBands(Index row_floats) {
    const Index rows = kLineFloats / std::gcd(kLineFloats, row_floats);
    if (rows <= band_rows_) band_rows_ = band_rows_ / rows * rows;
  }

  // Calls run(thread, band) for all bands.
  template <class F>
  void ForEachBand(Index slices, const F& run) const {
    ShareBands(slices, [&](Index thread, Index first, Index count) {
      for (Index i = first; i < first + count; ++i) run(thread, BandOf(slices, i));
    });
  }

  // Calls run(thread, band, upcoming) for all bands. A thread takes those of the two halves of its share by turns, so
  // that it can fetch from two places at a time.
  template <class F>
  void ForEachBandByTurns(Index slices, const F& run) const {
    ShareBands(slices, [&](Index thread, Index first, Index count) {
      const auto turn = [&](Index i) {
        const Index at = std::min(i, count - 1);
        return BandOf(slices, first + at / 2 + at % 2 * ((count + 1) / 2));
      };
      if (count == 0) return;
      Band band = turn(0);
      Upcoming upcoming{turn(1), turn(2)};
      for (Index i = 0; i < count; ++i) {
        run(thread, band, upcoming);
        band = std::exchange(upcoming.next, std::exchange(upcoming.after, turn(i + 3)));
      }
    });
  }

  const PoolGeometry g_;
  const int threads_;
  Stores stores_;
  Index rows_ = 0;       // of a slice
  Index band_rows_ = 0;  // of a band; the last may have fewer

 private:
  Index bands() const { return (rows_ + band_rows_ - 1) / band_rows_; }  // of a slice

  Band BandOf(Index slices, Index item) const {
    const Index row = item % bands() * band_rows_;
    return {item / bands() / slices, item / bands() % slices, row, std::min(band_rows_, rows_ - row)};
  }

  // Calls take(thread, first, count) for each thread's share of the bands.
  template <class F>
  void ShareBands(Index slices, const F& take) const {
    const Index items = g_.planes * slices * bands();
    const auto share = [&](Index thread) {
      const Index first = items * thread / threads_;
      take(thread, first, items * (thread + 1) / threads_ - first);
      hwy::FlushStream();
    };
    parallel_tiles(threads_, threads_, std::cref(share));
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_POOL_KERNEL_INL_H
