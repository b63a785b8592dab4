// Rows of an image into phases and back, and rows with gaps into dense memory.

#if defined(GRADPROOF_PHASE_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PHASE_ROWS_INL_H
#undef GRADPROOF_PHASE_ROWS_INL_H
#else
#define GRADPROOF_PHASE_ROWS_INL_H
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/phases.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Elements by which kernels may read or write beyond the last cell of their workspace: they do whole vectors only.
constexpr Index kSlack = 256;

// Room for `count` elements and the rest of the last vectors, whole cache lines.
constexpr Index WithSlack(Index count) { return count / kSlack * kSlack + 2 * kSlack; }

template <typename T>
using Memory = hwy::AlignedFreeUniquePtr<T[]>;

template <typename T>
Memory<T> Filled(Index count, T value) {
  Memory<T> memory = hwy::AllocateAligned<T>(static_cast<size_t>(count));
  std::fill_n(memory.get(), count, value);
  return memory;
}

// out[i] = in[2 * i] for i < count.
inline void TakeEven(const float* HWY_RESTRICT in, Index count, float* HWY_RESTRICT out) {
#if HWY_TARGET == HWY_SCALAR
  for (Index i = 0; i < count; ++i) out[i] = in[2 * i];
#else
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes < count; i += lanes)  // "<": the pair of the last element is not read
    hn::StoreU(hn::ConcatEven(d, hn::LoadU(d, in + 2 * i + lanes), hn::LoadU(d, in + 2 * i)), d, out + i);
  if (i < count) {
    const Index span = 2 * (count - i) - 1;
    const Index low = std::min(span, lanes);
    const auto first = LoadFirst(d, in + 2 * i, static_cast<size_t>(low));
    const auto second = LoadFirst(d, in + 2 * i + low, static_cast<size_t>(span - low));
    StoreFirst(hn::ConcatEven(d, second, first), d, out + i, static_cast<size_t>(count - i));
  }
#endif
}

// out[i] = in[i * step] for i < count. Touches nothing else.
inline void TakeEvery(Index step, const float* HWY_RESTRICT in, Index count, float* HWY_RESTRICT out) {
  if (step == 1)
    Map(Copy(), Stores::kCached, static_cast<size_t>(count), out, in);
  else if (step == 2)
    TakeEven(in, count, out);
  else
    for (Index i = 0; i < count; ++i) out[i] = in[i * step];
}

// Writes a row of `axis.in` elements from its phases, which start `plane_size` apart. May write a vector too much.
inline void MergePhases(const PhaseAxis& axis, const float* HWY_RESTRICT phases, Index plane_size,
                        float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto cells_of = [&](Index i) {  // where element i is, and every stride-th after it
    return phases + (i + axis.pad) % axis.stride * plane_size + (i + axis.pad) / axis.stride;
  };
  if (axis.stride == 1) {
    for (Index i = 0; i < axis.in; i += lanes) hn::StoreU(hn::LoadU(d, cells_of(0) + i), d, out + i);
  } else if (axis.stride == 2) {
    for (Index i = 0; 2 * i < axis.in; i += lanes)
      hn::StoreInterleaved2(hn::LoadU(d, cells_of(0) + i), hn::LoadU(d, cells_of(1) + i), d, out + 2 * i);
  } else {
    for (Index first = 0; first < std::min(axis.stride, axis.in); ++first) {
      const float* from = cells_of(first);
      for (Index i = first; i < axis.in; i += axis.stride) out[i] = *from++;
    }
  }
}

// Moves rows that start `pitch` apart together. May write a vector too much.
template <typename T>
void CloseGaps(const T* HWY_RESTRICT in, Index pitch, Index rows, Index width, T* HWY_RESTRICT out) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  for (Index row = 0; row < rows; ++row, in += pitch, out += width)
    for (Index i = 0; i < width; i += lanes) hn::StoreU(hn::LoadU(d, in + i), d, out + i);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PHASE_ROWS_INL_H
