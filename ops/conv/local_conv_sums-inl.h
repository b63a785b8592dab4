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

// sums[row][n][column] (+)= sum over k < depth of weights[row][k][pixel] * operand[n][offsets[k] + place], for every
// pixel of a tile, where place is the stretch's plane or column.
struct LocalSums {
  Index rows;    // at most kLocalRows: they share the operand
  Index images;  // at most kLocalImages: they share the weights
  Index depth;
  const float* weights;  // of pixel 0
  Index weights_row, weights_step;
  const float* operand;
  const std::int32_t* offsets;
  Index PixelStretch::*place;
  Index operand_step;  // between samples
  float* sums;         // of column 0
  Index sums_row, sums_step;
  bool accumulate;
  // The weights that are wanted next, of the tile's first pixel, are prefetched: either those of depth more terms in
  // the order in which they lie, if they are contiguous, or as these weights are read.
  const float* next;
  bool next_is_contiguous;
};

// Of the last vector of weights only the first `last` lanes are weights. `pixel` counts from the tile's first one.
template <int kRows, int kImages, int kVectors, bool kWhole>
HWY_INLINE void SumVectors(const LocalSums& s, const PixelStretch& stretch, Index i, Index pixel, size_t last) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const Index lanes = LaneCount();
  const float* weights = s.weights + stretch.pixel + i;
  const float* operand = s.operand + stretch.*s.place + i;
  float* sums = s.sums + stretch.column + i;
  const float* next = s.next + (s.next_is_contiguous ? s.depth * pixel : pixel);
  const Index next_step = s.next_is_contiguous ? kVectors * lanes : s.weights_step;
  V sum[kRows][kVectors][kImages];
#pragma GCC unroll 2
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
#pragma GCC unroll 4
      for (int n = 0; n < kImages; ++n)
        sum[row][v][n] =
            s.accumulate ? hn::LoadU(d, sums + row * s.sums_row + n * s.sums_step + v * lanes) : hn::Zero(d);
  for (Index k = 0; k < s.depth; ++k, weights += s.weights_step, next += next_step) {
    const float* terms = operand + s.offsets[k];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      V weight[kRows];
#pragma GCC unroll 2
      for (int row = 0; row < kRows; ++row) {
        const float* from = weights + row * s.weights_row + v * lanes;
        hwy::Prefetch(next + row * s.weights_row + v * lanes);
        weight[row] = kWhole || v + 1 < kVectors ? hn::LoadU(d, from) : LoadFirst(d, from, last);
      }
#pragma GCC unroll 4
      for (int n = 0; n < kImages; ++n) {
        V term = hn::LoadU(d, terms + n * s.operand_step + v * lanes);
        KeepLoaded(term);
#pragma GCC unroll 2
        for (int row = 0; row < kRows; ++row) sum[row][v][n] = hn::MulAdd(weight[row], term, sum[row][v][n]);
      }
    }
  }
#pragma GCC unroll 2
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
#pragma GCC unroll 4
      for (int n = 0; n < kImages; ++n)
        hn::StoreU(sum[row][v][n], d, sums + row * s.sums_row + n * s.sums_step + v * lanes);
}

template <int kRows, int kImages, int kVectors>
HWY_INLINE void SumLastVectors(const LocalSums& s, const PixelStretch& stretch, Index i, Index pixel, Index vectors) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return SumLastVectors<kRows, kImages, kVectors - 1>(s, stretch, i, pixel, vectors);
  }
  const Index last = stretch.length - i - (vectors - 1) * LaneCount();
  SumVectors<kRows, kImages, kVectors, false>(s, stretch, i, pixel, static_cast<size_t>(last));
}

template <int kRows, int kImages>
HWY_NOINLINE void SumTile(const LocalSums& problem, const StretchTile& tile) {
  // 8 running sums: with two vectors of weights and one of terms they fit where there are 16 registers.
  constexpr int kVectors = std::clamp(8 / (kRows * kImages), 1, 4);
  const LocalSums s = problem;  // a copy that no store of a vector can change
  const Index lanes = LaneCount();
  for (const PixelStretch* p = tile.first; p != tile.last; ++p) {
    const PixelStretch stretch = *p;
    const Index pixel = stretch.pixel - tile.first->pixel;
    Index i = 0;
    for (; i + kVectors * lanes < stretch.length; i += kVectors * lanes)
      SumVectors<kRows, kImages, kVectors, true>(s, stretch, i, pixel + i, 0);
    SumLastVectors<kRows, kImages, kVectors>(s, stretch, i, pixel + i, (stretch.length - i + lanes - 1) / lanes);
  }
}

// SumTile<rows, images> for 1 <= rows <= kLocalRows and 1 <= images <= kLocalImages.
inline void SumOverTile(const LocalSums& s, const StretchTile& tile) {
  using Function = void (*)(const LocalSums&, const StretchTile&);
  static constexpr auto kTable = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array<Function, sizeof...(kIndex)>{&SumTile<kIndex / kLocalImages + 1, kIndex % kLocalImages + 1>...};
  }
  (std::make_index_sequence<kLocalRows * kLocalImages>());
  kTable[static_cast<size_t>((s.rows - 1) * kLocalImages + s.images - 1)](s, tile);
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
  // What whole vectors write behind their stretch the next stretch overwrites; behind the row they must not write.
  float* out = p.out + stretch.pixel + i;
  const Index room = p.pixels - stretch.pixel - i;
#pragma GCC unroll 4
  for (int row = 0; row < kRows; ++row, out += p.pixels)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      if (HWY_LIKELY(room >= (v + 1) * lanes))
        hn::StoreU(sum[row][v], d, out + v * lanes);
      else
        StoreFirst(sum[row][v], d, out + v * lanes, static_cast<size_t>(room - v * lanes));
    }
}

template <int kRows>
HWY_NOINLINE void MultiplyRows(const LocalProducts& products, const std::vector<PixelStretch>& stretches) {
  const LocalProducts p = products;  // as above
  const Index lanes = LaneCount();
  for (const PixelStretch stretch : stretches) {
    Index i = 0;
    for (; i + lanes < stretch.length; i += 2 * lanes) MultiplyVectors<kRows, 2>(p, stretch, i);
    if (i < stretch.length) MultiplyVectors<kRows, 1>(p, stretch, i);
  }
}

inline void MultiplyRows(const LocalProducts& p, const std::vector<PixelStretch>& stretches, Index rows) {
  constexpr std::array kTable{&MultiplyRows<1>, &MultiplyRows<2>, &MultiplyRows<3>, &MultiplyRows<4>};
  kTable[static_cast<size_t>(rows - 1)](p, stretches);
}

// to[i] += columns[i] for i < count, and 0 to what follows up to a whole vector: columns behind a stretch are zero.
inline void AddColumns(const float* HWY_RESTRICT columns, Index count, float* HWY_RESTRICT to) {
  const hn::ScalableTag<float> d;
  for (Index i = 0; i < count; i += LaneCount())
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, columns + i)), d, to + i);
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
