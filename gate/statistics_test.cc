#include "gate/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace gradproof {
namespace {

// The definition, without ranks computed cleverly: every sign pattern, one by one.
double signed_rank_by_definition(const std::vector<double>& values, double center) {
  const size_t n = values.size();
  std::vector<double> ranks(n);
  for (size_t i = 0; i < n; ++i) {
    double below = 0, equal = 0;
    for (size_t j = 0; j < n; ++j) {
      below += std::abs(values[j] - center) < std::abs(values[i] - center);
      equal += std::abs(values[j] - center) == std::abs(values[i] - center);
    }
    ranks[i] = values[i] == center ? 0 : below + (equal + 1) / 2;
  }
  double observed = 0;
  for (size_t i = 0; i < n; ++i) observed += values[i] > center ? ranks[i] : -ranks[i];
  int reached = 0;
  for (unsigned pattern = 0; pattern < 1u << n; ++pattern) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += (pattern >> i & 1) != 0 ? ranks[i] : -ranks[i];
    reached += sum >= observed;
  }
  return reached / std::ldexp(1.0, static_cast<int>(n));
}

TEST(SignedRank, IsItsDefinition) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal(0.5, 1);
  for (int n = 1; n <= 10; ++n) {
    std::vector<double> values;
    for (int i = 0; i < n; ++i) values.push_back(std::round(4 * normal(random)) / 4);  // with ties and zeros
    for (const double center : {-0.5, 0.0, 0.25, 1.0})
      EXPECT_DOUBLE_EQ(signed_rank_p(values, center), signed_rank_by_definition(values, center)) << n;
  }
}

TEST(SignedRank, LeastProbabilityIsOneOfAllFlips) {
  EXPECT_DOUBLE_EQ(signed_rank_p(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}, 0), 1.0 / 256);
  EXPECT_DOUBLE_EQ(signed_rank_p(std::vector<double>{-1, -2, -3}, 0), 1.0);
}

// Wilcoxon's own table (n = 10): a rank sum of the negative ones of 5 or less has a one-sided probability of 10/1024.
TEST(SignedRank, AgreesWithPublishedTable) {
  const std::vector<double> values{1, 2, 3, 4, -5, 6, 7, 8, 9, 10};
  EXPECT_DOUBLE_EQ(signed_rank_p(values, 0), 10.0 / 1024);
}

// What a test is for: of equal things it rejects no more than it says.
TEST(SignedRank, RejectsEqualThingsAsSeldomAsItSays) {
  std::mt19937 random(2);
  std::student_t_distribution<double> wild(2);
  int rejected = 0;
  constexpr int kTrials = 2000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values;
    for (int i = 0; i < 12; ++i) values.push_back(wild(random));
    rejected += signed_rank_p(values, 0) <= 0.05;
  }
  // 100 are expected; 140 would be 4 standard deviations more.
  EXPECT_LT(rejected, 140);
  EXPECT_GT(rejected, 60);
}

TEST(SignedRankInterval, HoldsTheCenterAsOftenAsItSays) {
  std::mt19937 random(3);
  std::student_t_distribution<double> wild(3);
  int held = 0;
  constexpr int kTrials = 400;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values;
    for (int i = 0; i < 12; ++i) values.push_back(7 + wild(random));
    const Interval interval = signed_rank_interval(values, 0.95);
    held += interval.low <= 7 && 7 <= interval.high;
  }
  EXPECT_GT(held, 0.92 * kTrials);
}

TEST(SignedRankInterval, TooFewValuesBoundNothing) {
  const Interval interval = signed_rank_interval(std::vector<double>{0.1, 0.2, 0.3}, 0.95);
  EXPECT_TRUE(std::isinf(interval.low));
  EXPECT_TRUE(std::isinf(interval.high));
}

TEST(HodgesLehmann, IsTheMedianOfPairMeans) {
  EXPECT_DOUBLE_EQ(hodges_lehmann(std::vector<double>{1, 2, 6}), 2.75);  // of 1, 1.5, 2, 3.5, 4, 6
  EXPECT_NEAR(hodges_lehmann(std::vector<double>{1, 1.01, 0.99, 1, 1.02, 50}), 1.0, 0.03);
}

// The example of Holm's paper in small: 0.01 x 4, 0.02 x 3, 0.03 x 2, and never less than the one before.
TEST(Holm, StepsDown) {
  const std::vector<double> adjusted = holm_adjusted(std::vector<double>{0.03, 0.01, 0.02, 0.9});
  EXPECT_DOUBLE_EQ(adjusted[1], 0.04);
  EXPECT_DOUBLE_EQ(adjusted[2], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.06);
  EXPECT_DOUBLE_EQ(adjusted[3], 0.9);
}

// 16 values: the 4th and 13th hold the median with 97.9%, the 5th and 12th with 92.3% only.
TEST(SignTest, IsBetweenOrderStatistics) {
  std::vector<double> values;
  for (int i = 1; i <= 16; ++i) values.push_back(i);
  const Interval interval = sign_test_interval(values, 0.95);
  EXPECT_EQ(interval.low, 4);
  EXPECT_EQ(interval.high, 13);
}

// Clopper and Pearson: no alarm in n runs leaves 1 - 0.025^(1/n).
TEST(Proportion, NothingSeenIsNotNever) {
  const Interval interval = proportion_interval(0, 100, 0.95);
  EXPECT_EQ(interval.low, 0);
  EXPECT_NEAR(interval.high, 1 - std::pow(0.025, 1.0 / 100), 1e-12);
  EXPECT_EQ(proportion_interval(20, 20, 0.95).high, 1);
}

TEST(LowerQuartile, Interpolates) {
  EXPECT_DOUBLE_EQ(lower_quartile({4, 1, 3, 2}), 1.75);
  EXPECT_DOUBLE_EQ(lower_quartile({5}), 5);
}

}  // namespace
}  // namespace gradproof
