// Dual, Depends, Margin and the vocabulary, against what analysis says.
#include "reference/scalars.h"

#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

template <class T>
class Vocabulary : public ::testing::Test {};
using Scalars = ::testing::Types<Real, Precise, Dual<Real>, Mass<Real>, Margin<Real>, float>;
TYPED_TEST_SUITE(Vocabulary, Scalars);

template <class T>
double number(const T& x) {
  return static_cast<double>(value_of(x));
}

TYPED_TEST(Vocabulary, MaximumTakesTheFirstOnTiesAndNan) {
  using T = TypeParam;
  EXPECT_EQ(number(maximum(T(1.0), T(2.0))), 2);
  EXPECT_EQ(number(maximum(T(2.0), T(1.0))), 2);
  EXPECT_TRUE(std::signbit(number(maximum(T(-0.0), T(0.0)))));
  EXPECT_FALSE(std::signbit(number(maximum(T(0.0), T(-0.0)))));
  EXPECT_TRUE(isnan(maximum(T(kNan), T(kInfinity))));
  EXPECT_TRUE(isnan(maximum(T(kInfinity), T(kNan))));
}

TYPED_TEST(Vocabulary, Arithmetic) {
  using T = TypeParam;
  const T a(6.25), b(-2.5);
  EXPECT_EQ(number(T(a + b)), 3.75);
  EXPECT_EQ(number(T(a - b)), 8.75);
  EXPECT_EQ(number(T(difference(a, b))), 8.75);
  EXPECT_EQ(number(T(a * b)), -15.625);
  EXPECT_EQ(number(T(a / b)), -2.5);
  EXPECT_EQ(number(T(-a)), -6.25);
  EXPECT_EQ(number(T(sqrt(a))), 2.5);
  EXPECT_NEAR(number(T(exp(log(a)))), 6.25, 2e-6);
  T c = a;
  c += b;
  c *= b;
  c -= a;
  c /= b;
  EXPECT_EQ(number(c), 6.25);
}

TYPED_TEST(Vocabulary, Sigmoid) {
  using T = TypeParam;
  EXPECT_EQ(number(sigmoid(T(0.0))), 0.5);
  EXPECT_NEAR(number(sigmoid(T(2.0))), 1 / (1 + std::exp(-2.0)), 1e-7);
  EXPECT_NEAR(number(sigmoid(T(-2.0))) / (1 / (1 + std::exp(2.0))), 1, 1e-6);
  EXPECT_EQ(number(sigmoid(T(1e6))), 1);
  EXPECT_EQ(number(sigmoid(T(-kInfinity))), 0);
  EXPECT_TRUE(isnan(sigmoid(T(kNan))));
}

TYPED_TEST(Vocabulary, FunctionsOfActivations) {
  using T = TypeParam;
  EXPECT_NEAR(number(expm1(T(1e-10))), 1e-10, 1e-16);
  EXPECT_NEAR(number(expm1(T(-200.0))), -1, 1e-7);
  EXPECT_NEAR(number(log1p(T(1e-10))), 1e-10, 1e-16);
  EXPECT_NEAR(number(T(tanh(T(0.5)))), 0.46211715726000973, 1e-7);
  EXPECT_NEAR(number(normal_cdf(T(-5.0))) / 2.8665157187919391e-7, 1, 1e-6);
  EXPECT_NEAR(number(normal_density(T(2.0))), 0.053990966513188063, 1e-8);
  EXPECT_EQ(number(normal_cdf(T(-kInfinity))), 0);
  EXPECT_TRUE(isnan(normal_cdf(T(kNan))));
  EXPECT_TRUE(isnan(expm1(T(kNan))));
}

// P(X < -10) and P(X < -3) to 40 digits (mpmath 1.2: the continued fraction and the series).
TEST(NormalCdf, TailsKeepTheirDigits) {
  const auto relative_error = [](double x, const char* digits) {
    return static_cast<double>(Mpfr50(normal_cdf(Mpfr50(x)) / Mpfr50(digits) - 1));
  };
  EXPECT_LE(std::abs(relative_error(-10, "7.619853024160526065973343251599308363504e-24")), 1e-39);
  EXPECT_LE(std::abs(relative_error(-4, "3.167124183311992125377075672215129844384e-5")), 1e-39);
  EXPECT_LE(std::abs(static_cast<double>(Real(normal_cdf(Real(-4.5)) / Real("3.3976731247300604016874e-6") - 1))),
            1e-18);
}

