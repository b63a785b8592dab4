// Statistics of windows that are no plain sums, and their gradients: norms and deviations, in double.
//
// A statistic is a functor. Rows of a workspace hold what it makes of the inputs, split by the phase of the stride, so
// that windows beside each other read elements beside each other whatever the stride:
//   OfInput(x), kPadding      what rows hold of an input, and in the padding
//   Of(windows, o)            windows o, o + 1, ...: their value, and a centre that their gradient refers to
//   Share(diff, summary)      what a window sends to its inputs, and
//   Sent(share, centre, x)    what of that arrives where a row holds x
//   Received(sum, src)        the gradient, from the sum of what arrived at an input
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

  size_t rows() const { return taps.size() / inside.size(); }
  HWY_INLINE WideVec Count(Index o) const {
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
template <class Statistic>
HWY_NOINLINE void WriteValues(const Statistic& statistic, const RowOfWindows& windows, float* HWY_RESTRICT to) {
  for (Index o = 0; o < windows.width; o += WideLanes())
    hn::StoreU(Narrowed(statistic.Of(windows, o).value), Narrow(), to + o);
}

// What they send, and their centres. Writes whole vectors.
template <class Statistic>
HWY_NOINLINE void FindShares(const Statistic& statistic, const RowOfWindows& windows, const float* HWY_RESTRICT diff,
                             double* HWY_RESTRICT shares, double* HWY_RESTRICT centres) {
  const Wide d;
  for (Index o = 0; o < windows.width; o += WideLanes()) {
    const auto rest = static_cast<size_t>(std::min(windows.width - o, WideLanes()));
    const Summary summary = statistic.Of(windows, o);
    const auto share =
        statistic.Share(hn::PromoteTo(d, LoadFirst(Narrow(), diff + o, rest)), summary, windows.Count(o));
    hn::StoreU(share, d, shares + o);
    hn::StoreU(summary.centre, d, centres + o);
  }
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
