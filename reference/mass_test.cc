// Mass against what it promises: |computed - exact| <= error_bound, for float32 in any order, and not much more.
#include "reference/mass.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// float32 arithmetic that counts its depth as mass.h defines it.
struct Counted {
  float value = 0;
  double depth = 0;
};
Counted operator+(Counted a, Counted b) { return {a.value + b.value, std::max(a.depth, b.depth) + 1}; }
Counted operator-(Counted a, Counted b) { return {a.value - b.value, std::max(a.depth, b.depth) + 1}; }
Counted operator*(Counted a, Counted b) { return {a.value * b.value, a.depth + b.depth + 1}; }
Counted operator/(Counted a, Counted b) { return {a.value / b.value, a.depth + b.depth + 1}; }
Counted sqrt(Counted x) { return {std::sqrt(x.value), x.depth + 1}; }
Counted maximum(Counted a, Counted b) { return {std::max(a.value, b.value), std::max(a.depth, b.depth)}; }

// One quantity computed both ways.
struct Pair {
  Mass<Real> exact;
  Counted computed;

  double error() const { return std::abs(static_cast<double>(Real(Real(computed.value) - exact.value))); }
  double bound() const { return error_bound(exact, computed.depth); }
};

constexpr double kLongest = 400;

Pair input(float value) { return {Mass<Real>::input(Real(value), kLongest), {value, 0}}; }

Pair step(int op, const Pair& a, const Pair& b) {
  switch (op) {
    case 0:
      return {a.exact + b.exact, a.computed + b.computed};
    case 1:
      return {a.exact - b.exact, a.computed - b.computed};
    case 2:
      return {a.exact * b.exact, a.computed * b.computed};
    case 3:
      return {a.exact / b.exact, a.computed / b.computed};
    case 4:
      return {maximum(a.exact, b.exact), maximum(a.computed, b.computed)};
    default:
      return {sqrt(a.exact * a.exact + b.exact * b.exact), sqrt(a.computed * a.computed + b.computed * b.computed)};
  }
}

// Random expressions of up to 30 operations over random numbers; sums and differences cancel often, as a few of the
// numbers lie within 2^-12 of each other.
TEST(Mass, CoversRandomExpressions) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  int compared = 0, infinite = 0, near = 0;
  for (int expression = 0; expression < 3000; ++expression) {
    std::vector<Pair> known;
    const float common = normal(random) * 100;
    for (int i = 0; i < 6; ++i)
      known.push_back(input(i < 3 ? normal(random) : common * (1 + normal(random) * 0x1p-12F)));
    for (int i = 0; i < 30; ++i) {
      const auto pick = [&]() -> const Pair& { return known[random() % known.size()]; };
      const Pair next = step(static_cast<int>(random() % 6), pick(), pick());
      if (next.computed.depth > kLongest || !std::isfinite(next.computed.value)) continue;
      EXPECT_GE(next.exact.mass, std::abs(static_cast<double>(next.exact.value)));
      if (!std::isfinite(next.exact.mass)) {
        ++infinite;
        continue;
      }
      ASSERT_LE(next.error(), next.bound()) << "depth " << next.computed.depth << ", operation " << i;
      ++compared;
      if (next.bound() > 0 && next.error() > 0.25 * next.bound()) ++near;
      known.push_back(next);
    }
  }
  EXPECT_GT(compared, 50000);
  EXPECT_LT(infinite, compared / 10) << "divisors and radicands that may be zero are rare";
  EXPECT_GT(near, compared / 20) << "bounds are of the size of the errors";
}

// Sums of n products in random order of summation (random pairs), with heavy cancellation.
TEST(Mass, CoversSumsInAnyOrder) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<Pair> terms;
    const int n = 2 + static_cast<int>(random() % 100);
    for (int i = 0; i < n; ++i) {
      const float x = normal(random), y = normal(random) * 1000;
      terms.push_back(step(2, input(x), input(y)));
      terms.push_back(step(2, input(-x), input(y * (1 + normal(random) * 0x1p-20F))));
    }
    double mass = 0;
    for (const Pair& term : terms) mass += std::abs(static_cast<double>(term.exact.value));
    while (terms.size() > 1) {
      std::swap(terms[random() % terms.size()], terms.back());
      const Pair last = terms.back();
      terms.pop_back();
      Pair& other = terms[random() % terms.size()];
      other = step(0, other, last);
    }
    ASSERT_LE(terms[0].error(), terms[0].bound());
    EXPECT_NEAR(terms[0].exact.mass, mass, 1e-12 * mass) << "the mass of a sum of products is the sum of magnitudes";
    EXPECT_EQ(terms[0].exact.valid_to, std::numeric_limits<double>::infinity());
  }
}