TYPED_TEST(Vocabulary, FloorWithinIsAClampedFloor) {
  using T = TypeParam;
  const struct {
    double x, cell;
  } rows[] = {{1.75, 1}, {-0.25, -1}, {-1, -1}, {-2.5, -3},  {-3, -3},       {-3.5, -3},       {4.999, 4}, {5, 5},
              {5.5, 5},  {1e30, 5},   {0.0, 0}, {-1e30, -3}, {kInfinity, 5}, {-kInfinity, -3}, {-0.0, 0}};
  for (const auto& [x, cell] : rows) {
    EXPECT_EQ(number(floor_within(T(x), -3, 5)), cell) << x;
    EXPECT_EQ(whole(floor_within(T(x), -3, 5)), static_cast<Index>(cell)) << x;
  }
  EXPECT_TRUE(isnan(floor_within(T(kNan), -3, 5)));
  EXPECT_EQ(whole(floor_within(T(kNan), -3, 5)), 0);
  EXPECT_EQ(number(given(floor_within(T(1.5), -3, 5), T(7.0))), 7);
}

// f(x) = exp(x) / sqrt(x) * log(x) - x / 3 + max(x, 1) at x, and its derivative by hand.
template <class T>
T f(const T& x) {
  return exp(x) / sqrt(x) * log(x) - x / T(3.0) + maximum(x, T(1.0));
}

TEST(Dual, DerivativeOfEveryFunction) {
  for (const double x : {0.25, 0.75, 1.5, 7.0}) {
    const Real r(x), root = sqrt(r), power = exp(r), logarithm = log(r);
    const Real exact = power / root * logarithm - power * logarithm / (2 * r * root) + power / (root * r) -
                       Real(1) / 3 + (x > 1 ? 1 : 0);
    const Dual<Real> y = f(Dual<Real>(r, Real(1)));
    EXPECT_EQ(y.value, f(r));
    EXPECT_LE(abs(Real(y.tangent - exact)), 1e-31 * abs(exact) + 1e-31) << "at " << x;
  }
}

TEST(Dual, ConstantsDoNotMove) {
  EXPECT_EQ((Dual<Real>(3.0) * Dual<Real>(Real(2), Real(5))).tangent, 15);
  EXPECT_EQ(Dual<Real>(3.0).tangent, 0);
}

TEST(Dual, SigmoidAndCells) {
  const Real s = sigmoid(Real(0.75));
  EXPECT_LE(abs(Real(sigmoid(Dual<Real>(Real(0.75), Real(1))).tangent - s * (1 - s))), 1e-33);
  const Dual<Real> cell = floor_within(Dual<Real>(Real(2.75), Real(1)), -1, 9);
  EXPECT_EQ(cell.value, 2);
  EXPECT_EQ(cell.tangent, 0) << "a cell does not move";
  EXPECT_EQ(given(cell, Dual<Real>(Real(1), Real(5))).tangent, 5);
}

TEST(Dual, FunctionsOfActivations) {
  const Dual<Real> x(Real(0.75), Real(1));
  const Real t = tanh(x.value);
  EXPECT_LE(abs(Real(tanh(x).tangent - (1 - t * t))), 1e-32);
  EXPECT_LE(abs(Real(expm1(x).tangent - exp(x.value))), 1e-32);
  EXPECT_LE(abs(Real(log1p(x).tangent - 1 / Real(1.75))), 1e-32);
  EXPECT_EQ(normal_cdf(x).tangent, normal_density(x.value));
  EXPECT_EQ(normal_density(x).tangent, -x.value * normal_density(x.value));
}

TEST(Depends, Sets) {
  const Depends a = Depends::input(3, 1), b = Depends::input(64, 0), c = Depends::input(2999, -2);
  EXPECT_EQ((a + b * c).inputs(), (std::vector<Index>{3, 64, 2999}));
  EXPECT_EQ(select(exceeds(a, b), c, c).inputs(), (std::vector<Index>{3, 64, 2999})) << "decisions count";
  EXPECT_EQ(maximum(a, c).count(), 2);
  EXPECT_TRUE((c - a).contains(2999));
  EXPECT_FALSE((c - a).contains(2998));
  EXPECT_FALSE(a.contains(100000));
  EXPECT_EQ(Depends(7.0).count(), 0);
  EXPECT_EQ((Depends(0.0) * a).count(), 0) << "0 * x depends on nothing";
  EXPECT_EQ((Depends(2.0) * a + Depends(0.0)).inputs(), (std::vector<Index>{3}));
  EXPECT_EQ(((Depends(0.0) + Depends(1.0)) * a).count(), 1);
  EXPECT_EQ((exp(Depends(0.0)) * a).count(), 1) << "exp(0) is not 0";
  EXPECT_EQ((b * a).count(), 2) << "an input that is 0 is not the constant 0";
}

