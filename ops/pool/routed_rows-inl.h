// Gradients of a row of inputs from the rows of windows over it.

#if defined(GRADPROOF_ROUTED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ROUTED_ROWS_INL_H
#undef GRADPROOF_ROUTED_ROWS_INL_H
#else
#define GRADPROOF_ROUTED_ROWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/pool/geometry.h"
#include "ops/pool/padded_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::int32_t kNoTap = -1;

// Rows of windows, laid out with "no tap" where windows are missing, as far as inputs may look for them: for each slice
// of taps that reads the inputs, the row of window `row` is at row * pitch; argmax counts from the slice's first tap.
struct Windows {
  const float* diff;
  const std::int32_t* argmax;
  Index pitch;
  Index slices, slice_size;

  HWY_INLINE hn::Vec<D> Routed(Index at, std::int32_t tap) const {
    const auto chosen = hn::Eq(hn::LoadU(DI(), argmax + at), hn::Set(DI(), tap));
    return hn::IfThenElseZero(hn::RebindMask(D(), chosen), hn::LoadU(D(), diff + at));
  }
};

// A window of kTaps x kTaps neighbours, 1 apart: input j of an axis is read by tap k of window j + pad - k.
template <Index kTaps>
struct Neighbours {
  template <Index kTap>
  static HWY_INLINE hn::Vec<D> AddTaps(const Windows& windows, Index at, hn::Vec<D> sum) {
    if constexpr (kTap == kTaps * kTaps) {
      return sum;
    } else {
      const Index from = at - kTap / kTaps * windows.pitch - kTap % kTaps;
      return AddTaps<kTap + 1>(windows, at, hn::Add(sum, windows.Routed(from, kTap)));
    }
  }

  static void Route(const PoolGeometry& g, const Windows& windows, Index first, Index count, float* diff_src) {
    const auto route = windows.slices == 1 ? RouteSlices<1> : RouteSlices<0>;
    route(g, windows, first, count, diff_src);
  }

  // Vectors are taken from right to left: what the last one of a row writes beyond it is overwritten when the next row
  // starts.
  template <Index kSlices>
  static HWY_NOINLINE void RouteSlices(const PoolGeometry& g, const Windows windows, Index first, Index count,
                                       float* HWY_RESTRICT diff_src) {
    const Index slices = kSlices > 0 ? kSlices : windows.slices;
    const RowVectors vectors(g.w.in);
    Index row_at = (first + g.h.pad) * windows.pitch + g.w.pad;
    for (; count > 0; --count, diff_src += g.w.in, row_at += windows.pitch)
      for (Index vector = vectors.count - 1; vector >= 0; --vector) {
        const Index j = vectors.Position(vector);
        auto sum = hn::Zero(D());
        for (Index slice = 0; slice < slices; ++slice)
          sum = AddTaps<0>(windows, row_at + slice * windows.slice_size + j, sum);
        hn::StoreU(sum, D(), diff_src + j);
      }
  }
};

// Any window: input by input for a stride.
HWY_NOINLINE inline void RouteAny(const PoolGeometry& g, const Windows& windows, Index first, Index count,
                                  float* HWY_RESTRICT diff_src) {
  const D d;
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  const RowVectors groups((g.w.in + g.w.stride - 1) / g.w.stride);
  for (Index ih = first; ih < first + count; ++ih, diff_src += g.w.in)
    for (Index phase = 0; phase < std::min(g.w.stride, g.w.in); ++phase)
      for (Index vector = 0; vector < groups.count; ++vector) {
        const Index j = groups.Position(vector);
        auto sum = hn::Zero(d);
        for (Index slice = 0; slice < windows.slices; ++slice)
          for (Index kh = 0; kh < g.h.kernel; ++kh) {
            const Index row = ih + g.h.pad - kh * g.h.dilation;
            if (row % g.h.stride != 0) continue;
            const Index at = slice * windows.slice_size + row / g.h.stride * windows.pitch + j;
            for (Index kw = 0; kw < g.w.kernel; ++kw) {
              const Index column = phase + g.w.pad - kw * g.w.dilation;
              if (column % g.w.stride != 0) continue;
              const auto tap = static_cast<std::int32_t>(kh * g.w.kernel + kw);
              sum = hn::Add(sum, windows.Routed(at + column / g.w.stride, tap));
            }
          }
        hn::Store(sum, d, lanes);
        float* to = diff_src + j * g.w.stride + phase;
        for (Index lane = 0; lane < Lanes(); ++lane) to[lane * g.w.stride] = lanes[lane];
      }
}

using RouteFunction = decltype(&RouteAny);

inline RouteFunction ChooseRoute(const PoolGeometry& g) {
  if (!g.has_neighbours(1)) return RouteAny;
  return g.w.kernel == 2 ? Neighbours<2>::Route : Neighbours<3>::Route;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROUTED_ROWS_INL_H
