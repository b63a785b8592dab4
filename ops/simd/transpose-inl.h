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

// Four rows at once: interleave a vector of each, then every column is four neighbours. `in` and `out` do not overlap;
// nothing outside rows x cols is touched.
inline void Transpose(const float* HWY_RESTRICT in, Index in_stride, Index rows, Index cols, float* HWY_RESTRICT out,
                      Index out_stride) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  HWY_ALIGN float columns[4 * hn::MaxLanes(d)];
  Index r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float* row = in + r * in_stride;
    Index c = 0;
    for (; c + lanes <= cols; c += lanes) {
      hn::StoreInterleaved4(hn::LoadU(d, row + c), hn::LoadU(d, row + in_stride + c),
                            hn::LoadU(d, row + 2 * in_stride + c), hn::LoadU(d, row + 3 * in_stride + c), d, columns);
      for (Index lane = 0; lane < lanes; ++lane)
        std::memcpy(out + (c + lane) * out_stride + r, columns + 4 * lane, 4 * sizeof(float));
    }
    for (; c < cols; ++c)
      for (Index i = 0; i < 4; ++i) out[c * out_stride + r + i] = row[i * in_stride + c];
  }
  for (; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) out[c * out_stride + r] = in[r * in_stride + c];
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_TRANSPOSE_INL_H