TEST(Depends, CellsAreThoseOfTheNominalValues) {
  const Depends a = Depends::input(1, 2.25), b = Depends::input(2, -0.5);
  EXPECT_EQ(whole(floor_within(a + b, -5, 5)), 1);
  EXPECT_EQ(whole(floor_within(a - b, -5, 5)), 2);
  EXPECT_EQ(whole(floor_within(a * b, -5, 5)), -2);
  EXPECT_EQ(whole(floor_within(-a / b, -5, 5)), 4);
  EXPECT_EQ(whole(floor_within(sqrt(a) + exp(b) + log(a) + sigmoid(b), -5, 5)), 3);
  EXPECT_EQ(whole(floor_within(maximum(b, a), -5, 5)), 2);
  EXPECT_EQ(whole(floor_within(select(exceeds(b, a), a, b), -5, 5)), -1);
  const Depends cell = floor_within(a + b, -5, 5), c = Depends::input(7, 1);
  EXPECT_EQ(given(cell, c).inputs(), (std::vector<Index>{1, 2, 7})) << "what is read depends on where";
  EXPECT_EQ(given(cell, Depends(0.0)).count(), 0);
}

TEST(Margin, DistanceToTheNearestDecision) {
  using M = Margin<Real>;
  EXPECT_EQ(M(1.0).margin, kInfinity);
  EXPECT_EQ(maximum(M(1.0), M(1.25)).margin, 0.25);
  EXPECT_EQ((maximum(M(1.0), M(1.25)) * maximum(M(5.0), M(8.0))).margin, 0.25);
  EXPECT_EQ((sqrt(maximum(M(4.0), M(9.0))) / M(2.0)).margin, 5);
  EXPECT_EQ(maximum(M(1.0), M(1.0)).margin, 0);
  EXPECT_EQ(maximum(M(1.0), M(kNan)).margin, 0) << "nothing is certain near NaN";
  EXPECT_EQ(floor_within(M(2.25), -2, 5).margin, 0.25);
  EXPECT_EQ(floor_within(M(2.75), -2, 5).margin, 0.25);
  EXPECT_EQ(floor_within(M(3.0), -2, 5).margin, 0);
  EXPECT_EQ(floor_within(M(-7.5), -2, 5).margin, 6.5) << "-1 is the first border that matters";
  EXPECT_EQ(floor_within(M(7.5), -2, 5).margin, 2.5);
  EXPECT_EQ(floor_within(M(kNan), -2, 5).margin, 0);
  EXPECT_EQ(floor_within(maximum(M(2.5), M(2.375)), -2, 5).margin, 0.125);
  EXPECT_EQ(given(floor_within(M(2.25), -2, 5), M(9.0)).margin, 0.25);
  EXPECT_EQ(sigmoid(maximum(M(1.0), M(1.25))).margin, 0.25);
}

// All results of the argument that depend on input number k of `slot`, by Depends.
std::vector<std::vector<Index>> sparsity(const Example& e, const Pass& pass, const std::string& slot,
                                         std::string_view argument) {
  Arrays<Depends> inputs = seeded<Depends>(e.c(), pass, 1);
  for (Index i = 0; i < element_count(inputs.at(slot).shape); ++i)
    inputs.at(slot)[i] = Depends::input(i, value_of(inputs.at(slot)[i]));
  std::vector<std::vector<Index>> result;
  for (const Depends& set : e.reference().evaluate<Depends>(e.c(), inputs, argument, e.shape(argument)).values)
    result.push_back(set.inputs());
  return result;
}

// The same from the nonzeros of the Jacobian, column by column with Dual.
std::vector<std::vector<Index>> nonzeros(const Example& e, const Pass& pass, const std::string& slot,
                                         std::string_view argument) {
  const Arrays<Dual<Real>> inputs = seeded<Dual<Real>>(e.c(), pass, 1);
  std::vector<std::vector<Index>> result(static_cast<size_t>(element_count(e.shape(argument))));
  for (Index i = 0; i < element_count(inputs.at(slot).shape); ++i) {
    Arrays<Dual<Real>> moved = inputs;
    moved.at(slot)[i].tangent = 1;
    const auto column = e.reference().evaluate<Dual<Real>>(e.c(), moved, argument, e.shape(argument));
    for (size_t row = 0; row < result.size(); ++row)
      if (column.values[row].tangent != 0) result[row].push_back(i);
  }
  return result;
}