// Magnitudes round the smallest normal number: the errors are underflow, which mass alone would miss.
TEST(Mass, CoversUnderflow) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  bool needed = false;
  for (int trial = 0; trial < 2000; ++trial) {
    Pair sum = input(0);
    for (int i = 0; i < 10; ++i)
      sum = step(0, sum, step(2, input(normal(random) * 0x1p-70F), input(normal(random) * 0x1p-70F)));
    const Pair scaled = step(3, step(2, sum, input(1000)), input(0.125F));
    ASSERT_LE(scaled.error(), scaled.bound());
    needed = needed || scaled.error() > rounding_gamma(scaled.computed.depth) * scaled.exact.mass;
  }
  EXPECT_TRUE(needed);
}

// Both factors from cancellation: their masses are 2000 times their values. The plain product of masses would allow
// thousands of times too much.
TEST(Mass, SquareAfterCancellationStaysTight) {
  const Mass<Real> centred = Mass<Real>::input(Real(1001), 20) - Mass<Real>(1000.0);
  const Mass<Real> square = centred * centred;
  EXPECT_EQ(centred.mass, 2001);
  EXPECT_GE(square.mass, 4001);
  EXPECT_LT(square.mass, 4010);
}

// Both factors are 0, but only in exact arithmetic: the error of the product is all of second order.
TEST(Mass, ProductOfErrorsCounts) {
  const Pair one = input(1), tiny = input(0x1p-25F);
  const Pair zero = step(1, step(1, step(0, one, tiny), one), tiny);
  ASSERT_EQ(zero.exact.value, 0);
  ASSERT_EQ(zero.computed.value, -0x1p-25F);
  const Pair square = step(2, zero, zero);
  EXPECT_EQ(square.error(), 0x1p-50);
  EXPECT_LE(square.error(), square.bound());
}

TEST(Mass, RefusesDepthsItWasNotMadeFor) {
  const Mass<Real> x(3.0);
  EXPECT_NO_THROW(error_bound(x * x + x, 1e6)) << "a sum of products of inputs has no second order";
  EXPECT_NO_THROW(error_bound(x / (x + Mass<Real>(0.1)), 2047));
  EXPECT_THROW(error_bound(x / (x + Mass<Real>(0.1)), 2048), std::domain_error);
  EXPECT_NO_THROW(error_bound(Mass<Real>::input(Real(3), 1e5) / (x + Mass<Real>(0.1)), 2047)) << "the least K counts";
  EXPECT_THROW(error_bound((x - Mass<Real>(2.0)) * (x - Mass<Real>(1.0)), 3000), std::domain_error);
  EXPECT_THROW(error_bound(x, 0x1p24), std::domain_error);
  EXPECT_LE(2047 * kRoundoff, kSecondOrder);
  EXPECT_LE(rounding_gamma(2047), kSecondOrder);
}

// Inputs are without error, so every cell of theirs is certain, borders included. What was computed is not.
TEST(Mass, CellsOfComputedValuesMayBeUndecided) {
  const auto of = [](double x) { return Mass<Real>::input(Real(x), 20); };
  EXPECT_FALSE(floor_within(of(3), -2, 9).undecided);
  EXPECT_FALSE(floor_within(of(std::nextafter(3.0F, 0.0F)), -2, 9).undecided);
  const Mass<Real> third = of(1) / of(3);
  EXPECT_FALSE(floor_within(third, -2, 9).undecided);
  EXPECT_TRUE(floor_within(third + third + third, -2, 9).undecided);
  EXPECT_TRUE(floor_within(of(2.5) + of(0.5), -2, 9).undecided);
  EXPECT_FALSE(floor_within(of(2) + of(1), -2, 9).undecided) << "whole numbers, which float32 holds";
  EXPECT_FALSE(floor_within(of(-7) * of(-3) - of(19), -2, 9).undecided);
  EXPECT_TRUE(floor_within(of(0x1p24) + of(1) - of(0x1p24), -2, 9).undecided) << "beyond 2^24";
  EXPECT_FALSE(floor_within(of(-2.5) + of(-0.5), -2, 9).undecided) << "borders that do not matter";
  EXPECT_TRUE(floor_within(of(-0.5) + of(-0.5), -2, 9).undecided);
  EXPECT_FALSE(floor_within(of(1000.5) + of(0.5), -2, 9).undecided);
  EXPECT_FALSE(floor_within(Mass<Real>(0.1) + of(1), -2, 9).undecided);
  EXPECT_TRUE(floor_within(Mass<Real>(0.1) * of(10), -2, 9).undecided) << "0.1 is not a float32 number";
}

