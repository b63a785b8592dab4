#include "ops/conv/mask_functions.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/mask_functions_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include "ops/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// By way of exp(-|x|), which does not overflow, and is within 1 ulp also where it is subnormal (Highway's
// contrib/math). Exp takes NaN for less than its lower bound.
struct Sigmoid {
  template <class V>
  HWY_ATTR V operator()(V x) const {
    const hn::DFromV<V> d;
    const V one = hn::Set(d, 1.0F);
    const V power = hn::Exp(d, hn::Neg(hn::Abs(x)));
    const V above = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), power, one);
    return hn::IfThenElse(hn::IsNaN(x), x, hn::Div(above, hn::Add(one, power)));
  }
};

struct SigmoidGradient {
  template <class V>
  HWY_ATTR V operator()(V mask, V diff) const {
    return hn::Mul(diff, hn::Mul(mask, hn::Sub(hn::Set(hn::DFromV<V>(), 1.0F), mask)));
  }
};

void MapSigmoid(Index count, const float* x, float* mask) {
  Map(Sigmoid(), Stores::kCached, static_cast<size_t>(count), mask, x);
}

void MapGradient(Index count, const float* mask, const float* diff_mask, float* diff_x) {
  Map(SigmoidGradient(), Stores::kCached, static_cast<size_t>(count), diff_x, mask, diff_mask);
}

void AddTo(Index count, const float* x, float* sum) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::LoadU(d, x + i)), d, sum + i);
  for (; i < count; ++i) sum[i] += x[i];
}

MaskFunctions Functions() { return {&MapSigmoid, &MapGradient, &AddTo}; }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(Functions);

MaskFunctions mask_functions() { return HWY_DYNAMIC_DISPATCH(Functions)(); }

}  // namespace gradproof
#endif  // HWY_ONCE
