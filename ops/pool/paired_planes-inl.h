// Narrow planes, two to a vector: one in the lower half of its lanes, the next in the upper half.

#if defined(GRADPROOF_PAIRED_PLANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PAIRED_PLANES_INL_H
#undef GRADPROOF_PAIRED_PLANES_INL_H
#else
#define GRADPROOF_PAIRED_PLANES_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"
#include "ops/pool/plane_kernel-inl.h"
#include "ops/simd/line_stream-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows are loaded and stored with masks, which only AVX-512 has for bytes, too.
#if HWY_TARGET <= HWY_AVX3

// Whether a row of inputs fits a vector, and two rows of windows, neighbours 2 apart, fit another. Rows of 2 windows
// leave so many lanes empty that JoinedPool is faster (Zen 4, 4 x 4, forward: 0.8 of the time).
inline bool ArePairs(const PoolGeometry& g) {
  return g.planes > 1 && g.d.in == 1 && g.d.kernel == 1 && g.has_neighbours(2) && g.w.pad <= 1 && g.w.in <= Lanes() &&
         2 < g.w.out && 2 * g.w.out <= Lanes();
}

// What two planes have at the same place.
template <typename T>
struct PairOf {
  T* lower;
  T* upper;
};

// The first `count` elements of two rows, 0 in the other lanes of either half.
template <typename T>
class HalvesOfRows {
 public:
  using Lanes = hn::Rebind<T, D>;
  using HalfLanes = hn::Half<Lanes>;

  explicit HWY_INLINE HalvesOfRows(Index count) : elements_(hn::FirstN(HalfLanes(), At(count))) {}

  HWY_INLINE hn::Vec<Lanes> Load(const PairOf<const T>& rows, Index at) const {
    const HalfLanes half;
    return hn::Combine(Lanes(), hn::MaskedLoad(elements_, half, rows.upper + at),
                       hn::MaskedLoad(elements_, half, rows.lower + at));
  }
  HWY_INLINE void Store(hn::Vec<Lanes> v, const PairOf<T>& rows, Index at) const {
    const HalfLanes half;
    auto upper = hn::UpperHalf(half, v);
    KeepLoaded(upper);  // GCC 12 would store it by VEXTRACTF32X8, which faults on lanes that its mask leaves out
    hn::BlendedStore(hn::LowerHalf(half, v), elements_, half, rows.lower + at);
    hn::BlendedStore(upper, elements_, half, rows.upper + at);
  }

 private:
  const hn::Mask<HalfLanes> elements_;
};

// Planes by twos, in groups that are shared out among the threads.
class PairedPlanes : public PlaneKernel {
 protected:
  // What is written has `written` elements a plane.
  PairedPlanes(const PoolGeometry& g, Index written, int threads)
      : PlaneKernel((g.planes + kGroup - 1) / kGroup, kGroup * g.in_count(), threads),
        g_(g),
        written_(written),
        stores_(stores_for(static_cast<size_t>(4 * g.planes * (g.in_count() + g.out_count())))) {
    for (int thread = 0; thread < threads_; ++thread)
      staged_.push_back(Filled(WholeLines(2 * written) + kLineFloats, 0.0F));
  }

  // Calls run(lower, upper, to) for pairs of planes, with what they write of `out`. A last plane without a neighbour is
  // its own.
  template <class F>
  void ForEachPair(float* out, const F& run) {
    ForEachPlane([&](Index thread, Index group) {
      const Index first = group * kGroup, end = std::min(first + kGroup, g_.planes);
      LineStream stream(stores_, staged_[At(thread)].get(), out + first * written_);
      for (Index plane = first; plane < end; plane += 2) {
        const Index others = std::min<Index>(end - plane, 2) - 1;
        run(plane, plane + others, PairOf<float>{stream.next(), stream.next() + others * written_});
        stream.push((1 + others) * written_);
      }
      stream.finish();
    });
  }

  const PoolGeometry g_;

 private:
  static constexpr Index kGroup = 16;

  const Index written_;
  const Stores stores_;
  std::vector<AlignedMemory<float>> staged_;  // of each thread
};

#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PAIRED_PLANES_INL_H
