// What local response normalization does to rows of elements: sums of rows, and maps given those sums.

#if defined(GRADPROOF_LRN_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LRN_ROWS_INL_H
#undef GRADPROOF_LRN_ROWS_INL_H
#else
#define GRADPROOF_LRN_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "ops/norm/lrn_pack-inl.h"
#include "ops/norm/lrn_plan.h"
#include "ops/norm/lrn_powers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct AddSquare {
  template <class P>
  HWY_INLINE P operator()(const P& x, const P& sum) const {
    return MulAdd(x, x, sum);
  }
};
struct AddTerm {
  template <class P>
  HWY_INLINE P operator()(const P& x, const P& sum) const {
    return Add(x, sum);
  }
};

using Rows = std::span<const float* const>;

// Sums at element i of a row: known ones, or those of several rows, kCount of them (0: any number) whose starts then
// stay in registers. `next` is the row to prefetch meanwhile.
class KnownSums {
 public:
  explicit KnownSums(const float* sums) : sums_(sums) {}
  template <class Access>
  HWY_INLINE auto operator()(Index i, const Access& access) const {
    return access.Load(sums_ + i);
  }

 private:
  const float* sums_;
};

template <class Accumulate, size_t kCount>
class SumsOfRows {
 public:
  SumsOfRows(Rows rows, const float* next) : next_(next) {
    for (size_t k = 0; k < kCount; ++k) rows_[k] = rows[k];
  }
  template <class Access>
  HWY_INLINE auto operator()(Index i, const Access& access) const {
    hwy::Prefetch(next_ + i);
    using P = decltype(access.Load(next_));
    P sum = P::Set(0);
    for (size_t k = 0; k < kCount; ++k) sum = Accumulate()(access.Load(rows_[k] + i), sum);
    return sum;
  }

 private:
  const float* rows_[kCount];
  const float* next_;
};

template <class Accumulate>
class SumsOfRows<Accumulate, 0> {
 public:
  SumsOfRows(Rows rows, const float* next) : rows_(rows), next_(next) {}
  template <class Access>
  HWY_INLINE auto operator()(Index i, const Access& access) const {
    hwy::Prefetch(next_ + i);
    using P = decltype(access.Load(next_));
    P sum = P::Set(0);
    for (const float* row : rows_) sum = Accumulate()(access.Load(row + i), sum);
    return sum;
  }

 private:
  Rows rows_;
  const float* next_;
};

// out[i] = sum over the rows of row[i]
inline void AddRows(Rows rows, Index count, float* out) {
  const SumsOfRows<AddTerm, 0> sums(rows, rows[0]);
  MapAt(sums, Stores::kCached, count, out);
}

// The numbers of a case, as kernels use them.
struct LrnNumbers {
  explicit LrnNumbers(const LrnAttributes& a)
      : share(static_cast<float>(a.share())),
        k(static_cast<float>(a.k)),
        slope(static_cast<float>(2 * a.beta * a.share())),
        counts(slope == 0 ? 0.0F : 1.0F),
        beta(a.beta) {}

  template <class P>
  HWY_INLINE P Scale(const P& squares) const {
    return MulAdd(P::Set(share), squares, P::Set(k));
  }

  float share, k, slope;
  float counts;  // 0 where the slope is: terms that nothing comes of may be beyond float32
  double beta;
};

// dst = src * scale^-beta, given the sums of squares.
template <class Power, class Sums>
struct LrnForward {
  LrnNumbers numbers;
  Power power;
  Sums squares;
  const float* src;

  template <class Access>
  HWY_INLINE auto operator()(Index i, const Access& access) const {
    return power.Times(access.Load(src + i), numbers.Scale(squares(i, access)));
  }
};
template <class Power, class Sums>
void NormalizeRow(const LrnNumbers& numbers, const Sums& squares, Stores stores, Index count, const float* src,
                  float* dst) {
  MapAt(LrnForward<Power, Sums>{numbers, Power(numbers.beta), squares, src}, stores, count, dst);
}

// What an element's gradient is made of: direct = diff_dst * scale^-beta, and the term that it adds to the sums of all
// in its window, diff_dst * src * scale^-beta / scale. `next` is the row of diff_dst to prefetch meanwhile.
struct SplitRows {
  const float *src, *diff_dst, *next;
  float *direct, *term;
};
template <class Power, class Sums>
struct Split {
  LrnNumbers numbers;
  Power power;
  Sums squares;
  SplitRows rows;

  template <class Access>
  HWY_INLINE void operator()(Index i, const Access& access) const {
    hwy::Prefetch(rows.next + i);
    const auto scale = numbers.Scale(squares(i, access));
    const auto direct = power.Times(access.Load(rows.diff_dst + i), scale);
    const auto src = access.Load(rows.src + i);
    const auto term = Div(Mul(direct, Mul(std::decay_t<decltype(src)>::Set(numbers.counts), src)), scale);
    access.Store(direct, rows.direct + i);
    access.Store(term, rows.term + i);
  }
};
template <class Power, class Sums>
void SplitRow(const LrnNumbers& numbers, const Sums& squares, Index count, const SplitRows& rows) {
  ForEachPack<Whole>(0, count, Split<Power, Sums>{numbers, Power(numbers.beta), squares, rows});
}

// diff_src = direct - 2 beta share * src * (sum of the terms of those in whose windows it lies)
template <class Sums>
struct Join {
  float slope;
  Sums terms;
  const float *direct, *src;

  template <class Access>
  HWY_INLINE auto operator()(Index i, const Access& access) const {
    const auto x = access.Load(src + i);
    const auto weight = Mul(std::decay_t<decltype(x)>::Set(slope), x);
    return NegMulAdd(weight, terms(i, access), access.Load(direct + i));
  }
};
template <class Sums>
void JoinRow(const LrnNumbers& numbers, const Sums& terms, Stores stores, Index count, const float* direct,
             const float* src, float* diff_src) {
  MapAt(Join<Sums>{numbers.slope, terms, direct, src}, stores, count, diff_src);
}

// The functions of one beta for sums of one kind.
template <class Sums>
struct LrnRows {
  decltype(&NormalizeRow<Reciprocal, Sums>) normalize;
  decltype(&SplitRow<Reciprocal, Sums>) split;

  template <class Power>
  static LrnRows With() {
    return {NormalizeRow<Power, Sums>, SplitRow<Power, Sums>};
  }
  static LrnRows Of(double beta) {
    if (beta == 0.75) return With<ReciprocalThreeQuarters>();
    if (beta == 0.5) return With<ReciprocalRoot>();
    if (beta == 1) return With<Reciprocal>();
    return With<ReciprocalPower>();
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_ROWS_INL_H