TEST(Mass, CellsMayBeTakenOfLessDeepValues) {
  const auto near = [](double depth, double decisions) {
    const auto x = Mass<Real>::input(Real(1.5), depth, decisions);
    return floor_within(x + Mass<Real>(0.5 - 0x1p-19), -2, 9);
  };
  EXPECT_TRUE(near(20, 20).undecided);
  EXPECT_FALSE(near(2, 2).undecided);
  EXPECT_FALSE(near(20, 2).undecided);
}

// A quotient of constants knows no depth; the computation that it becomes part of may have any.
TEST(Mass, DividingByAnExactNumberHasNoSecondOrder) {
  const Mass<Real> ratio = Mass<Real>(1568.0) / (Mass<Real>(1568.0) - Mass<Real>(1.0));
  const Mass<Real> product = ratio * Mass<Real>::input(Real(2.0), 10000);
  EXPECT_NEAR(error_bound(product, 10000), rounding_gamma(10000) * 2 * 1568 / 1567, 1e-9);
  EXPECT_NO_THROW(error_bound(ratio, 10000));
}

// One over an infinite root is zero, and so is what it scales: a normalization of infinite data.
TEST(Mass, DividingByInfinityLeavesNoError) {
  const auto infinite = Mass<Real>::input(Real(std::numeric_limits<double>::infinity()), 8);
  const auto scaled = Mass<Real>::input(Real(3.0), 8) * (Mass<Real>(1.0) / sqrt(infinite + Mass<Real>(1.0)));
  EXPECT_EQ(scaled.value, Real(0.0));
  EXPECT_EQ(error_bound(scaled, 8), kUnderflow) << "the product may underflow";
}

TEST(Mass, UndecidedSpreads) {
  const Mass<Real> x = Mass<Real>::input(Real(0.5), 20), one(1.0);
  const Mass<Real> cell = floor_within(x + x, -2, 9);
  ASSERT_TRUE(cell.undecided);
  EXPECT_TRUE(given(cell, one).undecided);
  EXPECT_TRUE(given(cell, Mass<Real>(0.0)).undecided);
  const Mass<Real> tainted = given(cell, one);
  for (const Mass<Real>& y : {tainted + one, one - tainted, -tainted, tainted * one, one / tainted, sqrt(tainted),
                              exp(tainted), log(tainted), sigmoid(tainted), maximum(tainted, one),
                              select(true, tainted, one), floor_within(tainted, -2, 9), given(one, tainted)})
    EXPECT_TRUE(y.undecided);
  EXPECT_FALSE(select(false, tainted, one).undecided);
  EXPECT_FALSE(given(one, one).undecided);
}

// Cells of float32 sums are those of the exact sums, wherever Mass says that they are decided. Sums lie at all
// distances from whole numbers, so that many are not.
TEST(Mass, DecidedCellsAreRight) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  int decided = 0, undecided = 0, wrong = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    Pair sum = input(static_cast<float>(random() % 9));
    const float distance = std::ldexp(1.0F, -21 + trial % 14);
    for (int i = 0; i < 10; ++i) {
      const float x = normal(random), y = normal(random);
      sum = step(0, sum, step(2, input(x), input(y)));
      sum = step(1, sum, step(2, input(x * (1 + normal(random) * distance)), input(y)));
    }
    const Mass<Real> cell = floor_within(sum.exact, -20, 20);
    if (floor_within(sum.computed.value, -20, 20) != static_cast<float>(cell.value)) ++wrong;
    if (cell.undecided) {
      ++undecided;
      continue;
    }
    ++decided;
    ASSERT_EQ(floor_within(sum.computed.value, -20, 20), static_cast<float>(cell.value));
  }
  EXPECT_GT(decided, 1000);
  EXPECT_GT(undecided, 1000);
  EXPECT_GT(wrong, 100) << "the undecided ones are so for a reason";
}

