// Rows in workspaces: whole vectors, with padding around them.

#if defined(GRADPROOF_PADDED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PADDED_ROWS_INL_H
#undef GRADPROOF_PADDED_ROWS_INL_H
#else
#define GRADPROOF_PADDED_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/core/memory.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;

HWY_INLINE Index Lanes() { return static_cast<Index>(hn::Lanes(D())); }

inline size_t At(Index index) { return static_cast<size_t>(index); }

// `count` 4-byte elements rounded up to cache lines.
constexpr Index WholeLines(Index count) { return (count + 15) / 16 * 16; }

template <typename T>
AlignedMemory<T> Filled(Index count, T value) {
  AlignedMemory<T> memory(static_cast<T*>(allocate_aligned(count * static_cast<Index>(sizeof(T)))));
  std::fill_n(memory.get(), count, value);
  return memory;
}

// Rows of memory: where they start, and how far apart.
template <typename T>
struct Rows {
  T* data;
  Index pitch;
};

struct Range {
  Index first, end;
};

// A row of `count` elements is swept in vectors 0, 1, ... The last one ends with the row and repeats elements of the
// one before: masks would cost more, on AVX2 a masked store some 20 instructions. Only a row shorter than a vector is
// overrun.
struct RowVectors {
  Index count;  // of vectors
  Index last;   // where the last one is

  explicit RowVectors(Index elements)
      : count((elements + Lanes() - 1) / Lanes()), last(std::max<Index>(elements - Lanes(), 0)) {}
  HWY_INLINE Index Position(Index vector) const { return std::min(vector * Lanes(), last); }
};

// What is fetched while something else is computed: from two places at a time. One stream keeps fewer lines under way
// than memory could deliver (Zen 3, 104 MB read by one core in one stream: 14 GB/s; in two that are prefetched so: 20,
// of the 27 that a copy moves; both cores 24 and 28).
struct Ahead {
  const float* first;
  const float* second;

  // `count` elements, half of them from each place.
  HWY_INLINE void Fetch(Index count) {
    for (Index i = 0; i < count; i += 2 * kLineFloats) {
      PrefetchFar(first + i / 2);
      PrefetchFar(second + i / 2);
    }
    first += count / 2;
    second += count / 2;
  }

  // The same, in whole lines, when enough of them are due.
  HWY_INLINE void Pace(Index count) {
    constexpr Index kLines = 2 * kLineFloats;
    for (due += count; due >= kLines; due -= kLines) Fetch(kLines);
  }

  Index due = 0;
};

// Copies a row of `width` elements and fetches what follows it.
HWY_INLINE void CopyRow(const float* HWY_RESTRICT from, Index width, float* HWY_RESTRICT to) {
  const D d;
  Index i = 0;
  for (; i + Lanes() <= width; i += Lanes()) {
    hwy::Prefetch(from + i + kPrefetchAhead);
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
  StoreFirst(LoadFirst(d, from + i, At(width - i)), d, to + i, At(width - i));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PADDED_ROWS_INL_H
