// softmax and its logarithm by hand, and at scores that overflow without care.
#include <gtest/gtest.h>

#include <cmath>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(Softmax, ByHand) {
  const double third = std::log(3.0);
  Example e("softmax:mb=2,c=2");
  e.with("src", {0, third, third, 0}).with("diff_dst", {8, 0, 0, 16});
  const Values dst = e.output("dst"), shares{0.25, 0.75, 0.75, 0.25};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(dst[i], shares[i], 1e-15);
  const Values gradient = e.output("diff_src");
  const Values expected{1.5, -1.5, -3, 3};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(gradient[i], expected[i], 1e-15);
}

TEST(Softmax, AlongAnyAxis) {
  for (int axis = 0; axis < 3; ++axis) {
    Example e("softmax:mb=2,c=2,iw=2,axis=" + std::to_string(axis));
    e.with("src", whole_numbers(8, 5));
    const Values dst = e.output("dst");
    const size_t pitch = axis == 0 ? 4 : axis == 1 ? 2 : 1;
    for (size_t i = 0; i < 8; ++i) {
      const size_t other = i / pitch % 2 == 0 ? i + pitch : i - pitch;
      EXPECT_NEAR(dst[i] + dst[other], 1, 1e-15) << axis << " " << i;
    }
  }
}

TEST(Softmax, LargeScores) {
  Example e("softmax:mb=2,c=2");
  e.with("src", {1e4, -1e4, -1e4, -1e4});
  EXPECT_EQ(e.output("dst"), (Values{1, 0, 0.5, 0.5}));
  Example log("log_softmax:mb=2,c=2");
  log.with("src", {1e4, -1e4, -1e4, -1e4});
  const Values dst = log.output("dst");
  EXPECT_EQ(dst[0], 0);
  EXPECT_EQ(dst[1], -2e4);
  EXPECT_NEAR(dst[2], -std::log(2.0), 1e-15);
}

TEST(Softmax, Infinities) {
  Example e("softmax:mb=3,c=2");
  e.with("src", {-kInfinity, 1, kInfinity, 1, -kInfinity, -kInfinity});
  const Values dst = e.output("dst");
  EXPECT_EQ(dst[0], 0);
  EXPECT_EQ(dst[1], 1);
  for (size_t i = 2; i < 6; ++i) EXPECT_TRUE(std::isnan(dst[i])) << i;
}

TEST(LogSoftmax, GradientTakesTheSumOfCotangents) {
  const double third = std::log(3.0);
  Example e("log_softmax:mb=1,c=2");
  e.with("src", {0, third}).with("diff_dst", {8, 4});
  const Values gradient = e.output("diff_src");
  EXPECT_NEAR(gradient[0], 8 - 0.25 * 12, 1e-14);
  EXPECT_NEAR(gradient[1], 4 - 0.75 * 12, 1e-14);
}

}  // namespace
}  // namespace gradproof::testing