TEST(Mass, IsInfiniteWhereAnOperandMayBeZero) {
  const Mass<Real> doubtful = Mass<Real>(0.5) + Mass<Real>(1e6) - Mass<Real>(1e6);
  EXPECT_FALSE(std::isfinite((Mass<Real>(1.0) / doubtful).mass));
  EXPECT_FALSE(std::isfinite(sqrt(doubtful).mass));
  EXPECT_FALSE(std::isfinite(log(doubtful).mass));
  EXPECT_EQ(sqrt(Mass<Real>(0.0)).mass, 0);
}

// Two numbers near 1000, normalized with eps = 1e-5: the variance is lost in its own error, at times to the last digit,
// but a sum of squares is not negative and eps is positive.
TEST(Mass, CoversNormalizingWhatRoundingHides) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const Pair two{Mass<Real>(2.0), {2, 0}}, eps{Mass<Real>(1e-5), {1e-5F, 1}}, one{Mass<Real>(1.0), {1, 0}};
  const auto squared = [](const Pair& x) { return Pair{square(x.exact), x.computed * x.computed}; };
  const auto root = [](const Pair& x) { return Pair{sqrt(x.exact), sqrt(x.computed)}; };
  int hidden = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    const float spread = std::ldexp(1.0F, -(trial % 16));
    const Pair a = input(1000 + normal(random) * spread), b = input(1000 + normal(random) * spread);
    const Pair mean = step(3, step(0, a, b), two), centred = step(1, a, mean);
    const Pair var = step(3, step(0, squared(centred), squared(step(1, b, mean))), two);
    const Pair rstd = step(3, one, root(step(0, var, eps))), normalized = step(2, centred, rstd);
    for (const Pair& x : {var, rstd, normalized}) {
      ASSERT_LE(x.error(), x.bound()) << "spread " << spread;
      ASSERT_TRUE(std::isfinite(x.exact.mass)) << "spread " << spread;
    }
    const double doubt = rounding_gamma(kLongest) * var.exact.mass;
    if (doubt > static_cast<double>(Real(var.exact.value + Real(1e-5)))) ++hidden;
  }
  EXPECT_GT(hidden, 1000) << "without the floor these have no bound";
}

// What is not negative for sure, and what is not.
TEST(Mass, FloorsFollowWhatIsMonotone) {
  const auto of = [](double x) { return Mass<Real>::input(Real(x), 20); };
  const Mass<Real> doubtful = of(0.5) + of(1e6) - of(1e6), eps(0.25);
  EXPECT_LT(doubtful.floor, 0);
  EXPECT_LT((doubtful * doubtful).floor, 0) << "two numbers that happen to be equal";
  EXPECT_EQ(square(doubtful).floor, 0);
  EXPECT_EQ((square(doubtful) + eps).floor, 0.25);
  EXPECT_EQ((square(doubtful) / of(2) + eps * of(3)).floor, 0.75);
  EXPECT_EQ(sqrt(square(doubtful) + of(4)).floor, 2);
  EXPECT_EQ(maximum(doubtful, of(3)).floor, 3);
  EXPECT_EQ(square(of(-3)).floor, 0);
  for (const Mass<Real>& x : {of(-1), -square(doubtful), eps - square(doubtful), of(-1) * square(doubtful),
                              square(doubtful) / of(-2), square(doubtful) / (square(doubtful) + eps), exp(doubtful)})
    EXPECT_LT(x.floor, 0);
}

// The difference of inputs is rounded once, however much of them it cancels; of computed operands it is what - is.
TEST(Mass, DifferenceOfInputsForgetsThem) {
  const Mass<Real> a(Real(10000.125)), b(Real(10000.0));
  EXPECT_EQ(difference(a, b).mass, 0.125);
  EXPECT_EQ((a - b).mass, 20000.125);
  EXPECT_EQ(difference(a * a, b).mass, (a * a - b).mass);
  EXPECT_EQ(difference(a, b).value, (a - b).value);
}

// sigmoid in float32 by way of exp(-|x|), of computed arguments, also where it is flat.
TEST(Mass, CoversSigmoid) {
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 5000; ++trial) {
    const float scale = std::exp2(static_cast<float>(trial % 20) - 5);
    const float a = normal(random) * scale, b = normal(random) * scale;
    const Mass<Real> x = Mass<Real>(Real(a)) - Mass<Real>(Real(b)), s = sigmoid(x);
    const double error = std::abs(static_cast<double>(Real(Real(sigmoid(a - b)) - s.value)));
    ASSERT_LE(error, error_bound(s, 1 + 2 + 1 + 2)) << a << " " << b;
    EXPECT_TRUE(std::isfinite(s.mass));
  }
  EXPECT_LT(sigmoid(Mass<Real>(30.0) + Mass<Real>(1.0)).mass, 1.0001) << "the slope is lost where it is flat";
}

