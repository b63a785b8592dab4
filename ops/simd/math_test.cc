// The functions of math-inl.h against long double, with 11 bits more than their errors need: 4096 seeded numbers of
// every exponent and sign on every target, or, where GRADPROOF_NIGHTLY is set, every float.
#include "ops/simd/math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/simd/math_test.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "ops/simd/lanes-inl.h"
#include "ops/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

#define GRADPROOF_ON_ARRAYS(Function)                              \
  void Function##OnArray(size_t count, const float* x, float* y) { \
    const auto f = [](auto v) HWY_ATTR { return Function(v); };    \
    Map(f, Stores::kCached, count, y, x);                          \
  }
GRADPROOF_ON_ARRAYS(Exp)
GRADPROOF_ON_ARRAYS(Log)
GRADPROOF_ON_ARRAYS(Expm1)
GRADPROOF_ON_ARRAYS(Log1pOfUnit)
GRADPROOF_ON_ARRAYS(Tanh)
GRADPROOF_ON_ARRAYS(Sigmoid)
GRADPROOF_ON_ARRAYS(Softplus)
GRADPROOF_ON_ARRAYS(Gelu)

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(ExpOnArray);
HWY_EXPORT(LogOnArray);
HWY_EXPORT(Expm1OnArray);
HWY_EXPORT(Log1pOfUnitOnArray);
HWY_EXPORT(TanhOnArray);
HWY_EXPORT(SigmoidOnArray);
HWY_EXPORT(SoftplusOnArray);
HWY_EXPORT(GeluOnArray);

using Number = long double;

struct Function {
  const char* name;
  void (*run)(size_t count, const float* x, float* y);
  Number (*truth)(Number);
  double (*nearly)(double);  // the same in double
  double ulps;
  Number first = -std::numeric_limits<Number>::infinity(), last = std::numeric_limits<Number>::infinity();  // domain
};

void PrintTo(const Function& f, std::ostream* out) { *out << f.name; }

Number exp_of(Number x) { return std::exp(x); }
// Where float has overflowed or gone to 0 long ago the library's handling of errors would take most of the time.
double exp_of(double x) { return x > 200 ? std::numeric_limits<double>::infinity() : x < -200 ? 0 : std::exp(x); }

template <class T>
T expm1_of(T x) {
  return std::fabs(x) > 200 ? exp_of(x) - 1 : std::expm1(x);
}
template <class T>
T sigmoid_of(T x) {
  const T power = exp_of(-std::fabs(x));
  return (x < 0 ? power : 1) / (1 + power);
}
template <class T>
T softplus_of(T x) {
  return std::fmax(x, T(0)) + std::log1p(exp_of(-std::fabs(x)));
}
template <class T>
T gelu_of(T x) {
  return std::isinf(x) && x < 0 ? T(-0.0) : x * std::erfc(-x * std::sqrt(T(0.5))) / 2;
}

const Function kFunctions[] = {
    {"exp",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(ExpOnArray)
       (n, x, y);
     },
     exp_of, exp_of, MathUlps::kExp},
    {"log",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(LogOnArray)
       (n, x, y);
     },
     std::log, std::log, MathUlps::kLog},
    {"expm1",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(Expm1OnArray)
       (n, x, y);
     },
     expm1_of<Number>, expm1_of<double>, MathUlps::kExpm1},
    {"log1p",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(Log1pOfUnitOnArray)
       (n, x, y);
     },
     std::log1p, std::log1p, MathUlps::kLog1p, 0, 1},
    {"tanh",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(TanhOnArray)
       (n, x, y);
     },
     std::tanh, std::tanh, MathUlps::kTanh},
    {"sigmoid",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(SigmoidOnArray)
       (n, x, y);
     },
     sigmoid_of<Number>, sigmoid_of<double>, MathUlps::kSigmoid},
    {"softplus",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(SoftplusOnArray)
       (n, x, y);
     },
     softplus_of<Number>, softplus_of<double>, MathUlps::kSoftplus},
    {"gelu",
     [](size_t n, const float* x, float* y) {
       HWY_DYNAMIC_DISPATCH(GeluOnArray)
       (n, x, y);
     },
     gelu_of<Number>, gelu_of<double>, MathUlps::kGelu},
};

