// Moments keep their precision where it is hard: a mean that dwarfs the spread, and a shift that is an outlier.
#include "ops/simd/block_sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gradproof {
namespace {

Moments shifted_by_first(const std::vector<double>& x) {
  double sum = 0, square = 0;
  for (double value : x) {
    sum += value - x[0];
    square += (value - x[0]) * (value - x[0]);
  }
  return Moments::shifted(static_cast<double>(x.size()), x[0], sum, square);
}

// 1, -1, 1, -1, ... round `mean`: the variance is exactly 1.
std::vector<double> alternating(size_t count, double mean) {
  std::vector<double> x(count);
  for (size_t i = 0; i < count; ++i) x[i] = mean + (i % 2 == 0 ? 1 : -1);
  return x;
}

TEST(Moments, LargeMeanKeepsTheVariance) {
  const Moments moments = shifted_by_first(alternating(kSumBlockSize, 0x1p24));
  EXPECT_EQ(moments.mean(), 0x1p24);
  EXPECT_EQ(moments.variance(), 1);
}

TEST(Moments, ShiftByAnOutlierLosesNoMoreThanPromised) {
  std::vector<double> x = alternating(kSumBlockSize, 0.1);
  x[0] = 0x1p20;
  const auto n = static_cast<long double>(x.size());
  long double mean = 0, centred = 0;
  for (double value : x) mean += value / n;
  for (double value : x) centred += (value - mean) * (value - mean);
  const Moments moments = shifted_by_first(x);
  // 4097 roundings here, one after the other, instead of the 133 of lane sums.
  EXPECT_LE(std::fabs(moments.centred - static_cast<double>(centred)), 4097 * 4097 * 0x1p-53 * moments.centred);
}

TEST(Moments, MergeEqualsTheWhole) {
  Moments merged;
  for (double mean : {1000.0, 1000.5, 999.0}) merged.merge(shifted_by_first(alternating(2, mean)));
  EXPECT_EQ(merged.count, 6);
  EXPECT_DOUBLE_EQ(merged.mean(), 5999.0 / 6);
  // The squares within the pairs, and twice the squares of the means' distances from their mean.
  EXPECT_DOUBLE_EQ(merged.centred, 6 + 2 * (1.0 / 36 + 16.0 / 36 + 25.0 / 36));
}

TEST(Moments, NaNAndConstantsPass) {
  EXPECT_TRUE(std::isnan(Moments::shifted(2, 0, std::numeric_limits<double>::quiet_NaN(), 1).variance()));
  EXPECT_EQ(shifted_by_first(std::vector<double>(7, 0.75)).variance(), 0);
}

}  // namespace
}  // namespace gradproof