// exp and log in float32, within one ulp (2 roundings) here: sqrt(exp(x)) * log(y).
TEST(Mass, CoversExpAndLog) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (int trial = 0; trial < 5000; ++trial) {
    const float a = normal(random) * 10, b = normal(random), c = std::abs(normal(random)) + 0.125F;
    const Mass<Real> x = Mass<Real>(Real(a)) - Mass<Real>(Real(b)), y = Mass<Real>(Real(c)) * Mass<Real>(Real(c));
    const double power = std::abs(static_cast<double>(Real(std::exp(a - b)) - exp(x).value));
    ASSERT_LE(power, error_bound(exp(x), 3));
    const double logarithm = std::abs(static_cast<double>(Real(std::log(c * c)) - log(y).value));
    ASSERT_LE(logarithm, error_bound(log(y), 3));
  }
}

// Every formula of every operation in float32, computed as it stands, within the Spec's depth. Large cases are there
// for the blocks of kernels, of which formulas know nothing.
TEST(Mass, CoversEveryReferenceFormulaInFloat) {
  constexpr Index kLarge = 2000;
  Index compared = 0, exceeded = 0;
  for (const Regime regime : {Regime::kNormal, Regime::kLargeMean, Regime::kSparse, Regime::kWide, Regime::kDenormal}) {
    for_each_output([&](const Case& c, const Pass& pass, const Argument& argument) {
      if (argument.name == "argmax" || element_count(argument.shape) > kLarge) return;
      const Reference& reference = references().at(c.spec->name);
      const double depth = c.spec->depth(c.attributes, pass, argument.name);
      Arrays<Mass<Real>> inputs = seeded<Mass<Real>>(c, pass, 9, regime);
      for (auto& [name, array] : inputs)
        for (auto& x : array.values) x = Mass<Real>::input(x.value, depth);
      const auto exact = reference.evaluate<Mass<Real>>(c, inputs, argument.name, argument.shape);
      const auto computed =
          reference.evaluate<float>(c, seeded<float>(c, pass, 9, regime), argument.name, argument.shape);
      for (Index i = 0; i < element_count(argument.shape); ++i) {
        if (exact.values[size_t(i)].undecided) continue;
        ++compared;
        const double error = std::abs(static_cast<double>(Real(Real(computed[i]) - exact.values[size_t(i)].value)));
        if (!(error <= error_bound(exact.values[size_t(i)], depth)) && exceeded++ < 5)
          ADD_FAILURE() << c.to_text() << " " << argument.name << " " << regime_name(regime) << " error " << error
                        << " bound " << error_bound(exact.values[size_t(i)], depth);
      }
    });
  }
  EXPECT_GT(compared, 10000);
  EXPECT_EQ(exceeded, 0);
}

TEST(Mass, ADecisionWithinItsErrorAllowsBothBranches) {
  const auto of = [](double value) { return Mass<Real>::input(Real(value), 10); };
  const Mass<Real> five = of(5), none(0.0);
  const auto slope = [&](const Mass<Real>& x) { return select(exceeds(x, none), five, none); };
  const Mass<Real> near = of(1) + of(0x1p-30) - of(1), far = of(1) + of(0x1p-10) - of(1);
  EXPECT_EQ(error_bound(slope(far), 0), 0) << "2^-10 is further from 0 than 10 roundings of 1 can bring it";
  EXPECT_GE(error_bound(slope(near), 0), 5) << "float32 may lose 2^-30 beside 1, and take the other branch";
  EXPECT_GE(error_bound(slope(-near), 0), 5);
  EXPECT_EQ(error_bound(slope(of(0)), 0), 0) << "inputs are known without error";
  const Mass<Real> rectified = select(exceeds(none, near), none, near);
  EXPECT_LE(error_bound(rectified, 10), 2 * error_bound(near, 10))
      << "branches that meet differ by no more than the error";
  EXPECT_THROW(error_bound(slope(far), 11), std::domain_error) << "deeper computations may decide otherwise";
}

}  // namespace
}  // namespace gradproof::testing
