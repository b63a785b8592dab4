// Rows along an axis ("classes"), many side by side in vectors: where neighbours in memory belong to other rows, a lane
// is a row; where they belong to the same row, a row is taken for kRowParts rows, whose results are combined at the
// end. The same code serves both. In the first case f(access, at, j) sees element j of some rows, `at` elements behind
// that of j = 0; in the second elements j, ..., j + kRowParts - 1 of one row.

#if defined(GRADPROOF_CLASS_PANELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_CLASS_PANELS_INL_H
#undef GRADPROOF_CLASS_PANELS_INL_H
#else
#define GRADPROOF_CLASS_PANELS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "ops/activation/class_panels.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using PanelD = hn::ScalableTag<float>;
using PanelV = hn::Vec<PanelD>;
using PanelInts = hn::RebindToSigned<PanelD>;

constexpr Index kPanelLanes = hn::MaxLanes(PanelD());
// Loops over the vectors of a panel are unrolled, but not where a vector is one lane: there a panel has 32 of them, and
// as many copies of an exponential take most of a file's compilation.
constexpr int kPanelUnroll = kPanelLanes > 1 ? 32 : 1;

// Vectors of a panel: its element j, or a result, for each of its rows.
template <int kVectors>
struct Panel {
  PanelV v[kVectors];

  PanelV& operator[](int n) { return v[n]; }
  const PanelV& operator[](int n) const { return v[n]; }
};

// A panel's elements in memory, all of them.
struct WholeVectors {
  bool streaming = false;

  HWY_INLINE PanelV Load(const float* p, int n) const { return hn::LoadU(PanelD(), p + n * kPanelLanes); }
  HWY_INLINE void Store(PanelV v, float* p, int n) const {
    if (streaming) {
      TranslateAhead(p + n * kPanelLanes);
      hn::Stream(v, PanelD(), p + n * kPanelLanes);
    } else {
      hn::StoreU(v, PanelD(), p + n * kPanelLanes);
    }
  }
  HWY_INLINE PanelV Only(PanelV v, int) const { return v; }
  HWY_INLINE PanelV Choose(PanelV v, PanelV, int) const { return v; }
};

// The first `count` of them; nothing else is touched.
struct FirstElements {
  Index count;

  HWY_INLINE size_t Left(int n) const {
    return static_cast<size_t>(std::clamp<Index>(count - n * kPanelLanes, 0, kPanelLanes));
  }
  HWY_INLINE PanelV Load(const float* p, int n) const { return LoadFirst(PanelD(), p + n * kPanelLanes, Left(n)); }
  HWY_INLINE void Store(PanelV v, float* p, int n) const { StoreFirst(v, PanelD(), p + n * kPanelLanes, Left(n)); }
  // v, and 0 or `other` in the lanes that hold no element.
  HWY_INLINE PanelV Only(PanelV v, int n) const { return hn::IfThenElseZero(hn::FirstN(PanelD(), Left(n)), v); }
  HWY_INLINE PanelV Choose(PanelV v, PanelV other, int n) const {
    return hn::IfThenElse(hn::FirstN(PanelD(), Left(n)), v, other);
  }
};

// Neighbouring rows, one a lane, whose elements lie `pitch` apart.
template <int kCount, class Access, class OfRows = Access>
class ColumnPanel {
 public:
  static constexpr int kVectors = kCount;
  using Values = Panel<kVectors>;

  ColumnPanel(Index classes, Index pitch, Access access, OfRows of_rows)
      : classes_(classes), pitch_(pitch), access_(access), of_rows_(of_rows) {}

  Index classes() const { return classes_; }
  Index steps() const { return classes_; }
  template <class F>
  HWY_INLINE void ForSteps(Index first, Index end, const F& f) const {
    for (Index j = first; j < end; ++j) f(access_, j * pitch_, j);
  }
  template <class F>
  HWY_INLINE void ForRest(const F&) const {}