// |got - want| in units in the last place of a float of want's size, rounded to infinity where that is.
double ulps_between(Number want, float got) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  if (std::isinf(static_cast<float>(want)) || std::isinf(got))
    return static_cast<float>(want) == got ? 0 : std::numeric_limits<double>::infinity();
  const int exponent = want == 0 ? -126 : std::max(std::ilogb(want), -126);
  const double error = static_cast<double>(std::fabs(want - got) / std::scalbn(Number(1), exponent - 23));
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

// The worst error on one target, and where.
struct Worst {
  std::int64_t target = 0;
  double ulps = 0;
  float x = 0;
};

std::vector<Worst> targets() {
  std::vector<Worst> result;
  for (std::int64_t rest = hwy::SupportedTargets() & HWY_TARGETS; rest != 0; rest &= rest - 1)
    result.push_back({rest & -rest});
  return result;
}

void run_on(std::int64_t target, const Function& f, const std::vector<float>& x, std::vector<float>& y) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(target);
  f.run(x.size(), x.data(), y.data());
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Every `step`-th float of each sign, infinities and NaN among them, from a seeded start in each block.
template <class Visit>
void for_blocks(std::uint32_t step, const Visit& visit) {
  constexpr std::uint32_t kBlock = 1U << 16;  // floats a visit
  std::vector<float> x;
  x.reserve(kBlock);
  std::uint32_t seed = 1;
  for (std::uint64_t next = 0; next <= 0xFFFFFFFFU; next += step) {
    seed = seed * 1664525U + 1013904223U;
    const std::uint32_t bits = static_cast<std::uint32_t>(next) + (seed >> 8) % step;
    x.push_back(std::bit_cast<float>(bits));
    if (x.size() < kBlock) continue;
    visit(x);
    x.clear();
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float special : {0.0F, 1.0F, kInfinity, std::numeric_limits<float>::quiet_NaN(), 0x1p-126F, 0x1p-149F})
    for (const float sign : {1.0F, -1.0F}) x.push_back(sign * special);
  visit(x);
}

class EveryFloat : public ::testing::TestWithParam<Function> {};

// One in the last place of a float of want's size.
double unit_of(double want) {
  const auto biased = static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(want) >> 52 & 0x7FF);
  return std::bit_cast<double>(static_cast<std::uint64_t>(std::max<std::int64_t>(biased, 1023 - 126) - 23) << 52);
}

// The truth takes ten times as long as the same in double, and is asked only where that leaves open whether this is the
// worst so far.
void find_worst(const Function& f, const std::vector<float>& x, std::vector<Worst>& worst) {
  constexpr double kDoubt = 0x1p-18;  // of double, in units of float: some 2^11 of its own
  const auto is_known = [](double nearly, float got, double worst_ulps) {
    if (std::isnan(nearly) || std::isnan(got)) return std::isnan(nearly) && std::isnan(got);
    if (static_cast<float>(nearly) == got) return worst_ulps >= 0.5 + kDoubt;  // infinities, too
    return std::abs(static_cast<double>(got) - nearly) <= (worst_ulps - kDoubt) * unit_of(nearly);
  };
  std::vector<float> got(x.size());
  std::vector<double> nearly(x.size());
  for (size_t i = 0; i < x.size(); ++i) nearly[i] = f.nearly(static_cast<double>(x[i]));
  for (Worst& w : worst) {
    run_on(w.target, f, x, got);
    for (size_t i = 0; i < x.size(); ++i) {
      if (is_known(nearly[i], got[i], w.ulps)) continue;
      if (const double ulps = ulps_between(f.truth(x[i]), got[i]); ulps > w.ulps) w = {w.target, ulps, x[i]};
    }
  }
}

TEST_P(EveryFloat, IsWithinItsUlps) {
  const Function& f = GetParam();
  const std::uint32_t step = std::getenv("GRADPROOF_NIGHTLY") != nullptr ? 1 : 2048;
  std::vector<Worst> worst = targets();
  for_blocks(step, [&](std::vector<float> x) {
    std::erase_if(x, [&](float v) { return v < f.first || v > f.last; });
    find_worst(f, x, worst);
  });
  for (const Worst& w : worst) {
    EXPECT_LE(w.ulps, f.ulps) << f.name << " on " << hwy::TargetName(w.target) << " at " << w.x;
    std::printf("%s on %s: %.3f ulps at %a\n", f.name, hwy::TargetName(w.target), w.ulps, static_cast<double>(w.x));
  }
}

INSTANTIATE_TEST_SUITE_P(Math, EveryFloat, ::testing::ValuesIn(kFunctions),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace gradproof
#endif  // HWY_ONCE
