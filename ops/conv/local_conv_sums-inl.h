// The inner loops of local_conv: products of weights, each used once a sample, with an operand that is shifted by tap.
//
// Vectors run along the output pixels. Every sum is one chain of multiply-adds over its terms, whatever the vector
// length, the block of samples or the thread: its bits depend on the shape alone, as long as multiply and add fuse.

#if defined(GRADPROOF_LOCAL_CONV_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LOCAL_CONV_SUMS_INL_H
#undef GRADPROOF_LOCAL_CONV_SUMS_INL_H
#else
#define GRADPROOF_LOCAL_CONV_SUMS_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ops/conv/local_conv_plan.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline Index LaneCount() { return static_cast<Index>(hn::Lanes(hn::ScalableTag<float>())); }

// sums[n][column] (+)= sum over k < depth of weights[k][pixel] * operand[n][offsets[k] + place], for every pixel of a
// tile, where place is the stretch's plane or column.
struct LocalSums {
  Index depth;
  const float* weights;  // of pixel 0
  Index weights_step;
  const float* operand;
  const std::int32_t* offsets;
  Index PixelStretch::*place;
  Index operand_step;  // between samples
  float* sums;         // of column 0
  Index sums_step;     // between samples
  bool accumulate;
  Index ahead;  // from these weights to those that are wanted next, which are prefetched
};

// A vector of weights serves kImages samples. Of the last vector only the first `last` lanes are weights.
template <int kImages, int kVectors, bool kWhole>
HWY_INLINE void SumVectors(const LocalSums& s, const float* weights, const float* operand, float* sums, size_t last) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const Index lanes = LaneCount();
  V sum[kVectors][kImages];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
#pragma GCC unroll 8
    for (int n = 0; n < kImages; ++n)
      sum[v][n] = s.accumulate ? hn::LoadU(d, sums + n * s.sums_step + v * lanes) : hn::Zero(d);
  for (Index k = 0; k < s.depth; ++k, weights += s.weights_step) {
    const float* terms = operand + s.offsets[k];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      hwy::Prefetch(weights + s.ahead + v * lanes);
      const bool whole = kWhole || v + 1 < kVectors;
      const V weight = whole ? hn::LoadU(d, weights + v * lanes) : LoadFirst(d, weights + v * lanes, last);
#pragma GCC unroll 8
      for (int n = 0; n < kImages; ++n)
        sum[v][n] = hn::MulAdd(weight, hn::LoadU(d, terms + n * s.operand_step + v * lanes), sum[v][n]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
#pragma GCC unroll 8
    for (int n = 0; n < kImages; ++n) hn::StoreU(sum[v][n], d, sums + n * s.sums_step + v * lanes);
}

// At most 8 running sums: with a vector of weights they leave registers free where there are 16.
template <int kImages>
constexpr int kSumVectors = kImages == 1 ? 4 : std::max(1, 8 / kImages);

template <int kImages, int kVectors = kSumVectors<kImages>>
HWY_INLINE void SumLastVectors(const LocalSums& s, const float* weights, const float* operand, float* sums,
                               Index vectors, size_t last) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return SumLastVectors<kImages, kVectors - 1>(s, weights, operand, sums, vectors, last);
  }
  SumVectors<kImages, kVectors, false>(s, weights, operand, sums, last);
}

template <int kImages>
HWY_NOINLINE void SumTile(const LocalSums& s, const StretchTile& tile) {
  constexpr Index kVectors = kSumVectors<kImages>;
  const Index lanes = LaneCount();
  for (const PixelStretch* stretch = tile.first; stretch != tile.last; ++stretch) {
    const float* weights = s.weights + stretch->pixel;
    const float* operand = s.operand + stretch->*s.place;
    float* sums = s.sums + stretch->column;
    Index i = 0;
    for (; i + kVectors * lanes < stretch->length; i += kVectors * lanes)
      SumVectors<kImages, kVectors, true>(s, weights + i, operand + i, sums + i, 0);
    const Index vectors = (stretch->length - i + lanes - 1) / lanes;
    const Index last = stretch->length - i - (vectors - 1) * lanes;
    SumLastVectors<kImages>(s, weights + i, operand + i, sums + i, vectors, static_cast<size_t>(last));
  }
}

