// One choice of Real; built once for each by CMakeLists.txt. The digits below are known numbers, not computed ones.
#include "reference/real.h"

#include <gtest/gtest.h>

#include <limits>

#include "reference/scalars.h"

namespace gradproof {
namespace {

template <class T>
class TruthScalar : public ::testing::Test {};
using Truths = ::testing::Types<Real, Precise>;
TYPED_TEST_SUITE(TruthScalar, Truths);

template <class T>
double relative_error(const T& x, const char* digits) {
  const T known(digits);
  return static_cast<double>(T(abs(T((x - known) / known))));
}

TYPED_TEST(TruthScalar, HasAtLeast33Digits) {
  using T = TypeParam;
  static_assert(std::numeric_limits<T>::digits >= 113);
  EXPECT_LT(relative_error<T>(sqrt(T(2)), "1.41421356237309504880168872420969807856967187537694807"), 1e-33);
  EXPECT_LT(relative_error<T>(exp(T(1)), "2.71828182845904523536028747135266249775724709369995957"), 1e-33);
  EXPECT_LT(relative_error<T>(log(T(2)), "0.693147180559945309417232121458176568075500134360255254"), 1e-33);
  EXPECT_LT(relative_error<T>(T(1) / T(7), "0.142857142857142857142857142857142857142857142857142857"), 1e-33);
}

TYPED_TEST(TruthScalar, HoldsEveryDoubleExactly) {
  using T = TypeParam;
  for (const double x : {0.1, -1e300, 0x1p-1022, 0x1.fffffffffffffp+1023, 0x1.0000000000001p0, 0x1p-149})
    EXPECT_EQ(static_cast<double>(T(x)), x);
  EXPECT_NE(T(0.1), T(1) / T(10)) << "0.1 is the double";
}

TYPED_TEST(TruthScalar, KeepsSpecialValues) {
  using T = TypeParam;
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(isnan(T(nan)));
  EXPECT_TRUE(exceeds(T(nan), T(infinity)));
  EXPECT_FALSE(exceeds(T(1.0), T(nan)));
  EXPECT_FALSE(exceeds(T(nan), T(nan)));
  EXPECT_FALSE(T(nan) == T(nan));
  EXPECT_TRUE(T(nan) != T(nan));
  for (const T& other : {T(nan), T(1.0), T(infinity)}) {
    EXPECT_FALSE(T(nan) < other || T(nan) > other || T(nan) <= other || T(nan) >= other);
    EXPECT_FALSE(other < T(nan) || other > T(nan) || other <= T(nan) || other >= T(nan));
  }
  EXPECT_TRUE(T(-0.0) == T(0.0) && T(-0.0) <= T(0.0) && !(T(-0.0) < T(0.0)));
  EXPECT_EQ(static_cast<double>(T(infinity)), infinity);
  EXPECT_TRUE(isnan(T(T(infinity) * T(0.0))));
  EXPECT_TRUE(std::signbit(static_cast<double>(T(-0.0))));
  EXPECT_TRUE(std::signbit(static_cast<double>(maximum(T(-0.0), T(0.0)))));
}

// The scalars that are built on a truth.
template <class T>
T norm(const T& x, const T& y) {
  return sqrt(x * x + y * y) / maximum(x, y);
}

TYPED_TEST(TruthScalar, CarriesTheOtherScalars) {
  using S = TypeParam;
  const Dual<S> dual = norm(Dual<S>(S(3), S(1)), Dual<S>(S(4), S(0)));
  EXPECT_EQ(static_cast<double>(dual.value), 1.25);
  EXPECT_LT(relative_error<S>(dual.tangent, "0.15"), 1e-33);
  const Mass<S> mass = norm(Mass<S>(S(3)), Mass<S>(S(4)));
  EXPECT_EQ(static_cast<double>(mass.value), 1.25);
  EXPECT_GE(mass.mass, 1.25);
  EXPECT_LT(mass.mass, 1.2501 / (1 - kSecondOrder));
  EXPECT_EQ(norm(Margin<S>(S(3)), Margin<S>(S(4))).margin, 1);
}

TEST(Real, AgreesWithTheOtherTruth) {
  Real a(1), b(1.0 / 3);
  Precise c(1), d(1.0 / 3);
  for (int i = 0; i < 100; ++i) {
    a = a * b + sqrt(a) / (b + 1);
    c = c * d + sqrt(c) / (d + 1);
  }
  const Real high(static_cast<double>(c)), low(static_cast<double>(Precise(c - Precise(static_cast<double>(c)))));
  EXPECT_LE(abs(Real(a - high - low)), 1e-30 * abs(a));
}

}  // namespace
}  // namespace gradproof