  // Where the results for element j go that a panel remembers, as whole vectors.
  HWY_INLINE Index Remembered(Index j) const { return j * kVectors * kPanelLanes; }
  // Fetches the same elements of the next panel.
  HWY_INLINE void Fetch(const float* p) const {
#pragma GCC unroll 4
    for (Index i = kVectors * kPanelLanes; i < 2 * kVectors * kPanelLanes; i += kLineFloats) hwy::Prefetch(p + i);
  }

  HWY_INLINE void Combine(Values&) const {}
  HWY_INLINE void CombineMaxima(Values&) const {}

  // A number of class j, and which rows are of a class.
  HWY_INLINE PanelV OfClass(const float* numbers, const Access&, Index j, int) const {
    return hn::Set(PanelD(), numbers[j]);
  }
  HWY_INLINE hn::Mask<PanelD> AreOf(hn::Vec<PanelInts> classes, Index j, int) const {
    return hn::RebindMask(PanelD(), hn::Eq(classes, hn::Set(PanelInts(), static_cast<std::int32_t>(j))));
  }
  // Element j of the row in a lane; lanes that have a row.
  Index ElementOf(Index j, Index lane) const { return j * pitch_ + lane; }
  Index RowCount() const {
    if constexpr (std::is_same_v<OfRows, FirstElements>) return of_rows_.count;
    return kVectors * kPanelLanes;
  }
  // A number a row.
  HWY_INLINE PanelV LoadOfRows(const float* numbers, int n) const { return of_rows_.Load(numbers, n); }
  HWY_INLINE void StoreOfRows(PanelV v, float* numbers, int n) const { of_rows_.Store(v, numbers, n); }

 private:
  const Index classes_, pitch_;
  const Access access_;
  const OfRows of_rows_;
};

// One row, whose elements are neighbours.
class RowPanel {
 public:
  static constexpr int kVectors = static_cast<int>(kRowParts / kPanelLanes);
  using Values = Panel<kVectors>;

  RowPanel(Index classes, bool streaming) : classes_(classes), access_{streaming} {}

  Index classes() const { return classes_; }
  Index steps() const { return classes_ / kRowParts; }
  template <class F>
  HWY_INLINE void ForSteps(Index first, Index end, const F& f) const {
    for (Index step = first; step < end; ++step) f(access_, step * kRowParts, step * kRowParts);
  }
  template <class F>
  HWY_INLINE void ForRest(const F& f) const {
    const Index rest = classes_ % kRowParts;
    if (rest > 0) f(FirstElements{rest}, classes_ - rest, classes_ - rest);
  }

  HWY_INLINE Index Remembered(Index j) const { return j; }
  HWY_INLINE void Fetch(const float*) const {}

  // The sum, or the maximum, of all lanes in each of them. Sums are of part i and i + 16, then i and i + 8, and so on,
  // whatever a vector holds.
  HWY_INLINE void Combine(Values& parts) const {
#pragma GCC unroll 8
    for (int half = kVectors / 2; half > 0; half /= 2)
#pragma GCC unroll 16
      for (int n = 0; n < half; ++n) parts[n] = hn::Add(parts[n], parts[n + half]);
    Spread(hn::Set(PanelD(), SumOfHalves(PanelD(), parts[0])), parts);
  }
  HWY_INLINE void CombineMaxima(Values& parts) const {
#pragma GCC unroll kPanelUnroll
    for (int n = 1; n < kVectors; ++n) parts[0] = hn::Max(parts[0], parts[n]);
    Spread(hn::MaxOfLanes(PanelD(), parts[0]), parts);
  }

