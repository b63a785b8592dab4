#include "bench/roof_simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/roof_simd.cc"
#include <hwy/foreach_target.h>
// Must come after foreach_target.h.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Keeps the compiler from merging sweeps: it must assume that memory changed.
HWY_INLINE void forget_memory() { asm volatile("" ::: "memory"); }
// Keeps it from leaving out the work behind a result that nobody reads.
HWY_INLINE void keep(double result) { asm volatile("" : : "m"(result) : "memory"); }

// Named vectors instead of an array: sizeless vector types (SVE) cannot be array elements.
template <class D, class V = hn::Vec<D>>
HWY_INLINE double sum_of(D d, V a, V b, V c, V e) {
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e)))));
}

// x = x * 0.5 + 1 goes to 2: no denormal, no overflow, and each round depends on the one before.
template <int kQuads>
double fma_rounds(Index rounds) {
  const hn::ScalableTag<float> d;
  const auto half = hn::Set(d, 0.5F);
  const auto one = hn::Set(d, 1.0F);
  // Equal starts would stay equal, and the compiler would compute them once.
  const auto start = [&](int k) HWY_ATTR { return hn::Set(d, 1.0F + 0.01F * static_cast<float>(k)); };
  auto a0 = start(0), a1 = start(1), a2 = start(2), a3 = start(3);
  auto b0 = start(4), b1 = start(5), b2 = start(6), b3 = start(7);
  auto c0 = start(8), c1 = start(9), c2 = start(10), c3 = start(11);
  auto e0 = start(12), e1 = start(13), e2 = start(14), e3 = start(15);
  const auto step = [&](auto& v0, auto& v1, auto& v2, auto& v3) HWY_ATTR {
    v0 = hn::MulAdd(v0, half, one);
    v1 = hn::MulAdd(v1, half, one);
    v2 = hn::MulAdd(v2, half, one);
    v3 = hn::MulAdd(v3, half, one);
  };
  for (Index round = 0; round < rounds; ++round) {
    step(a0, a1, a2, a3);
    if constexpr (kQuads > 1) step(b0, b1, b2, b3);
    if constexpr (kQuads > 2) step(c0, c1, c2, c3);
    if constexpr (kQuads > 3) step(e0, e1, e2, e3);
  }
  keep(sum_of(d, a0, a1, a2, a3) + sum_of(d, b0, b1, b2, b3) + sum_of(d, c0, c1, c2, c3) + sum_of(d, e0, e1, e2, e3));
  return 2.0 * 4 * kQuads * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

// Four stretches side by side: from memory that is faster than one (24 against 21 GB/s on a Zen 3), since more pages
// are on their way at a time.
void read_sweeps(const float* HWY_RESTRICT a, Index count, Index sweeps) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  const Index stretch = count / 4;
  const float* const b = a + stretch;
  const float* const c = b + stretch;
  const float* const e = c + stretch;
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;  // 2 adders x 4 cycles
  for (Index sweep = 0; sweep < sweeps; ++sweep) {
    for (Index i = 0; i < stretch; i += 2 * lanes) {
      s0 = hn::Add(s0, hn::Load(d, a + i));
      s1 = hn::Add(s1, hn::Load(d, a + i + lanes));
      s2 = hn::Add(s2, hn::Load(d, b + i));
      s3 = hn::Add(s3, hn::Load(d, b + i + lanes));
      s4 = hn::Add(s4, hn::Load(d, c + i));
      s5 = hn::Add(s5, hn::Load(d, c + i + lanes));
      s6 = hn::Add(s6, hn::Load(d, e + i));
      s7 = hn::Add(s7, hn::Load(d, e + i + lanes));
    }
    forget_memory();
  }
  keep(sum_of(d, s0, s1, s2, s3) + sum_of(d, s4, s5, s6, s7));
}

template <bool kStream, class D>
HWY_INLINE void put(hn::Vec<D> v, D d, float* HWY_RESTRICT out) {
  if constexpr (kStream) {
    hn::Stream(v, d, out);
  } else {
    hn::Store(v, d, out);
  }
}

// out[i] = value(i) in steps of 4 vectors, `sweeps` times.
template <bool kStream, class Value>
HWY_INLINE void store_sweeps(float* HWY_RESTRICT out, Index count, Index sweeps, const Value& value) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  for (Index sweep = 0; sweep < sweeps; ++sweep) {
    for (Index i = 0; i < count; i += 4 * lanes) {
      if constexpr (kStream) TranslateAhead(out + i);
      const auto v0 = value(i);
      const auto v1 = value(i + lanes);
      const auto v2 = value(i + 2 * lanes);
      const auto v3 = value(i + 3 * lanes);
      put<kStream>(v0, d, out + i);
      put<kStream>(v1, d, out + i + lanes);
      put<kStream>(v2, d, out + i + 2 * lanes);
      put<kStream>(v3, d, out + i + 3 * lanes);
    }
    forget_memory();
  }
  if constexpr (kStream) hwy::FlushStream();
}

template <bool kStream>
void copy_sweeps(const float* HWY_RESTRICT a, float* HWY_RESTRICT out, Index count, Index sweeps) {
  const hn::ScalableTag<float> d;
  store_sweeps<kStream>(out, count, sweeps, [&](Index i) HWY_ATTR { return hn::Load(d, a + i); });
}

template <bool kStream>
void triad_sweeps(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, float* HWY_RESTRICT out, Index count,
                  Index sweeps) {
  const hn::ScalableTag<float> d;
  const auto half = hn::Set(d, 0.5F);
  store_sweeps<kStream>(out, count, sweeps,
                        [&](Index i) HWY_ATTR { return hn::MulAdd(half, hn::Load(d, b + i), hn::Load(d, a + i)); });
}

template <bool kStream>
void write_sweeps(float* HWY_RESTRICT out, Index count, Index sweeps) {
  const hn::ScalableTag<float> d;
  const auto one = hn::Set(d, 1.0F);
  store_sweeps<kStream>(out, count, sweeps, [&](Index) HWY_ATTR { return one; });
}

const RoofKernels* kernels() {
  static constexpr double (*kFma[])(Index) = {fma_rounds<1>, fma_rounds<2>, fma_rounds<3>, fma_rounds<4>};
  static constexpr RoofKernels kKernels = {kFma,
                                           read_sweeps,
                                           copy_sweeps<false>,
                                           copy_sweeps<true>,
                                           triad_sweeps<false>,
                                           triad_sweeps<true>,
                                           write_sweeps<false>,
                                           write_sweeps<true>};
  return &kKernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(kernels);

namespace {

std::vector<std::int64_t> targets_best_first() {
  std::vector<std::int64_t> result;  // Highway gives better targets lower bits
  for (std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets != 0; targets &= targets - 1)
    result.push_back(targets & -targets);
  return result;
}

}  // namespace

const RoofKernels& roof_kernels(const std::string& isa) {
  std::int64_t chosen = hwy::SupportedTargets();
  for (std::int64_t target : targets_best_first())
    if (isa == hwy::TargetName(target)) chosen = target;
  hwy::GetChosenTarget().Update(chosen);
  const RoofKernels& result = *HWY_DYNAMIC_DISPATCH(kernels)();
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return result;
}

std::vector<std::string> roof_isas() {
  std::vector<std::string> names;
  for (std::int64_t target : targets_best_first()) names.emplace_back(hwy::TargetName(target));
  return names;
}

}  // namespace gradproof
#endif
