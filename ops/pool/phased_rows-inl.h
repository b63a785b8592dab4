// Rows of inputs in double, split by the phase of the stride, and back.

#if defined(GRADPROOF_PHASED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_PHASED_ROWS_INL_H
#undef GRADPROOF_PHASED_ROWS_INL_H
#else
#define GRADPROOF_PHASED_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/phased_axis.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<double>;
using Narrow = hn::Rebind<float, Wide>;  // as many elements

using WideVec = hn::Vec<Wide>;

HWY_INLINE Index WideLanes() { return static_cast<Index>(hn::Lanes(Wide())); }

// to[i] = row_of(from[i]), and nothing behind.
template <class RowOf>
HWY_NOINLINE void PromoteRow(const RowOf row_of, const float* HWY_RESTRICT from, Index count, double* HWY_RESTRICT to) {
  const Wide d;
  const Narrow df;
  Index i = 0;
  for (; i + WideLanes() <= count; i += WideLanes()) {
    if (i % 16 == 0) hwy::Prefetch(from + i + kPrefetchAhead);
    hn::StoreU(row_of.OfInput(hn::PromoteTo(d, hn::LoadU(df, from + i))), d, to + i);
  }
  if (i == count) return;
  const auto rest = static_cast<size_t>(count - i);
  StoreFirst(row_of.OfInput(hn::PromoteTo(d, LoadFirst(df, from + i, rest))), d, to + i, rest);
}

// out[i] = received(sums[i], src[i]); `sums` is read in whole vectors.
template <class Statistic>
HWY_NOINLINE void DemoteRow(const Statistic statistic, const double* HWY_RESTRICT sums, const float* HWY_RESTRICT src,
                            Index count, float* HWY_RESTRICT out) {
  const Wide d;
  const Narrow df;
  const auto received = [&](const float* x, Index i, size_t lanes) HWY_ATTR {
    return Narrowed(df, statistic.Received(hn::LoadU(d, sums + i), hn::PromoteTo(d, LoadFirst(df, x, lanes))));
  };
  Index i = 0;
  for (; i + WideLanes() <= count; i += WideLanes())
    hn::StoreU(Narrowed(df, statistic.Received(hn::LoadU(d, sums + i), hn::PromoteTo(d, hn::LoadU(df, src + i)))), df,
               out + i);
  if (i == count) return;
  const auto rest = static_cast<size_t>(count - i);
  StoreFirst(received(src + i, i, rest), df, out + i, rest);
}

// At stride 2 inputs come in pairs, one for each phase, from the first of phase 0 on.
struct Pairs {
  Index input, place;  // of the first pair
  Index vectors;       // of pairs
  Index moved;         // elements of a phase within them

  explicit Pairs(const PhasedAxis& axis)
      : input(axis.pad % 2),
        place((input + axis.pad) / 2),
        vectors(axis.stride == 2 ? (axis.in - input) / 2 / WideLanes() : 0),
        moved(vectors * WideLanes()) {}
};

// Calls move(place, input) for every input that is in no vector of pairs.
template <class Move>
void MoveRest(const PhasedAxis& axis, const Pairs& pairs, Index pitch, const Move& move) {
  for (Index r = 0; r < axis.stride; ++r) {
    const Index first = axis.first(r), end = axis.end(r);
    const Index before = pairs.vectors > 0 ? pairs.place : first;
    for (Index x = first; x < before; ++x) move(r * pitch + x, axis.input_of(r, x));
    for (Index x = before + pairs.moved; x < end; ++x) move(r * pitch + x, axis.input_of(r, x));
  }
}

// Inputs, in their order, to their places in the phases.
HWY_NOINLINE inline void SplitPhases(const PhasedAxis& axis, Index pitch, const double* HWY_RESTRICT inputs,
                                     double* HWY_RESTRICT row) {
  const Wide d;
  const Pairs pairs(axis);
  for (Index j = 0; j < pairs.moved; j += WideLanes()) {
    hn::Vec<Wide> even, odd;
    hn::LoadInterleaved2(d, inputs + pairs.input + 2 * j, even, odd);
    hn::StoreU(even, d, row + pairs.place + j);
    hn::StoreU(odd, d, row + pitch + pairs.place + j);
  }
  MoveRest(axis, pairs, pitch, [&](Index place, Index input) { row[place] = inputs[input]; });
}

// And back.
HWY_NOINLINE inline void MergePhases(const PhasedAxis& axis, Index pitch, const double* HWY_RESTRICT row,
                                     double* HWY_RESTRICT inputs) {
  const Wide d;
  const Pairs pairs(axis);
  for (Index j = 0; j < pairs.moved; j += WideLanes())
    hn::StoreInterleaved2(hn::LoadU(d, row + pairs.place + j), hn::LoadU(d, row + pitch + pairs.place + j), d,
                          inputs + pairs.input + 2 * j);
  MoveRest(axis, pairs, pitch, [&](Index place, Index input) { inputs[input] = row[place]; });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_PHASED_ROWS_INL_H