  template <class Access>
  HWY_INLINE PanelV OfClass(const float* numbers, const Access& access, Index j, int n) const {
    return access.Load(numbers + j, n);
  }
  HWY_INLINE hn::Mask<PanelD> AreOf(hn::Vec<PanelInts> classes, Index j, int n) const {
    // Highway makes a vector that counts from a variable lane by lane; from 0 it is a constant.
    const auto first = hn::Set(PanelInts(), static_cast<std::int32_t>(j + n * kPanelLanes));
    return hn::RebindMask(PanelD(), hn::Eq(hn::Sub(classes, first), hn::Iota(PanelInts(), 0)));
  }
  Index ElementOf(Index j, Index) const { return j; }
  Index RowCount() const { return 1; }
  HWY_INLINE PanelV LoadOfRows(const float* numbers, int) const { return hn::Set(PanelD(), *numbers); }
  HWY_INLINE void StoreOfRows(PanelV v, float* numbers, int n) const {
    if (n == 0) *numbers = hn::GetLane(v);
  }

 private:
  static HWY_INLINE void Spread(PanelV v, Values& parts) {
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < kVectors; ++n) parts[n] = v;
  }

  template <class D>
  static HWY_INLINE float SumOfHalves(D d, hn::Vec<D> v) {
#if HWY_TARGET == HWY_SCALAR
    (void)d;
    return hn::GetLane(v);
#else
    if constexpr (hn::MaxLanes(D()) > 4) {
      const hn::Half<D> half;
      return SumOfHalves(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
    } else {
      HWY_ALIGN float lanes[4];
      hn::Store(v, d, lanes);
      return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }
#endif
  }

  const Index classes_;
  const WholeVectors access_;
};

// f(access, at, j) for all elements of a panel.
template <class P, class F>
HWY_INLINE void ForElements(const P& panel, const F& f) {
  panel.ForSteps(0, panel.steps(), f);
  panel.ForRest(f);
}

// kSums sums for each row. add(access, at, j, n, sums) adds to sums[k][n], in blocks of kSumSteps steps. Where an
// access holds less than a vector, other lanes must be left alone: access.Only.
template <int kSums, class P, class F>
HWY_INLINE void SumOverClasses(const P& panel, const F& add, typename P::Values (&totals)[kSums]) {
  constexpr int kVectors = P::kVectors;
  const auto zero = [](typename P::Values(&sums)[kSums]) HWY_ATTR {
#pragma GCC unroll 4
    for (int k = 0; k < kSums; ++k)
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < kVectors; ++n) sums[k][n] = hn::Zero(PanelD());
  };
  zero(totals);
  for (Index first = 0;; first += kSumSteps) {
    typename P::Values sums[kSums];
    zero(sums);
    const auto all = [&](const auto& access, Index at, Index j) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < kVectors; ++n) add(access, at, j, n, sums);
    };
    const bool last = first + kSumSteps >= panel.steps();
    panel.ForSteps(first, std::min(first + kSumSteps, panel.steps()), all);
    if (last) panel.ForRest(all);
#pragma GCC unroll 4
    for (int k = 0; k < kSums; ++k)
#pragma GCC unroll kPanelUnroll
      for (int n = 0; n < kVectors; ++n) totals[k][n] = hn::Add(totals[k][n], sums[k][n]);
    if (last) break;
  }
#pragma GCC unroll 4
  for (int k = 0; k < kSums; ++k) panel.Combine(totals[k]);
}

// The largest element of each row; where one is NaN, any.
template <class P>
HWY_INLINE typename P::Values Largest(const P& panel, const float* HWY_RESTRICT x) {
  typename P::Values largest;
#pragma GCC unroll kPanelUnroll
  for (int n = 0; n < P::kVectors; ++n) largest[n] = hn::Set(PanelD(), -std::numeric_limits<float>::infinity());
  ForElements(panel, [&](const auto& access, Index at, Index) HWY_ATTR {
#pragma GCC unroll kPanelUnroll
    for (int n = 0; n < P::kVectors; ++n)
      largest[n] = access.Choose(hn::Max(largest[n], access.Load(x + at, n)), largest[n], n);
  });
  panel.CombineMaxima(largest);
#pragma GCC unroll kPanelUnroll
  for (int n = 0; n < P::kVectors; ++n) largest[n] = hn::Add(largest[n], hn::Zero(PanelD()));  // of zeros +0
  return largest;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_CLASS_PANELS_INL_H
