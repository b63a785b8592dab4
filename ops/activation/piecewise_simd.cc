// Nonlinearities that are made of comparisons and arithmetic. Comparisons with NaN are false: NaN stays NaN, and lets
// the cotangent pass.
#include "ops/activation/activation_simd.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation/piecewise_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/activation/elementwise-inl.h"
#include "ops/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

float Parameter(const Attributes& attributes, std::string_view key) { return static_cast<float>(attributes.real(key)); }

// -0 < 0 is false: -0 stays.
struct Relu {
  explicit Relu(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(hn::DFromV<V>())), x);
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(hn::DFromV<V>())), diff);
  }
};

struct LeakyRelu {
  explicit LeakyRelu(const Attributes& a) : slope(Parameter(a, "slope")) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return gradient(x, x);
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::IfThenElse(hn::Le(x, hn::Zero(hn::DFromV<V>())), hn::Mul(Constant<V>(slope), diff), diff);
  }
  float slope;
};

struct Clamp {
  Clamp(float a, float b) : low(a), high(b) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return AtMost(high, AtLeast(low, x));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const auto outside = hn::Or(hn::Le(x, Constant<V>(low)), hn::Ge(x, Constant<V>(high)));
    return hn::IfThenZeroElse(outside, diff);
  }
  float low, high;
};

struct Relu6 : Clamp {
  explicit Relu6(const Attributes&) : Clamp(0, 6) {}
};

struct HardTanh : Clamp {
  explicit HardTanh(const Attributes& a) : Clamp(Parameter(a, "min"), Parameter(a, "max")) {}
};

// x / 6 + 1/2, which rounds to 0 and 1 at the ends.
struct HardSigmoid {
  explicit HardSigmoid(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return AtMost(1, AtLeast(0, hn::MulAdd(x, Constant<V>(1.0F / 6), Constant<V>(0.5F))));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return Clamp(-3, 3).gradient(x, hn::Mul(diff, Constant<V>(1.0F / 6)));
  }
};

struct HardSwish {
  explicit HardSwish(const Attributes& a) : gate(a) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return hn::Mul(AtLeast(-3, x), gate.value(x));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const V inner = hn::Mul(diff, hn::MulAdd(x, Constant<V>(1.0F / 3), Constant<V>(0.5F)));
    const V right = hn::IfThenElse(hn::Gt(x, Constant<V>(3)), diff, inner);
    return hn::IfThenZeroElse(hn::Lt(x, Constant<V>(-3)), right);
  }
  HardSigmoid gate;
};

struct Threshold {
  explicit Threshold(const Attributes& a) : threshold(Parameter(a, "threshold")), other(Parameter(a, "value")) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return hn::IfThenElse(hn::Le(x, Constant<V>(threshold)), Constant<V>(other), x);
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::IfThenZeroElse(hn::Le(x, Constant<V>(threshold)), diff);
  }
  float threshold, other;
};

struct Softsign {
  explicit Softsign(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return hn::Div(x, hn::Add(Constant<V>(1), hn::Abs(x)));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const V share = hn::Div(Constant<V>(1), hn::Add(Constant<V>(1), hn::Abs(x)));
    return hn::Mul(hn::Mul(diff, share), share);
  }
};

std::unique_ptr<Kernel> PreparePiecewise(const Case& c, const Pass& pass, const PrepareOptions& options) {
  constexpr ElementwiseRow kRows[] = {
      {"relu", PrepareElementwise<Relu>},
      {"leaky_relu", PrepareElementwise<LeakyRelu>},
      {"relu6", PrepareElementwise<Relu6>},
      {"hard_tanh", PrepareElementwise<HardTanh>},
      {"hard_sigmoid", PrepareElementwise<HardSigmoid>},
      {"hard_swish", PrepareElementwise<HardSwish>},
      {"threshold", PrepareElementwise<Threshold>},
      {"softsign", PrepareElementwise<Softsign>},
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

HWY_EXPORT(PreparePiecewise);

std::vector<Implementation> piecewise_simd_implementations() {
  return simd_implementations(
      {.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PreparePiecewise)(plan...); }});
}

}  // namespace gradproof
#endif
