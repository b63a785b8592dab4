#include "ops/step/step_simd.h"

#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/step/step_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/activation/elementwise-inl.h"
#include "ops/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// 1 for positive numbers, NaN of NaN, otherwise 0.
struct Step {
  template <class V>
  HWY_ATTR V value(V x) const {
    const V zero = hn::Zero(hn::DFromV<V>());
    const V one_or_nan = hn::IfThenElse(hn::Gt(x, zero), Constant<V>(1), x);
    return hn::IfThenZeroElse(hn::Le(x, zero), one_or_nan);
  }
};

struct FlatStep : Step {
  explicit FlatStep(const Attributes&) {}
  template <class V>
  HWY_ATTR V gradient(V, V) const {
    return hn::Zero(hn::DFromV<V>());
  }
};

struct Sign {
  explicit Sign(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    const V zero = hn::Zero(hn::DFromV<V>());
    const V right = hn::IfThenElse(hn::Gt(x, zero), Constant<V>(1), x);
    return hn::IfThenElse(hn::Lt(x, zero), Constant<V>(-1), right);
  }
  template <class V>
  HWY_ATTR V gradient(V, V) const {
    return hn::Zero(hn::DFromV<V>());
  }
};

struct StepSte : Step {
  explicit StepSte(const Attributes&) {}
  template <class V>
  HWY_ATTR V gradient(V, V diff) const {
    return diff;
  }
};

// The gradient of what rises by `slope` from -limit to limit; NaN is not outside.
struct SteppedRamp : Step {
  SteppedRamp(float l, float s) : limit(l), slope(s) {}
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::IfThenZeroElse(hn::Gt(hn::Abs(x), Constant<V>(limit)), hn::Mul(diff, Constant<V>(slope)));
  }
  float limit, slope;
};

float Held(const Attributes& a, std::string_view key) { return static_cast<float>(a.real(key)); }

struct StepSteClipped : SteppedRamp {
  explicit StepSteClipped(const Attributes& a) : SteppedRamp(Held(a, "limit"), 1) {}
};

struct StepLinear : SteppedRamp {
  explicit StepLinear(const Attributes& a) : SteppedRamp(Held(a, "width") / 2, 1 / Held(a, "width")) {}
};

// step(x + limit) - step(x - limit) is 1 for -limit < x <= limit.
struct StepNumerical : SteppedRamp {
  explicit StepNumerical(const Attributes& a) : SteppedRamp(Held(a, "width") / 2, 1 / Held(a, "width")) {}
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const auto outside = hn::Or(hn::Le(x, Constant<V>(-limit)), hn::Gt(x, Constant<V>(limit)));
    return hn::IfThenZeroElse(outside, hn::Mul(diff, Constant<V>(slope)));
  }
};

struct StepSigmoid : Step {
  explicit StepSigmoid(const Attributes& a) : inverse(1 / Held(a, "width")) {}
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const V scale = Constant<V>(inverse);
    const V power = ExpOfNegative(hn::Neg(hn::Abs(hn::Mul(x, scale))));
    const V share = hn::Div(Constant<V>(1), hn::Add(Constant<V>(1), power));
    return hn::Mul(hn::Mul(diff, scale), hn::Mul(hn::Mul(power, share), share));
  }
  float inverse;
};

std::unique_ptr<Kernel> PrepareStep(const Case& c, const Pass& pass, const PrepareOptions& options) {
  constexpr ElementwiseRow kRows[] = {
      {"step", PrepareElementwise<FlatStep>},
      {"sign", PrepareElementwise<Sign>},
      {"step_ste", PrepareElementwise<StepSte>},
      {"step_ste_clipped", PrepareElementwise<StepSteClipped>},
      {"step_linear", PrepareElementwise<StepLinear>},
      {"step_sigmoid", PrepareElementwise<StepSigmoid>},
      {"step_numerical", PrepareElementwise<StepNumerical>},
  };
  return PrepareRow(kRows, c, pass, options.threads);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {

HWY_EXPORT(PrepareStep);

std::vector<Implementation> step_simd_implementations() {
  return simd_implementations({.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareStep)(plan...); }});
}

}  // namespace gradproof
#endif
