// Nonlinearities that are made of exponentials. Where a product of x and a factor that vanishes has a limit at
// infinity, x is kept within +-kFar, beyond which the factor is 0 or the other one 1.
#include "ops/activation/activation_simd.h"
#include "ops/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/activation/smooth_simd.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/activation/elementwise-inl.h"
#include "ops/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

constexpr float kFar = 200;

template <class V>
HWY_INLINE V Within(V x) {
  return AtMost(kFar, AtLeast(-kFar, x));
}

float Real(const Attributes& attributes, std::string_view key) { return static_cast<float>(attributes.real(key)); }

// What sigmoid(x) and its derivative are made of: power = exp(-|x|), share = 1 / (1 + power).
template <class V>
struct Logistic {
  explicit HWY_INLINE Logistic(V x)
      : negative(x),
        power(ExpOfNegative(hn::Neg(hn::Abs(x)))),
        share(hn::Div(Constant<V>(1), hn::Add(Constant<V>(1), power))) {}
  HWY_INLINE V value() const {
    const auto left = hn::Lt(negative, hn::Zero(hn::DFromV<V>()));
    return hn::Mul(hn::IfThenElse(left, power, Constant<V>(1)), share);
  }
  HWY_INLINE V slope() const { return hn::Mul(hn::Mul(power, share), share); }
  V negative, power, share;
};

// scale x for x > 0, otherwise alpha scale (exp(x / width) - 1).
struct ExponentialUnit {
  ExponentialUnit(float r, float l, float w) : right(r), left(l), inverse_width(1 / w), slope(l / w) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    const V below = hn::Mul(Constant<V>(left), Expm1(hn::Mul(x, Constant<V>(inverse_width))));
    return hn::IfThenElse(hn::Le(x, hn::Zero(hn::DFromV<V>())), below, hn::Mul(x, Constant<V>(right)));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const V below = hn::Mul(Constant<V>(slope), ExpOfNegative(hn::Mul(x, Constant<V>(inverse_width))));
    return hn::Mul(diff, hn::IfThenElse(hn::Le(x, hn::Zero(hn::DFromV<V>())), below, Constant<V>(right)));
  }
  float right, left, inverse_width, slope;
};

struct Elu : ExponentialUnit {
  explicit Elu(const Attributes& a) : ExponentialUnit(1, Real(a, "alpha"), 1) {}
};
struct Selu : ExponentialUnit {
  explicit Selu(const Attributes&) : ExponentialUnit(1.05070099F, 1.75809934F, 1) {}
};
struct Celu : ExponentialUnit {
  explicit Celu(const Attributes& a) : ExponentialUnit(1, Real(a, "alpha"), Real(a, "alpha")) {}
};

// P(X < x) + x density(x) is, on the left, the tail minus |x| density, and on the right 1 minus that.
struct GeluFunction {
  explicit GeluFunction(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return Gelu(x);
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const NormalTail<V> beyond(x);
    const V scaled = hn::Mul(beyond.distance, Constant<V>(0.398942280F));
    const V near = hn::Div(Constant<V>(1), beyond.reach);
    const V part = hn::MulSub(near, NormalTail<V>::Factor(hn::Mul(beyond.distance, near)), scaled);
    const V left = TimesPowerOfTwo(hn::Mul(beyond.density, part), beyond.n);
    const auto is_left = hn::Lt(x, hn::Zero(hn::DFromV<V>()));
    return hn::Mul(diff, hn::IfThenElse(is_left, left, hn::Sub(Constant<V>(1), left)));
  }
};

// x sigmoid(u), u = 2 sqrt(2 / pi) (x + 0.044715 x^3), which is x (1 + tanh(u / 2)) / 2.
struct GeluTanh {
  explicit GeluTanh(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    const V near = AtLeast(-kFar, x);
    const V square = hn::Mul(near, near);
    return hn::Mul(near, Sigmoid(hn::Mul(near, hn::MulAdd(square, Constant<V>(kCubic), Constant<V>(kLinear)))));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const V near = Within(x);
    const V square = hn::Mul(near, near);
    const Logistic<V> u(hn::Mul(near, hn::MulAdd(square, Constant<V>(kCubic), Constant<V>(kLinear))));
    const V slope = hn::MulAdd(square, Constant<V>(3 * kCubic), Constant<V>(kLinear));
    return hn::Mul(diff, hn::MulAdd(hn::Mul(near, slope), u.slope(), u.value()));
  }
  static constexpr float kLinear = 1.59576912F, kCubic = 0.0713548163F;
};

