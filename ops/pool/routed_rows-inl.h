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
#include "ops/simd/every_second-inl.h"

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

// Two vectors of every second element fill a cache line where they are as long as half of it, or two lines.
constexpr bool kPairsFillLines = HWY_TARGET == HWY_AVX2 || HWY_TARGET <= HWY_AVX3;

// Writes a[0], b[0], a[1], b[1], ...
template <Stores kStores>
HWY_INLINE void PutInterleaved(hn::Vec<D> a, hn::Vec<D> b, float* to) {
  const D d;
  const Interleaved<hn::Vec<D>> both(a, b);
  if constexpr (kStores == Stores::kStreaming) {
    hn::Stream(both.first, d, to);
    hn::Stream(both.second, d, to + Lanes());
  } else {
    hn::StoreU(both.first, d, to);
    hn::StoreU(both.second, d, to + Lanes());
  }
}

// A window of kTaps x kTaps neighbours, kStride 1 or 2 apart. Inputs are taken in groups of kStride x kStride: input
// kStride * j + phase of an axis is read by tap k of window j + (phase + pad - k) / kStride. kPadH and kPadW are what
// the padding exceeds a multiple of the stride by.
template <Index kStride, Index kTaps, Index kPadH, Index kPadW>
struct Neighbours {
  static constexpr Index Phase(Index pad, Index tap) { return (tap + pad) % kStride; }
  static constexpr Index Window(Index pad, Index tap) { return (Phase(pad, tap) + pad - tap) / kStride; }

  struct Sums {
    hn::Vec<D> top_left, top_right, low_left, low_right;
  };

  template <Index kTap>
  static HWY_INLINE void AddTaps(const Windows& windows, Index at, Sums& sums) {
    if constexpr (kTap < kTaps * kTaps) {
      constexpr Index kRow = kTap / kTaps;
      constexpr Index kColumn = kTap % kTaps;
      auto& sum = Phase(kPadH, kRow) == 0 ? (Phase(kPadW, kColumn) == 0 ? sums.top_left : sums.top_right)
                                          : (Phase(kPadW, kColumn) == 0 ? sums.low_left : sums.low_right);
      sum = hn::Add(sum, windows.Routed(at + Window(kPadH, kRow) * windows.pitch + Window(kPadW, kColumn), kTap));
      AddTaps<kTap + 1>(windows, at, sums);
    }
  }

  // Rows of inputs, from one that starts a group on. Vectors are taken from right to left: what the last one of a row
  // writes beyond it is overwritten when the next row starts. Where StreamsRows(), they can be streamed.
  static void Route(const PoolGeometry& g, const Windows& windows, Index first, Index count, Stores stores,
                    float* diff_src, float* spare_row) {
    constexpr Stores kStream = kPairsFillLines && kStride == 2 ? Stores::kStreaming : Stores::kCached;
    const auto route = windows.slices != 1            ? RouteSlices<0, Stores::kCached>
                       : stores == Stores::kStreaming ? RouteSlices<1, kStream>
                                                      : RouteSlices<1, Stores::kCached>;
    route(g, windows, first, count, diff_src, spare_row);
  }

  template <Index kSlices, Stores kStores>
  static HWY_NOINLINE void RouteSlices(const PoolGeometry& g, const Windows windows, Index first, Index count,
                                       float* HWY_RESTRICT diff_src, float* HWY_RESTRICT spare_row) {
    const D d;
    const Index slices = kSlices > 0 ? kSlices : windows.slices;
    const Index width = g.w.in;
    const RowVectors groups((width + kStride - 1) / kStride);
    Index row_at = (first + g.h.pad - kPadH) / kStride * windows.pitch + (g.w.pad - kPadW) / kStride;
    for (; count > 0; count -= kStride, diff_src += kStride * width, row_at += windows.pitch) {
      float* HWY_RESTRICT low = count > 1 ? diff_src + width : spare_row;
      for (Index vector = groups.count - 1; vector >= 0; --vector) {
        const Index j = groups.Position(vector);
        const auto zero = hn::Zero(d);
        Sums sums{zero, zero, zero, zero};
        for (Index slice = 0; slice < slices; ++slice)
          AddTaps<0>(windows, row_at + slice * windows.slice_size + j, sums);
        if constexpr (kStride == 1) {
          hn::StoreU(sums.top_left, d, diff_src + j);
        } else {
          PutInterleaved<kStores>(sums.top_left, sums.top_right, diff_src + 2 * j);
          PutInterleaved<kStores>(sums.low_left, sums.low_right, low + 2 * j);
        }
      }
    }
  }
};

// Any window: input by input for a stride.
HWY_NOINLINE inline void RouteAny(const PoolGeometry& g, const Windows& windows, Index first, Index count, Stores,
                                  float* HWY_RESTRICT diff_src, float*) {
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

template <Index kStride, Index kTaps>
RouteFunction ChooseNeighbours(const PoolGeometry& g) {
  const bool odd_h = g.h.pad % kStride != 0;
  const bool odd_w = g.w.pad % kStride != 0;
  constexpr Index kOdd = kStride - 1;
  if (odd_h) return odd_w ? Neighbours<kStride, kTaps, kOdd, kOdd>::Route : Neighbours<kStride, kTaps, kOdd, 0>::Route;
  return odd_w ? Neighbours<kStride, kTaps, 0, kOdd>::Route : Neighbours<kStride, kTaps, 0, 0>::Route;
}

// Whether rows of inputs are whole cache lines that ChooseRoute()'s function can stream.
inline bool StreamsRows(const PoolGeometry& g) {
  const bool neighbours = g.h.kernel == g.w.kernel && (g.w.kernel == 2 || g.w.kernel == 3) && g.d.kernel == 1;
  const bool dense = g.h.dilation == 1 && g.w.dilation == 1;
  return kPairsFillLines && neighbours && dense && g.h.stride == 2 && g.w.stride == 2 && g.w.in % kLineFloats == 0;
}

inline RouteFunction ChooseRoute(const PoolGeometry& g) {
  const Index taps = g.w.kernel;
  const Index stride = g.w.stride;
  if (g.h.kernel != taps || g.h.stride != stride || g.h.dilation != 1 || g.w.dilation != 1) return RouteAny;
  if (stride == 1 && taps == 2) return ChooseNeighbours<1, 2>(g);
  if (stride == 1 && taps == 3) return ChooseNeighbours<1, 3>(g);
  if (stride == 2 && taps == 2) return ChooseNeighbours<2, 2>(g);
  if (stride == 2 && taps == 3) return ChooseNeighbours<2, 3>(g);
  return RouteAny;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROUTED_ROWS_INL_H