using SumFunction = void (*)(const LocalSums&, const StretchTile&);

// SumTile for 1 <= images <= kLocalImages.
inline SumFunction SelectSumTile(Index images) {
  constexpr auto kTable = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<SumFunction, sizeof...(kIndex)>{&SumTile<kIndex + 1>...};
  }
  (std::make_index_sequence<kLocalImages>());
  return kTable[static_cast<size_t>(images - 1)];
}

// out[row][pixel] = sum over n < images of factor[n][column] * operand[n][offsets[row] + plane], for a few rows that
// share the factor. Writes pixels 0 ... pixels - 1 of every row and nothing else.
struct LocalProducts {
  Index images;
  const float* factor;
  Index factor_step;
  const float* operand;
  const std::int32_t* offsets;
  Index operand_step;
  float* out;
  Index pixels;  // of a row, and from one row to the next
};

inline constexpr int kProductRows = 4;

template <int kRows, int kVectors>
HWY_INLINE void MultiplyVectors(const LocalProducts& p, const PixelStretch& stretch, Index i) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const Index lanes = LaneCount();
  V sum[kRows][kVectors];
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[row][v] = hn::Zero(d);
  const float* factor = p.factor + stretch.column + i;
  const float* operand = p.operand + stretch.plane + i;
  for (Index n = 0; n < p.images; ++n, factor += p.factor_step, operand += p.operand_step)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const V shared = hn::LoadU(d, factor + v * lanes);
#pragma GCC unroll 4
      for (int row = 0; row < kRows; ++row)
        sum[row][v] = hn::MulAdd(shared, hn::LoadU(d, operand + p.offsets[row] + v * lanes), sum[row][v]);
    }
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Index pixel = stretch.pixel + i + v * lanes;
      float* out = p.out + row * p.pixels + pixel;
      // What a whole vector writes behind its stretch the next stretch overwrites; behind the row it must not write.
      if (pixel + lanes <= p.pixels)
        hn::StoreU(sum[row][v], d, out);
      else
        StoreFirst(sum[row][v], d, out, static_cast<size_t>(p.pixels - pixel));
    }
}

template <int kRows>
HWY_NOINLINE void MultiplyRows(const LocalProducts& p, const std::vector<PixelStretch>& stretches) {
  const Index lanes = LaneCount();
  for (const PixelStretch& stretch : stretches) {
    Index i = 0;
    for (; i + lanes < stretch.length; i += 2 * lanes) MultiplyVectors<kRows, 2>(p, stretch, i);
    if (i < stretch.length) MultiplyVectors<kRows, 1>(p, stretch, i);
  }
}

inline void MultiplyRows(const LocalProducts& p, const std::vector<PixelStretch>& stretches, Index rows) {
  constexpr std::array kTable{&MultiplyRows<1>, &MultiplyRows<2>, &MultiplyRows<3>, &MultiplyRows<4>};
  kTable[static_cast<size_t>(rows - 1)](p, stretches);
}

// to[i] = from[i] + addend[i] for i < count; without addend a copy. `addend` may be `to`.
inline void StoreSums(const float* from, const float* addend, Index count, float* to) {
  const hn::ScalableTag<float> d;
  const Index lanes = LaneCount();
  for (Index i = 0; i < count; i += lanes) {
    const auto rest = static_cast<size_t>(count - i);
    const bool whole = i + lanes <= count;
    auto value = hn::LoadU(d, from + i);  // columns are whole vectors
    if (addend != nullptr) value = hn::Add(whole ? hn::LoadU(d, addend + i) : LoadFirst(d, addend + i, rest), value);
    if (whole)
      hn::StoreU(value, d, to + i);
    else
      StoreFirst(value, d, to + i, rest);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LOCAL_CONV_SUMS_INL_H