TEST(Depends, IsExactlyTheSparsityOfMultilinearOperations) {
  for (const char* text : {"conv:mb=2,ic=2,ih=4,iw=5,oc=4,g=2,kh=3,kw=2,sh=2,ph=1,pw=1,dw=2",
                           "conv:mb=1,ic=1,iw=7,oc=2,kw=3,sw=3,pw=1,bias=0", "linear:mb=2,ic=3,oc=2"}) {
    const Example e(text);
    for (const char* slot : {"src", "weights"}) {
      EXPECT_EQ(sparsity(e, Pass::forward(), slot, "dst"), nonzeros(e, Pass::forward(), slot, "dst")) << text << slot;
      const std::string gradient = std::string("diff_") + slot;
      EXPECT_EQ(sparsity(e, Pass::vjp(slot), "diff_dst", gradient), nonzeros(e, Pass::vjp(slot), "diff_dst", gradient))
          << text << slot;
    }
  }
}

// Which element wins changes with the values, so every element of the window counts; padding has no number.
TEST(Depends, OfAMaximumIsTheWindow) {
  const Example e("max_pool:mb=1,c=1,iw=5,kw=3,sw=2,pw=1");
  using Sets = std::vector<std::vector<Index>>;
  EXPECT_EQ(sparsity(e, Pass::forward(), "src", "dst"), (Sets{{0, 1}, {1, 2, 3}, {3, 4}}));
  EXPECT_EQ(sparsity(e, Pass::vjp("src"), "diff_dst", "diff_src"), (Sets{{0}, {0, 1}, {1}, {1, 2}, {2}}));
}

TEST(Depends, OfANormalizationIsTheChannel) {
  const Example e("batch_norm:mb=2,c=2,iw=2");
  const auto sets = sparsity(e, Pass::forward(), "src", "dst");
  EXPECT_EQ(sets.at(0), (std::vector<Index>{0, 1, 4, 5}));
  EXPECT_EQ(sets.at(7), (std::vector<Index>{2, 3, 6, 7}));
  const Example inference("batch_norm:mb=2,c=2,iw=2,training=0");
  EXPECT_EQ(sparsity(inference, Pass::forward(), "src", "dst").at(5), (std::vector<Index>{5}));
}

// No input that moves by less than half its margin changes who wins.
TEST(Margin, CertifiesThatNoWinnerChanges) {
  const Example e("max_pool:mb=1,c=2,ih=7,iw=6,k=3,s=2,p=1");
  const Arrays<Margin<Real>> inputs = seeded<Margin<Real>>(e.c(), Pass::forward(), 5);
  const auto argmax = e.reference().evaluate<Margin<Real>>(e.c(), inputs, "argmax", e.shape("argmax"));
  double least = kInfinity;
  for (const auto& value : argmax.values) least = std::min(least, value.margin);
  ASSERT_GT(least, 0);
  ASSERT_LT(least, 1);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Arrays<Margin<Real>> moved = inputs;
    for (Index i = 0; i < element_count(moved.at("src").shape); ++i)
      moved.at("src")[i].value += (seeded_bits(seed, "move", Position{i}) % 2 == 0 ? 0.499 : -0.499) * least;
    const auto after = e.reference().evaluate<Margin<Real>>(e.c(), moved, "argmax", e.shape("argmax"));
    for (size_t i = 0; i < after.values.size(); ++i) EXPECT_EQ(after.values[i].value, argmax.values[i].value);
  }
}

TEST(Margin, OfReluIsTheDistanceToZero) {
  const Example e("relu:mb=1,c=1,iw=3");
  Arrays<Margin<Real>> inputs;
  Array<Margin<Real>>& src = inputs.emplace("src", Array<Margin<Real>>(Shape{1, 1, 3})).first->second;
  src.values = {Margin<Real>(-0.5), Margin<Real>(0.0), Margin<Real>(3.0)};
  const auto dst = e.reference().evaluate<Margin<Real>>(e.c(), inputs, "dst", e.shape("dst"));
  EXPECT_EQ(dst.values[0].margin, 0.5);
  EXPECT_EQ(dst.values[1].margin, 0);
  EXPECT_EQ(dst.values[2].margin, 3);
}

}  // namespace
}  // namespace gradproof::testing
