// Transposition: out[c][r] = in[r][c].

#if defined(GRADPROOF_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_TRANSPOSE_INL_H
#undef GRADPROOF_TRANSPOSE_INL_H
#else
#define GRADPROOF_TRANSPOSE_INL_H
#endif

#include <hwy/highway.h>

#include <cstring>

#include "ops/core/shape.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// kCount x 4 rows to as many neighbours of each column: four rows are transposed by interleaving a vector of each.
template <Index kCount>
HWY_INLINE void TransposeRows(const float* HWY_RESTRICT in, Index in_stride, Index cols, float* HWY_RESTRICT out,
                              Index out_stride) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  HWY_ALIGN float columns[kCount * 4 * hn::MaxLanes(d)];
  Index c = 0;
  for (; c + lanes <= cols; c += lanes) {
    for (Index i = 0; i < kCount; ++i) {
      const float* row = in + 4 * i * in_stride + c;
      hn::StoreInterleaved4(hn::LoadU(d, row), hn::LoadU(d, row + in_stride), hn::LoadU(d, row + 2 * in_stride),
                            hn::LoadU(d, row + 3 * in_stride), d, columns + 4 * i * lanes);
    }
    for (Index lane = 0; lane < lanes; ++lane)
      for (Index i = 0; i < kCount; ++i)
        std::memcpy(out + (c + lane) * out_stride + 4 * i, columns + 4 * (i * lanes + lane), 4 * sizeof(float));
  }
  for (; c < cols; ++c)
    for (Index r = 0; r < 4 * kCount; ++r) out[c * out_stride + r] = in[r * in_stride + c];
}

// out[c][r] = in[r][c]. `in` and `out` do not overlap; nothing outside rows x cols is touched. 16 rows at once write a
// cache line of each column: where out_stride is a multiple of 4096 bytes, the lines of all columns meet in one set of
// the L1 cache and do not wait there to be filled.
inline void Transpose(const float* HWY_RESTRICT in, Index in_stride, Index rows, Index cols, float* HWY_RESTRICT out,
                      Index out_stride) {
  Index r = 0;
  for (; r + 16 <= rows; r += 16) TransposeRows<4>(in + r * in_stride, in_stride, cols, out + r, out_stride);
  for (; r + 4 <= rows; r += 4) TransposeRows<1>(in + r * in_stride, in_stride, cols, out + r, out_stride);
  for (; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) out[c * out_stride + r] = in[r * in_stride + c];
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_TRANSPOSE_INL_H
