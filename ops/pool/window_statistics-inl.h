// Statistics of windows that are no plain sums, and their gradients: norms and deviations, in double.
//
// A statistic is a functor. Rows of a workspace hold what it makes of the inputs, split by the phase of the stride, so
// that windows beside each other read elements beside each other whatever the stride:
//   OfInput(x), kPadding      what rows hold of an input, and in the padding
//   Of<kTaps>(windows, o)     windows o, o + 1, ...: their value, and a centre that their gradient refers to
//   Share(diff, summary)      what a window sends to its inputs, and
//   Sent(share, centre, x)    what of that arrives where a row holds x
//   Received(sum, src)        the gradient, from the sum of what arrived at an input
//   kFewTaps                  whether windows of few taps deserve code of their own
// In double, squares and quotients of float32 numbers neither overflow nor underflow, squares are exact, and what is
// lost of sums is far below the rounding of the result.

#if defined(GRADPROOF_WINDOW_STATISTICS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_WINDOW_STATISTICS_INL_H
#undef GRADPROOF_WINDOW_STATISTICS_INL_H
#else
#define GRADPROOF_WINDOW_STATISTICS_INL_H
#endif

#include <hwy/highway.h>

#include <vector>

#include "ops/pool/phased_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Where each tap is in the first window of a row.
using Taps = std::vector<const double*>;

// A row of windows.
struct RowOfWindows {
  const Taps& taps;      // row by row of taps, those within the input
  const Taps& inside;    // of one row of taps: 1 where rows hold inputs, 0 where padding
  const double* counts;  // of taps within the input, along the row
  Index first, end;      // windows that see no padding along the row
  Index width;           // windows

  // Taps, where their number is known when compiling: pointers then stay in registers. kTaps 0: any number.
  template <size_t kTaps>
  HWY_INLINE size_t Count() const {
    return kTaps > 0 ? kTaps : taps.size();
  }
  size_t rows() const { return taps.size() / inside.size(); }
  HWY_INLINE WideVec Elements(Index o) const {
    return hn::Mul(hn::LoadU(Wide(), counts + o), hn::Set(Wide(), static_cast<double>(rows())));
  }
  bool sees_padding(Index o) const { return o < first || o + WideLanes() > end; }
};

struct Summary {
  WideVec value, centre;
};

// 1 / x, but 0 of 0.
HWY_INLINE WideVec InverseOrZero(WideVec x) {
  const Wide d;
  return hn::IfThenZeroElse(hn::Eq(x, hn::Zero(d)), hn::Div(hn::Set(d, 1.0), x));
}

// Their values. Writes a whole vector at least.
template <size_t kTaps, class Statistic>
HWY_NOINLINE void WriteValuesOf(const Statistic& statistic, const RowOfWindows& windows, float* HWY_RESTRICT to) {
  for (Index o = 0; o < windows.width; o += WideLanes())
    hn::StoreU(Narrowed(Narrow(), statistic.template Of<kTaps>(windows, o).value), Narrow(), to + o);
}

template <class Statistic>
void WriteValues(const Statistic& statistic, const RowOfWindows& windows, float* to) {
  if constexpr (Statistic::kFewTaps) {
    if (windows.taps.size() == 4) return WriteValuesOf<4>(statistic, windows, to);
    if (windows.taps.size() == 9) return WriteValuesOf<9>(statistic, windows, to);
  }
  WriteValuesOf<0>(statistic, windows, to);
}

// What they send, and their centres. Writes whole vectors.
template <size_t kTaps, class Statistic>
HWY_NOINLINE void FindSharesOf(const Statistic& statistic, const RowOfWindows& windows, const float* HWY_RESTRICT diff,
                               double* HWY_RESTRICT shares, double* HWY_RESTRICT centres) {
  const Wide d;
  for (Index o = 0; o < windows.width; o += WideLanes()) {
    const Index rest = windows.width - o;
    const auto sent =
        rest < WideLanes() ? LoadFirst(Narrow(), diff + o, static_cast<size_t>(rest)) : hn::LoadU(Narrow(), diff + o);
    const Summary summary = statistic.template Of<kTaps>(windows, o);
    hn::StoreU(statistic.Share(hn::PromoteTo(d, sent), summary, windows.Elements(o)), d, shares + o);
    hn::StoreU(summary.centre, d, centres + o);
  }
}

template <class Statistic>
void FindShares(const Statistic& statistic, const RowOfWindows& windows, const float* diff, double* shares,
                double* centres) {
  if constexpr (Statistic::kFewTaps) {
    if (windows.taps.size() == 4) return FindSharesOf<4>(statistic, windows, diff, shares, centres);
    if (windows.taps.size() == 9) return FindSharesOf<9>(statistic, windows, diff, shares, centres);
  }
  FindSharesOf<0>(statistic, windows, diff, shares, centres);
}

// Adds to sums[o] what window o sends to the tap that reads row[o]; reads and writes whole vectors. Windows that are
// not there send nothing, not even where an input is infinite.
template <class Statistic>
HWY_NOINLINE void Send(const Statistic& statistic, const double* HWY_RESTRICT shares,
                       const double* HWY_RESTRICT centres, Index width, const double* HWY_RESTRICT row,
                       double* HWY_RESTRICT sums) {
  const Wide d;
  for (Index o = 0; o < width; o += WideLanes()) {
    auto sent = statistic.Sent(hn::LoadU(d, shares + o), hn::LoadU(d, centres + o), hn::LoadU(d, row + o));
    if (o + WideLanes() > width) sent = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(width - o)), sent);
    hn::StoreU(hn::Add(hn::LoadU(d, sums + o), sent), d, sums + o);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_WINDOW_STATISTICS_INL_H
