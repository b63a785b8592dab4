// What local response normalization does to rows of elements: sums of rows, and maps given those sums.

#if defined(GRADPROOF_LRN_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LRN_ROWS_INL_H
#undef GRADPROOF_LRN_ROWS_INL_H
#else
#define GRADPROOF_LRN_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <span>

#include "ops/norm/lrn_plan.h"
#include "ops/norm/lrn_powers-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct AddSquare {
  template <class V>
  HWY_ATTR V operator()(V x, V sum) const {
    return hn::MulAdd(x, x, sum);
  }
};
struct AddTerm {
  template <class V>
  HWY_ATTR V operator()(V x, V sum) const {
    return hn::Add(x, sum);
  }
};

// Calls body(i, load, store) for the vectors of a row, whose last one may be a part.
template <class Body>
HWY_INLINE void ForEachVectorOf(Index count, Index first, const Body& body) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = first;
  for (; i + lanes <= count; i += lanes)
    body(
        i, [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); },
        [&](auto v, float* to) HWY_ATTR { hn::StoreU(v, d, to); });
  const auto rest = static_cast<size_t>(count - i);
  if (rest > 0)
    body(
        i, [&](const float* from) HWY_ATTR { return LoadFirst(d, from, rest); },
        [&](auto v, float* to) HWY_ATTR { StoreFirst(v, d, to, rest); });
}

// out[i] = sum over the rows of row[i], or of its square; four vectors at a time, so that additions overlap.
template <class Add>
void SumRows(std::span<const float* const> rows, Index count, const Add& add, float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (const float* row : rows) {
      s0 = add(hn::LoadU(d, row + i), s0);
      s1 = add(hn::LoadU(d, row + i + lanes), s1);
      s2 = add(hn::LoadU(d, row + i + 2 * lanes), s2);
      s3 = add(hn::LoadU(d, row + i + 3 * lanes), s3);
    }
    hn::StoreU(s0, d, out + i);
    hn::StoreU(s1, d, out + i + lanes);
    hn::StoreU(s2, d, out + i + 2 * lanes);
    hn::StoreU(s3, d, out + i + 3 * lanes);
  }
  ForEachVectorOf(count, i, [&](Index at, const auto& load, const auto& store) HWY_ATTR {
    V sum = hn::Zero(d);
    for (const float* row : rows) sum = add(load(row + at), sum);
    store(sum, out + at);
  });
}

// The numbers of a case, as kernels use them.
struct LrnNumbers {
  explicit LrnNumbers(const LrnAttributes& a)
      : share(static_cast<float>(a.share())),
        k(static_cast<float>(a.k)),
        slope(static_cast<float>(2 * a.beta * a.share())),
        beta(a.beta) {}

  template <class V>
  HWY_ATTR V Scale(V squares) const {
    const hn::DFromV<V> d;
    return hn::MulAdd(hn::Set(d, share), squares, hn::Set(d, k));
  }

  float share, k, slope;
  double beta;
};

// dst = src * scale^-beta
template <class Power>
struct Normalize {
  LrnNumbers numbers;
  Power power;
  template <class V>
  HWY_ATTR V operator()(V src, V squares) const {
    return hn::Mul(src, power(numbers.Scale(squares)));
  }
};

template <class Power>
void NormalizeRow(const LrnNumbers& numbers, Stores stores, Index count, const float* src, const float* squares,
                  float* dst) {
  Map(Normalize<Power>{numbers, Power(numbers.beta)}, stores, static_cast<size_t>(count), dst, src, squares);
}

// What an element's gradient is made of: direct = diff_dst * scale^-beta, and the term that it adds to the sum of
// everything in its window, diff_dst * src * scale^-beta / scale.
template <class Power>
void SplitRow(const LrnNumbers& numbers, Index count, const float* HWY_RESTRICT src, const float* HWY_RESTRICT diff,
              const float* HWY_RESTRICT squares, float* HWY_RESTRICT direct, float* HWY_RESTRICT term) {
  const Power power(numbers.beta);
  ForEachVectorOf(count, 0, [&](Index i, const auto& load, const auto& store) HWY_ATTR {
    const auto scale = numbers.Scale(load(squares + i));
    const auto scaled = hn::Mul(load(diff + i), power(scale));
    store(scaled, direct + i);
    store(hn::Div(hn::Mul(scaled, load(src + i)), scale), term + i);
  });
}

// diff_src = direct - 2 beta share * src * (sum of the terms in whose windows it lies)
struct Combine {
  float slope;
  template <class V>
  HWY_ATTR V operator()(V direct, V src, V terms) const {
    return hn::NegMulAdd(hn::Mul(hn::Set(hn::DFromV<V>(), slope), src), terms, direct);
  }
};

// The functions of one beta.
struct LrnRows {
  decltype(&NormalizeRow<Reciprocal>) normalize;
  decltype(&SplitRow<Reciprocal>) split;
};

template <class Power>
LrnRows RowsWith() {
  return {NormalizeRow<Power>, SplitRow<Power>};
}

inline LrnRows RowsOf(double beta) {
  if (beta == 0.75) return RowsWith<ReciprocalThreeQuarters>();
  if (beta == 0.5) return RowsWith<ReciprocalRoot>();
  if (beta == 1) return RowsWith<Reciprocal>();
  return RowsWith<ReciprocalPower>();
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_ROWS_INL_H
