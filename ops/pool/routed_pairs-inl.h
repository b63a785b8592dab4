// What square windows of 2 or 3 neighbours, 2 apart, send to pairs of rows of their inputs, in one sweep down a plane.

#if defined(GRADPROOF_ROUTED_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_ROUTED_PAIRS_INL_H
#undef GRADPROOF_ROUTED_PAIRS_INL_H
#else
#define GRADPROOF_ROUTED_PAIRS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "ops/pool/sent_sums-inl.h"
#include "ops/pool/tap_numbers-inl.h"
#include "ops/simd/every_second-inl.h"
#include "ops/simd/lanes-inl.h"
#include "ops/simd/shifted_lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A slice of windows; the inputs at hand are read by its taps from first_tap on.
struct WindowSlice {
  const float* diff;
  const std::uint8_t* argmax;
  std::int32_t first_tap = 0;
};

// Those that read a slice of inputs.
struct WindowSlices {
  std::vector<WindowSlice> found;  // the last of the tensor first
  WindowSlice none;                // stands for rows that there are not
  const float* end;                // of the tensor that `diff` points into
};

// One or two vectors of a row, of which `count` elements belong to it.
template <Stores kStores>
HWY_INLINE void PutPair(hn::Vec<D> even, hn::Vec<D> odd, Index count, float* to) {
  const D d;
  const Interleaved<hn::Vec<D>> both(even, odd);
  if constexpr (kStores == Stores::kStreaming) {
    TranslateAhead(to);
    hn::Stream(both.first, d, to);
    if (count > Lanes()) hn::Stream(both.second, d, to + Lanes());
  } else if (HWY_LIKELY(count >= 2 * Lanes())) {
    hn::StoreU(both.first, d, to);
    hn::StoreU(both.second, d, to + Lanes());
  } else if (count >= Lanes()) {
    hn::StoreU(both.first, d, to);
    if (count > Lanes()) StoreFirst(both.second, d, to + Lanes(), At(count - Lanes()));
  } else if (count > 0) {
    StoreFirst(both.first, d, to, At(count));
  }
}

template <Index kTaps, Index kPadW>
struct RoutedSweep {
  using Sums = SentSums<kTaps, kPadW>;
  static constexpr bool kFromRight = Sums::kFromRight;
  using Beside = OneBeside<D, kFromRight ? 1 : -1>;
  static constexpr bool kMasksAreCheap = HWY_TARGET <= HWY_AVX3;

  // Pairs `first` ... first + count - 1 of rows; row 2 * first + offset of the inputs would be at `to`. Rows outside
  // the input are written to `spare`. kSlices is the number of slices, or 0.
  template <Index kSlices, Stores kStores>
  static void Run(const PoolGeometry& g, const WindowSlices& slices, Index first, Index count, float* HWY_RESTRICT to,
                  float* HWY_RESTRICT spare) {
#if HWY_TARGET <= HWY_AVX3
    if constexpr (kSlices == 1) {
      const Range inside = PairsInside(g, first, first + count);
      const auto at = [&](Index pair) { return to + 2 * (pair - first) * g.w.in; };
      PutAnyPairs<1, kStores>(g, slices, first, inside.first - first, to, spare);
      PutPairsInside<kStores>(g, slices.found[0], inside, at(inside.first));
      PutAnyPairs<1, kStores>(g, slices, inside.end, first + count - inside.end, at(inside.end), spare);
      return;
    }
#endif
    PutAnyPairs<kSlices, kStores>(g, slices, first, count, to, spare);
  }

 private:
  static HWY_INLINE Index Vectors(const PoolAxis& w) {
    return (std::max(w.out, (w.in + 1) / 2) + Lanes() - 1) / Lanes();
  }

  // Whether `count` windows can be read from window `at` of all slices on, whatever they are.
  static HWY_INLINE bool Overreads(const WindowSlices& slices, Index at, Index count) {
    return slices.end - (slices.found.front().diff + at) >= count;
  }

  // Field by field: a struct that is chosen as one goes through memory (1.15 of the time).
  static HWY_INLINE WindowSlice RowOf(const PoolGeometry& g, const WindowSlice& slice, const WindowSlice& none,
                                      Index row) {
    const bool exists = row >= 0 && row < g.h.out;
    const Index at = row * g.w.out;
    return {exists ? slice.diff + at : none.diff, exists ? slice.argmax + at : none.argmax, slice.first_tap};
  }

