// Stencils: out[q][i] = sum over taps of weights[tap] * plane[offset of the tap + q * pitch + i], rows of any length.
// With a stride of 2 rows of the plane are 2 * q apart, and elements 2 * i.
//
// Every element is one chain of fused multiply-adds in the order of the taps, whatever the vector length.

#if defined(GRADPROOF_ROW_STENCIL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ROW_STENCIL_INL_H
#undef GRADPROOF_ROW_STENCIL_INL_H
#else
#define GRADPROOF_ROW_STENCIL_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "ops/core/shape.h"
#include "ops/simd/every_second-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows that a stencil writes: `count` elements each, rounded up to whole vectors where the last one must not overlap
// its neighbour (`continues`: the sums in `out` go on).
struct StencilRows {
  const float* plane;
  Index plane_pitch;
  const float* weights;
  float* out;
  Index out_pitch;
  Index count;
  bool continues;
  float bias;  // added last
};

// Calls body(i) for the vectors of a row: the last one ends with it, or begins after its neighbour where sums go on.
template <class F>
HWY_INLINE void ForEachVector(const StencilRows& rows, Index step, const F& body) {
  const bool may_overlap = !rows.continues && rows.count >= step;
  for (Index i = 0; i < rows.count; i += step) body(may_overlap ? std::min(i, rows.count - step) : i);
}

// A rectangle of kHeight x kWidth taps for kRows rows: a vector of the plane is loaded once for all rows that see it.
// At stride 2 sums must not go on.
template <int kStride, int kRows, int kHeight, int kWidth>
HWY_NOINLINE void StencilRectangle(const StencilRows& rows) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  V weights[kHeight * kWidth];
#pragma GCC unroll 32
  for (int t = 0; t < kHeight * kWidth; ++t) weights[t] = hn::Set(d, rows.weights[t]);
  const V bias = hn::Set(d, rows.bias);
  const float* const plane = rows.plane;
  float* const out = rows.out;
  const Index pitch = rows.plane_pitch;
  const Index out_pitch = rows.out_pitch;
  const bool continues = kStride == 1 && rows.continues;  // sums in `out` are in the order of elements
  [[maybe_unused]] const auto lanes_of_elements = hn::IndicesFromVec(d, LanesOfElements(d));
  ForEachVector(rows, static_cast<Index>(hn::Lanes(d)), [&](Index i) HWY_ATTR {
    V sum[kRows];
#pragma GCC unroll 8
    for (int q = 0; q < kRows; ++q) sum[q] = continues ? hn::LoadU(d, out + q * out_pitch + i) : hn::Zero(d);
    const auto add_tap = [&](int r, int w, V x) HWY_ATTR {
#pragma GCC unroll 8
      for (int q = 0; q < kRows; ++q) {
        const int h = r - kStride * q;
        if (h >= 0 && h < kHeight) sum[q] = hn::MulAdd(weights[h * kWidth + w], x, sum[q]);
      }
    };
    const auto add_row = [&]<int... kTap>(int r, std::integer_sequence<int, kTap...>) HWY_ATTR {
      (add_tap(r, kTap, LoadTap<kStride, kTap, kWidth>(d, plane + r * pitch + kStride * i)), ...);
    };
#pragma GCC unroll 16
    for (int r = 0; r < kStride * (kRows - 1) + kHeight; ++r) add_row(r, std::make_integer_sequence<int, kWidth>());
#pragma GCC unroll 8
    for (int q = 0; q < kRows; ++q) {
      const V result = hn::Add(sum[q], bias);
      hn::StoreU(kStride == 2 ? hn::TableLookupLanes(result, lanes_of_elements) : result, d, out + q * out_pitch + i);
    }
  });
}

// Any taps, for kRows rows: as many vectors at a time as make eight chains of multiply-adds with their rows.
template <int kRows>
void StencilTaps(const StencilRows& rows, const std::int32_t* HWY_RESTRICT offsets, Index taps) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int kVectors = 8 / kRows;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto columns = [&]<int kCount>(Index i) HWY_ATTR {
    V sum[kRows][kCount];
#pragma GCC unroll 8
    for (int q = 0; q < kRows; ++q)
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v)
        sum[q][v] = rows.continues ? hn::LoadU(d, rows.out + q * rows.out_pitch + i + v * lanes) : hn::Zero(d);
    for (Index t = 0; t < taps; ++t) {
      const V weight = hn::Set(d, rows.weights[t]);
      const float* x = rows.plane + offsets[t] + i;
#pragma GCC unroll 8
      for (int q = 0; q < kRows; ++q)
#pragma GCC unroll 8
        for (int v = 0; v < kCount; ++v)
          sum[q][v] = hn::MulAdd(weight, hn::LoadU(d, x + q * rows.plane_pitch + v * lanes), sum[q][v]);
    }
    const V bias = hn::Set(d, rows.bias);
#pragma GCC unroll 8
    for (int q = 0; q < kRows; ++q)
#pragma GCC unroll 8
      for (int v = 0; v < kCount; ++v)
        hn::StoreU(hn::Add(sum[q][v], bias), d, rows.out + q * rows.out_pitch + i + v * lanes);
  };
  Index i = 0;
  for (; i + kVectors * lanes <= rows.count; i += kVectors * lanes) columns.template operator()<kVectors>(i);
  for (; i + lanes <= rows.count; i += lanes) columns.template operator()<1>(i);
  if (i < rows.count) columns.template operator()<1>(rows.continues || rows.count < lanes ? i : rows.count - lanes);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROW_STENCIL_INL_H
