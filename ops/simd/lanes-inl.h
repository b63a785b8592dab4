// Parts of vectors at the end of an array, and maps over arrays. Nothing here touches memory beyond the elements named.

#if defined(GRADPROOF_LANES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LANES_INL_H
#undef GRADPROOF_LANES_INL_H
#else
#define GRADPROOF_LANES_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "ops/core/shape.h"
#include "ops/simd/stores.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Floats in a vector.
inline Index LaneCount() { return static_cast<Index>(hn::Lanes(hn::ScalableTag<float>())); }

// Whether masked loads and stores leave the other lanes' memory alone. In Highway 1.0.3 they do not for elements of 1
// and 2 bytes on AVX2, nor on targets that emulate masks.
template <typename T>
constexpr bool kMasksMemory = HWY_TARGET <= HWY_AVX3 || (HWY_TARGET == HWY_AVX2 && sizeof(T) >= 4);

// The first `count` <= Lanes(d) elements at `from`, zero in the other lanes.
template <class D, typename T = hn::TFromD<D>>
hn::Vec<D> LoadFirst(D d, const T* from, size_t count) {
  if constexpr (kMasksMemory<T>) return hn::MaskedLoad(hn::FirstN(d, count), d, from);
  HWY_ALIGN T lanes[hn::MaxLanes(d)] = {};
  std::memcpy(lanes, from, count * sizeof(T));
  return hn::Load(d, lanes);
}

// Makes the compiler keep a loaded vector. GCC 12 would load it again wherever it is used, and loads that cross cache
// lines bind loops over rows of odd widths (unshared weights: 4.4 against 3.7 ms; 3 x 3 maxima of 55 columns: 1.15 of
// the time).
template <class V>
HWY_INLINE void KeepLoaded([[maybe_unused]] V& v) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC
  asm("" : "+v"(v.raw));
#endif
}

// Rounded to float32, also to infinity, which Highway's scalar DemoteTo leaves out.
template <class DF>
HWY_INLINE hn::Vec<DF> Narrowed(DF d, hn::Vec<hn::Rebind<double, DF>> x) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(d, static_cast<float>(hn::GetLane(x)));
#else
  return hn::DemoteTo(d, x);
#endif
}

// How far ahead of the elements being read to prefetch: memory works while a block of rows is computed.
constexpr Index kPrefetchAhead = 2048;

// Fetches what comes from memory as far as the L2 cache: a core has fewer lines under way to its L1 cache than memory
// delivers (Zen 4, beyond the caches, of the time with hwy::Prefetch: 3 x 3 maxima and averages 0.8, sums for gamma and
// beta 0.4 to 0.9). Whatever does nothing but prefetch is named so and HWY_INLINE: GCC 12 takes a function of that kind
// for one without effect, and leaves out its calls (docs/decisions/0032-a-line-a-step.md).
HWY_INLINE void PrefetchFar(const void* p) { __builtin_prefetch(p, 0, 2); }

// Touches the page after next, so that it is known where it lies by the time that elements behind `at` are there. A
// streamed store, and all behind it, waits in the core until its page is known (docs/decisions/0025-pages-ahead.md: 23
// GB/s without, 40 with), and no prefetcher of the core crosses pages on its own (100 MB read: 30 and 34 GB/s).
HWY_INLINE void TranslateAhead(const void* at) {
  constexpr std::uintptr_t kPage = 4096;
  hwy::Prefetch(reinterpret_cast<const char*>((reinterpret_cast<std::uintptr_t>(at) + 2 * kPage) & ~(kPage - 1)));
}

// Whether rows of `width` floats, one behind the other from `at` on, are whole cache lines.
HWY_INLINE bool AreWholeLines(const float* at, Index width) {
  return reinterpret_cast<std::uintptr_t>(at) % 64 == 0 && width % kLineFloats == 0;
}

// Stores the first `count` <= Lanes(d) lanes.
template <class D, typename T = hn::TFromD<D>>
void StoreFirst(hn::Vec<D> v, D d, T* to, size_t count) {
  if constexpr (kMasksMemory<T>) {
    hn::BlendedStore(v, hn::FirstN(d, count), d, to);
  } else {
    HWY_ALIGN T lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    std::memcpy(to, lanes, count * sizeof(T));
  }
}

// Elements between two calls of what fetches ahead, at most: its 8 or 16 cache lines a tensor are what a core of Zen 3
// can have under way, 24.
constexpr Index kFetchGranule = 256;

struct NoFetch {
  HWY_INLINE void operator()(Index /*count*/) const {}
};

// How far ahead a map prefetches what it reads: 2 KiB, worth 6 % on tensors of 1.6 MB on Zen 5.
constexpr size_t kMapAhead = 512;

// out[i] = f(in[i]...) for i < count, with f on vectors of T. The same f sees body and tail, so both have the same
// bits. Whole cache lines are streamed, never parts: a line that is half streamed and half in the cache takes a trip to
// memory for each half. Where it streams it calls fetch(n) for every n elements.
template <class Fetch, class F, typename T, typename... In>
void MapFetching(Fetch& fetch, const F& f, Stores stores, size_t count, T* HWY_RESTRICT out,
                 const In* HWY_RESTRICT... in) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  const auto partly = [&](size_t end) HWY_ATTR {
    for (; i < end; i += std::min(lanes, end - i)) {
      const size_t rest = std::min(lanes, end - i);
      StoreFirst(f(LoadFirst(d, in + i, rest)...), d, out + i, rest);
    }
  };
  if (stores == Stores::kStreaming) {
    constexpr size_t kLine = 64 / sizeof(T);
    const size_t beyond = reinterpret_cast<std::uintptr_t>(out) / sizeof(T) % kLine;
    partly(std::min(count, (kLine - beyond) % kLine));
    const size_t lines = (count - i) / kLine * kLine;
    for (const size_t end = i + lines; i < end;) {
      const size_t piece = std::min<size_t>(i + kFetchGranule, end);
      fetch(static_cast<Index>(piece - i));
      TranslateAhead(out + i);
      (TranslateAhead(in + i), ...);
      for (; i < piece; i += lanes) hn::Stream(f(hn::LoadU(d, in + i)...), d, out + i);
    }
    fetch(static_cast<Index>(count - lines));
  } else {
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
      (hwy::Prefetch(in + i + kMapAhead), ...);
      const auto first = f(hn::LoadU(d, in + i)...);
      const auto second = f(hn::LoadU(d, in + i + lanes)...);
      hn::StoreU(first, d, out + i);
      hn::StoreU(second, d, out + i + lanes);
    }
  }
  partly(count);
}

template <class F, typename T, typename... In>
void Map(const F& f, Stores stores, size_t count, T* HWY_RESTRICT out, const In* HWY_RESTRICT... in) {
  NoFetch nothing;
  MapFetching(nothing, f, stores, count, out, in...);
}

struct Copy {
  template <class V>
  HWY_ATTR V operator()(V x) const {
    return x;
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LANES_INL_H
