// Rows of an image into phases and back, and rows with gaps into dense memory.

#if defined(GRADPROOF_PHASE_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PHASE_ROWS_INL_H
#undef GRADPROOF_PHASE_ROWS_INL_H
#else
#define GRADPROOF_PHASE_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/core/memory.h"
#include "ops/pool/phases.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Elements by which kernels may read or write beyond the last cell of their workspace: they do whole vectors only.
constexpr Index kSlack = 256;

// Room for `count` elements and the rest of the last vectors, whole cache lines.
constexpr Index WithSlack(Index count) { return (count + 15) / 16 * 16 + kSlack + 16; }

template <typename T>
AlignedMemory<T> Filled(Index count, T value) {
  AlignedMemory<T> memory(static_cast<T*>(allocate_aligned(count * static_cast<Index>(sizeof(T)))));
  std::fill_n(memory.get(), count, value);
  return memory;
}

inline size_t At(Index index) { return static_cast<size_t>(index); }

// Rows of memory: where they start, and how far apart.
template <typename T>
struct Rows {
  T* data;
  Index pitch;
};

// even[r][i] = in[r][2 * i] for i < evens, odd[r][i] = in[r][2 * i + 1] for i < odds, of `rows` rows. The counts
// differ by one at most. Touches nothing else.
HWY_NOINLINE inline void TakePhases(Rows<const float> in, Index rows, Rows<float> even, Index evens, Rows<float> odd,
                                    Index odds) {
#if HWY_TARGET == HWY_SCALAR
  for (; rows > 0; --rows, in.data += in.pitch, even.data += even.pitch, odd.data += odd.pitch) {
    for (Index i = 0; i < evens; ++i) even.data[i] = in.data[2 * i];
    for (Index i = 0; i < odds; ++i) odd.data[i] = in.data[2 * i + 1];
  }
#else
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto at_least_0 = [](Index count) { return static_cast<size_t>(std::max<Index>(count, 0)); };
  const Index whole = std::min(evens, odds) / lanes * lanes;
  const auto evens_left = at_least_0(evens - whole);
  const auto odds_left = at_least_0(odds - whole);
  const Index rest = std::max(2 * evens - 1, 2 * odds) - 2 * whole;  // at most a vector's evens and odds, and one more
  const auto low = at_least_0(std::min(rest, lanes));
  const auto high = at_least_0(std::min(rest - lanes, lanes));
  for (; rows > 0; --rows, in.data += in.pitch, even.data += even.pitch, odd.data += odd.pitch) {
    for (Index i = 0; i < whole; i += lanes) {
      hwy::Prefetch(in.data + 2 * i + kPrefetchAhead);
      hwy::Prefetch(in.data + 2 * i + lanes + kPrefetchAhead);
      const auto first = hn::LoadU(d, in.data + 2 * i);
      const auto second = hn::LoadU(d, in.data + 2 * i + lanes);
      hn::StoreU(hn::ConcatEven(d, second, first), d, even.data + i);
      hn::StoreU(hn::ConcatOdd(d, second, first), d, odd.data + i);
    }
    hwy::Prefetch(in.data + 2 * whole + kPrefetchAhead);
    const auto first = LoadFirst(d, in.data + 2 * whole, low);
    const auto second = high > 0 ? LoadFirst(d, in.data + 2 * whole + lanes, high) : hn::Zero(d);
    StoreFirst(hn::ConcatEven(d, second, first), d, even.data + whole, evens_left);
    StoreFirst(hn::ConcatOdd(d, second, first), d, odd.data + whole, odds_left);
  }
#endif
}

// out[r][i] = in[r][i] for i < count, of `rows` rows. Touches nothing else.
HWY_NOINLINE inline void TakeAll(Rows<const float> in, Index rows, Rows<float> out, Index count) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const Index whole = count / lanes * lanes;
  const auto rest = static_cast<size_t>(count - whole);
  for (; rows > 0; --rows, in.data += in.pitch, out.data += out.pitch) {
    for (Index i = 0; i < whole; i += lanes) {
      hwy::Prefetch(in.data + i + kPrefetchAhead);
      hn::StoreU(hn::LoadU(d, in.data + i), d, out.data + i);
    }
    hwy::Prefetch(in.data + whole + kPrefetchAhead);
    if (rest > 0) StoreFirst(LoadFirst(d, in.data + whole, rest), d, out.data + whole, rest);
  }
}

// out[r][i] = in[r][i * step] for i < count, of `rows` rows.
HWY_NOINLINE inline void TakeEvery(Index step, Rows<const float> in, Index rows, Rows<float> out, Index count) {
  for (; rows > 0; --rows, in.data += in.pitch, out.data += out.pitch)
    for (Index i = 0; i < count; ++i) out.data[i] = in.data[i * step];
}

// Puts rows of `count` elements together from their phases: elements i, i + stride, ... of row r lie in sequence from
// cells + rows[r] + columns[i] on, for i < stride. Rows follow each other. May write a vector too much.
HWY_NOINLINE inline void MergePhases(const float* HWY_RESTRICT cells, const std::vector<Index>& rows,
                                     const std::vector<Index>& columns, Index count, float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const auto stride = static_cast<Index>(columns.size());
  const float* even = cells + columns[0];
  const float* odd = cells + columns[stride > 1 ? 1 : 0];
  for (Index row : rows) {
    if (stride == 1) {
      for (Index i = 0; i < count; i += lanes) hn::StoreU(hn::LoadU(d, even + row + i), d, out + i);
    } else if (stride == 2) {
      for (Index i = 0; 2 * i < count; i += lanes)
        hn::StoreInterleaved2(hn::LoadU(d, even + row + i), hn::LoadU(d, odd + row + i), d, out + 2 * i);
    } else {
      for (Index first = 0; first < std::min(stride, count); ++first) {
        const float* from = cells + row + columns[At(first)];
        for (Index i = first; i < count; i += stride) out[i] = *from++;
      }
    }
    out += count;
  }
}

// Moves rows of `width` elements together. May write a vector too much.
template <typename T>
HWY_NOINLINE void CloseGaps(Rows<const T> in, Index rows, Index width, T* HWY_RESTRICT out) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  for (; rows > 0; --rows, in.data += in.pitch, out += width)
    for (Index i = 0; i < width; i += lanes) hn::StoreU(hn::LoadU(d, in.data + i), d, out + i);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PHASE_ROWS_INL_H
