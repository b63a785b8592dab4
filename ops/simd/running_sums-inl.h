// Dot products of rows, in 16 running sums whatever the vector length, so that every instruction set adds in the same
// order: lane l of them sums the products of elements l, l + 16, ...

#if defined(GRADPROOF_RUNNING_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADPROOF_RUNNING_SUMS_INL_H
#undef GRADPROOF_RUNNING_SUMS_INL_H
#else
#define GRADPROOF_RUNNING_SUMS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "ops/simd/dot.h"
#include "ops/simd/dot_block-inl.h"
#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Those of kRows rows, which share the loads of the other operand.
template <Index kRows>
class RunningSums {
 public:
  using D = hn::CappedTag<float, kDotLanes>;
  using V = hn::Vec<D>;
  static constexpr Index kLanes = hn::MaxLanes(D());
  static constexpr Index kParts = kDotLanes / kLanes;

  // sums[r] = sum over i < length of rows[r][i] * b[i].
  HWY_INLINE RunningSums(const float* const (&rows)[kRows], const float* HWY_RESTRICT b, Index length) {
#pragma GCC unroll 8
    for (Index r = 0; r < kRows; ++r)
#pragma GCC unroll kUnrolledParts
      for (Index part = 0; part < kParts; ++part) sums[r][part] = hn::Zero(D());
    const auto add = [&](Index at, Index part, const auto& load) HWY_ATTR {
      const V right = load(b + at);
#pragma GCC unroll 8
      for (Index r = 0; r < kRows; ++r) sums[r][part] = hn::MulAdd(load(rows[r] + at), right, sums[r][part]);
    };
    const Index whole = length / kDotLanes * kDotLanes;
    for (Index i = 0; i < whole; i += kDotLanes)
#pragma GCC unroll kUnrolledParts
      for (Index part = 0; part < kParts; ++part)
        add(i + part * kLanes, part, [&](const float* from) HWY_ATTR { return hn::LoadU(D(), from); });
#pragma GCC unroll kUnrolledParts
    for (Index part = 0; part < kParts; ++part) {
      const Index at = whole + part * kLanes;
      if (at >= length) break;
      const auto rest = static_cast<size_t>(std::min(kLanes, length - at));
      add(at, part, [&](const float* from) HWY_ATTR { return LoadFirst(D(), from, rest); });
    }
  }

  V sums[kRows][kParts];
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#endif  // GRADPROOF_RUNNING_SUMS_INL_H