struct Silu {
  explicit Silu(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return hn::Mul(AtLeast(-kFar, x), Sigmoid(x));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const Logistic<V> s(x);
    return hn::Mul(diff, hn::MulAdd(Within(x), s.slope(), s.value()));
  }
};

// With e = exp(x): tanh(log(1 + e)) = n / (n + 2), n = e (e + 2), and its derivative is 4 e (1 + e) / (n + 2)^2. Both
// divided by e^2 on the right, so that with q = exp(-|x|) nothing overflows.
template <class V>
struct MishParts {
  explicit HWY_INLINE MishParts(V x) : power(ExpOfNegative(hn::Neg(hn::Abs(x)))) {
    const V two = Constant<V>(2), one = Constant<V>(1);
    left = hn::Lt(x, hn::Zero(hn::DFromV<V>()));
    square = hn::Mul(power, power);
    numerator = hn::IfThenElse(left, hn::MulAdd(two, power, square), hn::MulAdd(two, power, one));
    denominator = hn::Add(numerator, hn::IfThenElse(left, two, hn::Add(square, square)));
  }
  V power, square, numerator, denominator;
  hn::Mask<hn::DFromV<V>> left;
};

struct Mish {
  explicit Mish(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    const MishParts<V> parts(x);
    return hn::Mul(AtLeast(-kFar, x), hn::Div(parts.numerator, parts.denominator));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    const MishParts<V> parts(x);
    // Twice the share, so that no product is smaller than it need be where results are denormal.
    const V twice = hn::Div(Constant<V>(2), parts.denominator);
    const V rise = hn::IfThenElse(parts.left, parts.power, parts.square);
    const V slope = hn::Mul(hn::Mul(rise, hn::Add(Constant<V>(1), parts.power)), hn::Mul(twice, twice));
    const V value = hn::Mul(parts.numerator, hn::Mul(Constant<V>(0.5F), twice));
    return hn::Mul(diff, hn::MulAdd(Within(x), slope, value));
  }
};

// max(x, 0) + log(1 + exp(-|beta x|)) / beta.
struct SoftplusFunction {
  explicit SoftplusFunction(const Attributes& a) : beta(Real(a, "beta")), inverse(1 / beta) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    const V power = ExpOfNegative(hn::Neg(hn::Abs(hn::Mul(x, Constant<V>(beta)))));
    return hn::MulAdd(Log1pOfUnit(power), Constant<V>(inverse), AtLeast(0, x));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::Mul(diff, Sigmoid(hn::Mul(x, Constant<V>(beta))));
  }
  float beta, inverse;
};

struct SigmoidFunction {
  explicit SigmoidFunction(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return Sigmoid(x);
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::Mul(diff, Logistic<V>(x).slope());
  }
};

// 1 - tanh(x)^2 = 4 sigmoid'(2 x), which keeps its digits where tanh is close to 1.
struct TanhFunction {
  explicit TanhFunction(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return Tanh(x);
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::Mul(diff, hn::Mul(Constant<V>(4), Logistic<V>(hn::Add(x, x)).slope()));
  }
};

struct LogSigmoid {
  explicit LogSigmoid(const Attributes&) {}
  template <class V>
  HWY_ATTR V value(V x) const {
    return hn::Sub(AtMost(0, x), Log1pOfUnit(ExpOfNegative(hn::Neg(hn::Abs(x)))));
  }
  template <class V>
  HWY_ATTR V gradient(V x, V diff) const {
    return hn::Mul(diff, Sigmoid(hn::Neg(x)));
  }
};

std::unique_ptr<Kernel> PrepareSmooth(const Case& c, const Pass& pass, const PrepareOptions& options) {
  constexpr ElementwiseRow kRows[] = {
      {"elu", PrepareElementwise<Elu>},
      {"selu", PrepareElementwise<Selu>},
      {"celu", PrepareElementwise<Celu>},
      {"gelu", PrepareElementwise<GeluFunction>},
      {"gelu_tanh", PrepareElementwise<GeluTanh>},
      {"silu", PrepareElementwise<Silu>},
      {"mish", PrepareElementwise<Mish>},
      {"softplus", PrepareElementwise<SoftplusFunction>},
      {"sigmoid", PrepareElementwise<SigmoidFunction>},
      {"tanh", PrepareElementwise<TanhFunction>},
      {"log_sigmoid", PrepareElementwise<LogSigmoid>},
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

HWY_EXPORT(PrepareSmooth);

std::vector<Implementation> smooth_simd_implementations() {
  return simd_implementations({.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(PrepareSmooth)(plan...); }});
}

}  // namespace gradproof
#endif
