// Sums over windows, and their gradients: both are sums of rows, shifted against each other.

#if defined(GRADPROOF_WINDOW_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_SUMS_INL_H
#undef GRADPROOF_WINDOW_SUMS_INL_H
#else
#define GRADPROOF_WINDOW_SUMS_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/padded_rows-inl.h"
#include "ops/simd/every_second-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Where the terms of a sum start: rows one above the other, or one row at the distances of its taps.
using Terms = std::vector<const float*>;

// Sums of kCount terms, whose starts stay in registers, in their order; kCount 0: of any number of terms, perhaps none.
template <Index kCount>
class SumOf {
 public:
  explicit HWY_INLINE SumOf(const Terms& terms) {
    for (Index k = 0; k < kCount; ++k) from_[k] = terms[At(k)];
  }

  template <class Load>
  HWY_INLINE hn::Vec<D> operator()(Index at, const Load& load) const {
    auto sum = load(from_[0] + at);
    for (Index k = 1; k < kCount; ++k) sum = hn::Add(sum, load(from_[k] + at));
    return sum;
  }

 private:
  const float* from_[kCount];
};

template <>
class SumOf<0> {
 public:
  explicit HWY_INLINE SumOf(const Terms& terms) : from_(terms.data()), count_(terms.size()) {}

  template <class Load>
  HWY_INLINE hn::Vec<D> operator()(Index at, const Load& load) const {
    auto sum = hn::Zero(D());
    for (size_t k = 0; k < count_; ++k) sum = hn::Add(sum, load(from_[k] + at));
    return sum;
  }

 private:
  const float* const* from_;
  size_t count_;
};

// from[0], from[stride], ... in the order of ElementOfLane; reads no further than the last of them. kStride 0 stands
// for any stride.
template <Index kStride>
HWY_INLINE hn::Vec<D> TakeEvery(const float* from, [[maybe_unused]] Index stride) {
  const D d;
  if constexpr (kStride == 1 || HWY_TARGET == HWY_SCALAR) {
    return hn::LoadU(d, from);
  } else if constexpr (kStride == 2) {
    return LoadEverySecond(d, from);
  } else {
    const DI di;
    return hn::GatherIndex(d, from, hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<std::int32_t>(stride))));
  }
}

template <Index kStride>
struct LoadEvery {
  Index stride = kStride;
  HWY_INLINE hn::Vec<D> operator()(const float* from) const { return TakeEvery<kStride>(from, stride); }
};

struct LoadSome {
  size_t count;
  HWY_INLINE hn::Vec<D> operator()(const float* from) const { return LoadFirst(D(), from, count); }
};

// What LoadEvery took, in the order of elements.
template <Index kStride>
class ElementOrder {
 public:
  HWY_INLINE ElementOrder() : lanes_(hn::IndicesFromVec(D(), LanesOfElements(D()))) {}

  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> v) const { return kStride == 2 ? hn::TableLookupLanes(v, lanes_) : v; }

 private:
  decltype(hn::IndicesFromVec(D(), hn::Vec<hn::RebindToUnsigned<D>>())) lanes_;
};

// Rows that are summed alike: the terms of each are those of the one before, `from_pitch` on. `fresh` elements of them,
// or 0, are read for the first time, and prefetched in the order of their lines.
struct RowRun {
  Index rows, width;
  Index from_pitch, to_pitch;
  Index fresh;
};