  // `rest` windows are left of the row from `at` on, perhaps none.
  template <Index kRow>
  static HWY_INLINE void AddRow(const WindowSlice& row, Index at, Index rest, bool overreads,
                                const typename Sums::Taps& taps, Sums& sums) {
    const float* diff = row.diff + at;
    const std::uint8_t* argmax = row.argmax + at;
    if (kRow + 1 == Sums::kRows) {
      hwy::Prefetch(diff + kPrefetchAhead);
      hwy::Prefetch(argmax + kPrefetchAhead);
    }
    if (HWY_LIKELY(rest >= Lanes())) {
      sums.template Add<kRow>(hn::LoadU(D(), diff), ByteTaps::Load(argmax), taps);
    } else if (rest > 0 && overreads) {
      const auto inside = hn::IfThenElseZero(hn::FirstN(D(), At(rest)), hn::LoadU(D(), diff));
      sums.template Add<kRow>(inside, ByteTaps::Load(argmax), taps);
    } else if (rest > 0) {
      sums.template Add<kRow>(LoadFirst(D(), diff, At(rest)), ByteTaps::Load(argmax, At(rest)), taps);
    }
  }

  // Where masks are not cheap (on AVX2 a masked store takes some 20 instructions) windows behind a row are read, and
  // inputs behind it are written before their own come, as far as there are any.
  template <Index kSlices, Stores kStores>
  static HWY_NOINLINE void PutAnyPairs(const PoolGeometry& g, const WindowSlices& slices, Index first, Index count,
                                       float* HWY_RESTRICT to, float* HWY_RESTRICT spare) {
    HWY_ALIGN float head[2 * hn::MaxLanes(D())];  // of a lower row, which the end of the upper one overruns
    const Index slice_count = kSlices > 0 ? kSlices : static_cast<Index>(slices.found.size());
    const Index width = g.w.in;
    const Index out = g.w.out;
    const Index vectors = Vectors(g.w);
    const Index offset = InputPairs(g.h).offset;
    const typename Sums::Taps only_taps(kSlices == 1 ? slices.found[0].first_tap : 0);
    for (Index pair = first; pair < first + count; ++pair, to += 2 * width) {
      const auto windows = [&](Index slice, Index r)
                               HWY_ATTR { return RowOf(g, slices.found[At(slice)], slices.none, pair + r); };
      const WindowSlice first_row = kSlices == 1 ? windows(0, 0) : slices.none;
      const WindowSlice second_row = kSlices == 1 ? windows(0, 1) : slices.none;
      const bool overreads =
          !kMasksAreCheap && slice_count > 0 && Overreads(slices, (pair + 1) * out, vectors * Lanes());
      const bool overruns = !kMasksAreCheap && (2 * (first + count - pair) - 3) * width >= 2 * Lanes();
      float* HWY_RESTRICT upper = 2 * pair + offset >= 0 ? to : spare;
      float* HWY_RESTRICT lower = 2 * pair + offset + 1 < g.h.in ? to + width : spare;
      Beside beside[2] = {Beside(0.0F), Beside(0.0F)};
      for (Index vector = 0; vector < vectors; ++vector) {
        const Index at = (kFromRight ? vectors - 1 - vector : vector) * Lanes();
        Sums sums;
        for (Index slice = 0; slice < slice_count; ++slice) {
          const auto taps = kSlices == 1 ? only_taps : typename Sums::Taps(slices.found[At(slice)].first_tap);
          AddRow<0>(kSlices == 1 ? first_row : windows(slice, 0), at, out - at, overreads, taps, sums);
          if constexpr (Sums::kRows == 2)
            AddRow<1>(kSlices == 1 ? second_row : windows(slice, 1), at, out - at, overreads, taps, sums);
        }
        if constexpr (Sums::kSendsBeside) sums.Take(beside[0](sums.beside[0]), beside[1](sums.beside[1]));
        const Index rest = width - 2 * at;
        const Index room = overruns && rest > 0 ? 2 * Lanes() : rest;
        const bool waits = !kFromRight && kStores == Stores::kCached && vector == 0 && overruns;
        PutPair<kStores>(sums.own[0][0], sums.own[0][1], room, upper + 2 * at);
        PutPair<kStores>(sums.own[1][0], sums.own[1][1], room, waits ? head : lower + 2 * at);
      }
      if (!kFromRight && kStores == Stores::kCached && overruns) {
        hn::StoreU(hn::Load(D(), head), D(), lower);
        hn::StoreU(hn::Load(D(), head + Lanes()), D(), lower + Lanes());
      }
    }
  }

#if HWY_TARGET <= HWY_AVX3
  // The last vector of windows of all rows, perhaps none of them, and the inputs that go with it.
  struct RowEnd {
    HWY_INLINE RowEnd(Index windows, Index input_count)
        : inputs(input_count),
          values(First(windows)),
          bytes(hn::FirstN(ByteTaps::Lanes(), At(std::clamp<Index>(windows, 0, Lanes())))),
          first(First(inputs)),
          second(First(inputs - Lanes())) {}
    static HWY_INLINE hn::Mask<D> First(Index count) {
      return hn::FirstN(D(), At(std::clamp<Index>(count, 0, Lanes())));
    }

