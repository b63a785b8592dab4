// A pair of vectors that go through a computation side by side: a power is a chain of 13 dependent operations, and
// schedulers do not hold enough of them (64 on Zen 3) to overlap one vector's with the next one's.

#if defined(GRADPROOF_LRN_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_LRN_PACK_INL_H
#undef GRADPROOF_LRN_PACK_INL_H
#else
#define GRADPROOF_LRN_PACK_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int kSideBySide = 2;

template <int kCount>
struct Pack {
  using D = hn::ScalableTag<float>;
  using V = hn::Vec<D>;
  static constexpr int kVectors = kCount;
  V v[kCount];

  static HWY_INLINE Pack Set(float x) {
    Pack result;
    for (int k = 0; k < kCount; ++k) result.v[k] = hn::Set(D(), x);
    return result;
  }
};

// f of each vector.
template <int kCount, class F>
HWY_INLINE Pack<kCount> Each(const F& f, Pack<kCount> a) {
  for (int k = 0; k < kCount; ++k) a.v[k] = f(a.v[k]);
  return a;
}
template <int kCount>
HWY_INLINE Pack<kCount> Add(Pack<kCount> a, const Pack<kCount>& b) {
  for (int k = 0; k < kCount; ++k) a.v[k] = hn::Add(a.v[k], b.v[k]);
  return a;
}
template <int kCount>
HWY_INLINE Pack<kCount> Mul(Pack<kCount> a, const Pack<kCount>& b) {
  for (int k = 0; k < kCount; ++k) a.v[k] = hn::Mul(a.v[k], b.v[k]);
  return a;
}
template <int kCount>
HWY_INLINE Pack<kCount> Div(Pack<kCount> a, const Pack<kCount>& b) {
  for (int k = 0; k < kCount; ++k) a.v[k] = hn::Div(a.v[k], b.v[k]);
  return a;
}
// a * b + c
template <int kCount>
HWY_INLINE Pack<kCount> MulAdd(Pack<kCount> a, const Pack<kCount>& b, const Pack<kCount>& c) {
  for (int k = 0; k < kCount; ++k) a.v[k] = hn::MulAdd(a.v[k], b.v[k], c.v[k]);
  return a;
}
// c - a * b
template <int kCount>
HWY_INLINE Pack<kCount> NegMulAdd(Pack<kCount> a, const Pack<kCount>& b, const Pack<kCount>& c) {
  for (int k = 0; k < kCount; ++k) a.v[k] = hn::NegMulAdd(a.v[k], b.v[k], c.v[k]);
  return a;
}

// How packs are loaded and stored: whole ones, the first few elements of one vector, or past the cache.
template <int kCount>
struct Whole {
  HWY_INLINE Pack<kCount> Load(const float* from) const {
    const hn::ScalableTag<float> d;
    Pack<kCount> result;
    for (int k = 0; k < kCount; ++k) result.v[k] = hn::LoadU(d, from + k * static_cast<Index>(hn::Lanes(d)));
    return result;
  }
  HWY_INLINE void Store(const Pack<kCount>& pack, float* to) const {
    const hn::ScalableTag<float> d;
    for (int k = 0; k < kCount; ++k) hn::StoreU(pack.v[k], d, to + k * static_cast<Index>(hn::Lanes(d)));
  }
};
template <int kCount>
struct Streamed : Whole<kCount> {
  HWY_INLINE void Store(const Pack<kCount>& pack, float* to) const {
    const hn::ScalableTag<float> d;
    TranslateAhead(to);
    for (int k = 0; k < kCount; ++k) hn::Stream(pack.v[k], d, to + k * static_cast<Index>(hn::Lanes(d)));
  }
};
struct Part {
  size_t count;
  HWY_INLINE Pack<1> Load(const float* from) const { return {{LoadFirst(hn::ScalableTag<float>(), from, count)}}; }
  HWY_INLINE void Store(const Pack<1>& pack, float* to) const {
    StoreFirst(pack.v[0], hn::ScalableTag<float>(), to, count);
  }
};

// Calls body(i, access) for the packs of the elements begin <= i < end. The body is a struct whose operator() is
// inlined: the compiler would call a lambda of this size.
template <template <int> class Access, class Body>
HWY_NOINLINE void ForEachPack(Index begin, Index end, const Body body) {
  const auto lanes = static_cast<Index>(hn::Lanes(hn::ScalableTag<float>()));
  Index i = begin;
  for (; i + kSideBySide * lanes <= end; i += kSideBySide * lanes) body(i, Access<kSideBySide>());
  for (; i + lanes <= end; i += lanes) body(i, Access<1>());
  if (i < end) body(i, Part{static_cast<size_t>(end - i)});
}

template <class F>
struct StoreAt {
  F f;
  float* out;
  template <class Access>
  HWY_INLINE void operator()(Index i, const Access& access) const {
    access.Store(f(i, access), out + i);
  }
};

// out[i] = f(i, access). As Map does, this streams whole cache lines, never parts.
template <class F>
void MapAt(const F& f, Stores stores, Index count, float* out) {
  const StoreAt<F> store{f, out};
  if (stores == Stores::kCached) return ForEachPack<Whole>(0, count, store);
  const auto beyond = static_cast<Index>(reinterpret_cast<std::uintptr_t>(out) / sizeof(float) % kLineFloats);
  const Index head = std::min(count, (kLineFloats - beyond) % kLineFloats);
  const Index end = head + (count - head) / kLineFloats * kLineFloats;
  ForEachPack<Whole>(0, head, store);
  ForEachPack<Streamed>(head, end, store);
  ForEachPack<Whole>(end, count, store);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_LRN_PACK_INL_H