// to[i] = sum of terms[...][i]. A row shorter than a vector is continued with zeros to a whole one. A sum starts at 0,
// as in the formula: one term -0 gives 0.
template <Index kCount>
HWY_NOINLINE void SumRowsOf(const RowRun run, const Terms& terms, float* HWY_RESTRICT to) {
  const D d;
  const SumOf<kCount> sum(terms);
  const auto zero = hn::Zero(d);
  const RowVectors vectors(run.width);
  for (Index row = 0, from = 0; row < run.rows; ++row, from += run.from_pitch, to += run.to_pitch) {
    for (Index line = 0; line < run.fresh; line += kLineFloats)
      hwy::Prefetch(terms.back() + from + kPrefetchAhead + line);
    if (run.width < Lanes()) {
      hn::StoreU(hn::Add(zero, sum(from, LoadSome{At(run.width)})), d, to);
      continue;
    }
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Index i = vectors.Position(vector);
      hn::StoreU(hn::Add(zero, sum(from + i, LoadEvery<1>())), d, to + i);
    }
  }
}

inline void SumRows(const RowRun& run, const Terms& terms, float* to) {
  switch (terms.size()) {
    case 1:
      return SumRowsOf<1>(run, terms, to);
    case 2:
      return SumRowsOf<2>(run, terms, to);
    case 3:
      return SumRowsOf<3>(run, terms, to);
    default:
      return SumRowsOf<0>(run, terms, to);
  }
}

// What becomes of the sums of rows: themselves, or their quotients by whole numbers.
struct Whole {
  HWY_INLINE Whole OfRow(Index) const { return {}; }
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> sum, Index) const { return sum; }
};

// Window `at` of row `row` is divided by along[at] * down[row] * common, which is exact: one rounding, where a product
// of reciprocals would take four.
struct Quotient {
  const float* along;
  const float* down;
  float common;

  HWY_INLINE Quotient OfRow(Index row) const { return {along, down, common * down[row]}; }
  HWY_INLINE hn::Vec<D> operator()(hn::Vec<D> sum, Index at) const {
    return hn::Div(sum, hn::Mul(hn::LoadU(D(), along + at), hn::Set(D(), common)));
  }
};

// What becomes of the elements of a row; `to` has room for a vector.
template <class OfRow>
HWY_NOINLINE void FinishRow(const float* HWY_RESTRICT from, Index width, const OfRow of_row, float* HWY_RESTRICT to) {
  const D d;
  const RowVectors vectors(width);
  if (width < Lanes()) return hn::StoreU(of_row(LoadFirst(d, from, At(width)), 0), d, to);
  for (Index vector = 0; vector < vectors.count; ++vector) {
    const Index i = vectors.Position(vector);
    hwy::Prefetch(from + i + kPrefetchAhead);
    hn::StoreU(of_row(hn::LoadU(d, from + i), i), d, to + i);
  }
}

// And of `rows` rows one behind the other, perhaps fetched ahead; rows of `to`, `pitch` apart, have room for whole
// vectors.
template <bool kFetches, class Finish>
HWY_NOINLINE void FinishRows(const float* HWY_RESTRICT from, Index rows, Index width, const Finish finish,
                             float* HWY_RESTRICT to, Index pitch) {
  const D d;
  for (Index row = 0; row < rows; ++row, from += width, to += pitch) {
    const auto of_row = finish.OfRow(row);
    Index i = 0;
    for (; i + Lanes() <= width; i += Lanes()) {
      if constexpr (kFetches) hwy::Prefetch(from + i + kPrefetchAhead);
      hn::StoreU(of_row(hn::LoadU(d, from + i), i), d, to + i);
    }
    if (i < width) hn::StoreU(of_row(LoadFirst(d, from + i, At(width - i)), i), d, to + i);
  }
}

// Rows of sums down columns, one for each row of the result, `pitch` apart.
struct ColumnSums {
  Index rows, pitch;
};

// Along such rows, for windows `stride` apart: to[o] = finish(sum of taps[...][o * stride], o), rows of `width` windows
// one behind the other. kStride 0: any stride.
template <Index kStride, Index kCount, class Finish>
HWY_NOINLINE void SumTapsOf(const ColumnSums columns, const Terms& taps, Index stride, Index width, const Finish finish,
                            float* HWY_RESTRICT to) {
  const D d;
  const SumOf<kCount> sum(taps);
  const ElementOrder<kStride> in_order;
  const LoadEvery<kStride> load{stride};
  const RowVectors vectors(width);
  for (Index row = 0; row < columns.rows; ++row, to += width) {
    const auto of_row = finish.OfRow(row);
    for (Index vector = 0; vector < vectors.count; ++vector) {
      const Index o = vectors.Position(vector);
      hn::StoreU(of_row(in_order(sum(row * columns.pitch + o * load.stride, load)), o), d, to + o);
    }
  }
}