    const Index inputs;
    const hn::Mask<D> values;
    const hn::Mask<ByteTaps::Lanes> bytes;
    const hn::Mask<D> first, second;
  };

  // A vector of windows of the rows over a pair; kWhole: none of them is behind the end of its row.
  template <Index kRow, bool kWhole>
  static HWY_INLINE void AddWindows(const WindowSlice& windows, const RowEnd& end, const typename Sums::Taps& taps,
                                    Sums& sums) {
    // Of sums the sign of a zero is open; where windows do not overlap it is that of 0 + what the window sends.
    constexpr bool kFirst = kRow == 0 && kTaps == 3;
    if constexpr (kWhole) {
      sums.template Add<kRow, kFirst>(hn::LoadU(D(), windows.diff), ByteTaps::Load(windows.argmax), taps);
    } else {
      sums.template Add<kRow, kFirst>(hn::MaskedLoad(end.values, D(), windows.diff),
                                      hn::MaskedLoad(end.bytes, ByteTaps::Lanes(), windows.argmax), taps);
    }
  }

  template <Stores kStores, bool kWhole>
  static HWY_INLINE void PutInputs(const hn::Vec<D> (&sums)[2], const RowEnd& end, float* to) {
    if constexpr (kWhole || kStores == Stores::kStreaming) {
      PutPair<kStores>(sums[0], sums[1], kWhole ? 2 * Lanes() : end.inputs, to);
    } else {
      const Interleaved<hn::Vec<D>> both(sums[0], sums[1]);
      hn::BlendedStore(both.first, end.first, D(), to);
      hn::BlendedStore(both.second, end.second, D(), to + Lanes());
    }
  }

  // The inputs under a vector of windows, in both rows of a pair.
  template <Stores kStores, bool kWhole>
  static HWY_INLINE void PutColumn(const PoolAxis& w, const WindowSlice& windows, const RowEnd& end,
                                   const typename Sums::Taps& taps, Beside (&beside)[2], float* to) {
    Sums sums;
    AddWindows<0, kWhole>(windows, end, taps, sums);
    if constexpr (Sums::kRows == 2)
      AddWindows<1, kWhole>({windows.diff + w.out, windows.argmax + w.out}, end, taps, sums);
    if constexpr (Sums::kSendsBeside) sums.Take(beside[0](sums.beside[0]), beside[1](sums.beside[1]));
    PutInputs<kStores, kWhole>(sums.own[0], end, to);
    PutInputs<kStores, kWhole>(sums.own[1], end, to + w.in);
  }

  // Those of the pairs with both rows in the input, and with all windows that may read them there.
  static Range PairsInside(const PoolGeometry& g, Index first, Index end) {
    const Index offset = InputPairs(g.h).offset;
    const Index inside = std::max<Index>(first, offset < 0 ? 1 : 0);
    const Index outside = std::min({end, g.h.out - (Sums::kRows - 1), (g.h.in - offset) / 2});
    return {std::min(inside, end), std::clamp(outside, std::min(inside, end), end)};
  }

  // Pairs inside, of one slice. A function of its own: with all cases in one loop registers did not suffice.
  template <Stores kStores>
  static HWY_NOINLINE void PutPairsInside(const PoolGeometry& g, const WindowSlice& slice, Range pairs,
                                          float* HWY_RESTRICT to) {
    const Index width = g.w.in;
    const Index out = g.w.out;
    const Index vectors = Vectors(g.w);
    const RowEnd end(out - (vectors - 1) * Lanes(), width - 2 * (vectors - 1) * Lanes());
    const typename Sums::Taps taps(slice.first_tap);
    const float* HWY_RESTRICT diff = slice.diff + pairs.first * out;
    const std::uint8_t* HWY_RESTRICT argmax = slice.argmax + pairs.first * out;
    for (Index pair = pairs.first; pair < pairs.end; ++pair) {
      Beside beside[2] = {Beside(0.0F), Beside(0.0F)};
      for (Index vector = 0; vector < vectors; ++vector) {
        const Index at = (kFromRight ? vectors - 1 - vector : vector) * Lanes();
        const WindowSlice windows{diff + at, argmax + at};
        if constexpr (kStores == Stores::kStreaming) {
          hwy::Prefetch(windows.diff + (Sums::kRows - 1) * out + kPrefetchAhead);
          hwy::Prefetch(windows.argmax + (Sums::kRows - 1) * out + kPrefetchAhead);
        }
        if (HWY_LIKELY(at + Lanes() <= out && 2 * (at + Lanes()) <= width)) {
          PutColumn<kStores, true>(g.w, windows, end, taps, beside, to + 2 * at);
        } else {
          PutColumn<kStores, false>(g.w, windows, end, taps, beside, to + 2 * at);
        }
      }
      diff += out;
      argmax += out;
      to += 2 * width;
    }
  }
#endif
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_ROUTED_PAIRS_INL_H