template <class Finish>
void SumTaps(const ColumnSums& columns, const Terms& taps, Index stride, Index width, const Finish& finish, float* to) {
  const size_t count = taps.size();
  const auto sum = stride == 1   ? count == 2   ? SumTapsOf<1, 2, Finish>
                                   : count == 3 ? SumTapsOf<1, 3, Finish>
                                                : SumTapsOf<1, 0, Finish>
                     : stride == 2 ? count == 2   ? SumTapsOf<2, 2, Finish>
                                     : count == 3 ? SumTapsOf<2, 3, Finish>
                                                  : SumTapsOf<2, 0, Finish>
                                   : SumTapsOf<0, 0, Finish>;
  sum(columns, taps, stride, width, finish, to);
}

// The way back at stride 2: to[2 * j + phase] = sum of phases[phase][...][j], rows of `width` one behind the other.
template <Index kEven, Index kOdd>
HWY_NOINLINE void InterleaveOf(const ColumnSums columns, const Terms& even, const Terms& odd, Index width,
                               float* HWY_RESTRICT to) {
  const SumOf<kEven> even_sum(even);
  const SumOf<kOdd> odd_sum(odd);
  const LoadEvery<1> load;
  const RowVectors groups((width + 1) / 2);
  for (Index row = 0; row < columns.rows; ++row, to += width)
    for (Index vector = 0; vector < groups.count; ++vector) {
      const Index j = groups.Position(vector);
      const Index at = row * columns.pitch + j;
      hn::StoreInterleaved2(even_sum(at, load), odd_sum(at, load), D(), to + 2 * j);
    }
}

// And at any stride, phase by phase.
HWY_NOINLINE inline void ScatterPhases(const ColumnSums columns, const std::vector<Terms>& phases, Index width,
                                       float* HWY_RESTRICT to) {
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  const auto stride = static_cast<Index>(phases.size());
  const RowVectors groups((width + stride - 1) / stride);
  for (Index row = 0; row < columns.rows; ++row, to += width)
    for (Index phase = 0; phase < stride; ++phase) {
      const SumOf<0> sum(phases[At(phase)]);
      for (Index vector = 0; vector < groups.count; ++vector) {
        const Index j = groups.Position(vector);
        hn::Store(sum(row * columns.pitch + j, LoadEvery<1>()), D(), lanes);
        float* group = to + j * stride + phase;
        for (Index lane = 0; lane < Lanes(); ++lane) group[lane * stride] = lanes[lane];
      }
    }
}

// to[stride * j + phase] = sum of phases[phase][...][j], with as many phases as the stride. Writes a whole vector of
// groups at least, beyond the row as well: what overruns one row is overwritten by the next.
inline void SumPhases(const ColumnSums& columns, const std::vector<Terms>& phases, Index width, float* to) {
  if (phases.size() == 1) return SumTaps(columns, phases[0], 1, width, Whole(), to);
  if (phases.size() > 2) return ScatterPhases(columns, phases, width, to);
  const Terms& even = phases[0];
  const Terms& odd = phases[1];
  const auto interleave = even.size() == 1 && odd.size() == 1   ? InterleaveOf<1, 1>
                          : even.size() == 1 && odd.size() == 2 ? InterleaveOf<1, 2>
                          : even.size() == 2 && odd.size() == 1 ? InterleaveOf<2, 1>
                                                                : InterleaveOf<0, 0>;
  interleave(columns, even, odd, width, to);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_SUMS_INL_H
