// Operations that move elements, by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(Flatten, KeepsTheOrder) {
  Example e("flatten:mb=2,c=2,iw=2");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8}).with("diff_dst", {8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(e.shape("dst"), (Shape{2, 4}));
  EXPECT_EQ(e.output("dst"), (Values{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(e.output("diff_src"), (Values{8, 7, 6, 5, 4, 3, 2, 1}));
}

TEST(Reshape, RowsBecomeMaps) {
  Example e("reshape:mb=1,c=6,i=1,oc=1,oh=2,ow=3");
  e.with("src", {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(e.shape("dst"), (Shape{1, 1, 2, 3}));
  EXPECT_EQ(e.output("dst"), (Values{1, 2, 3, 4, 5, 6}));
}

TEST(Add, WhatIsRepeatedReceivesTheSum) {
  Example e("add:mb=2,c=2,iw=2,bn=1,bw=1");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8}).with("other", {10, 20}).with("diff_dst", {1, 2, 4, 8, 16, 32, 64, 128});
  EXPECT_EQ(e.output("dst"), (Values{11, 12, 23, 24, 15, 16, 27, 28}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 2, 4, 8, 16, 32, 64, 128}));
  EXPECT_EQ(e.output("diff_other"), (Values{1 + 2 + 16 + 32, 4 + 8 + 64 + 128}));
}

TEST(Concat, ByHand) {
  Example e("concat:mb=2,c=1,iw=2,c2=2");
  e.with("src", {1, 2, 7, 8}).with("other", {3, 4, 5, 6, 9, 10, 11, 12});
  e.with("diff_dst", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(e.output("dst"), (Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 2, 7, 8}));
  EXPECT_EQ(e.output("diff_other"), (Values{3, 4, 5, 6, 9, 10, 11, 12}));
}

// Four standard deviations of a binomial distribution.
TEST(Dropout, DropsTheShareThatIsAskedFor) {
  for (const double p : {0.0, 0.1, 0.5, 0.9})
    for (const int seed : {0, 1, 123456}) {
      const Index count = 20000;
      Example e("dropout:mb=1,c=" + std::to_string(count) + ",p=" + std::to_string(p) +
                ",seed=" + std::to_string(seed));
      e.with("src", Values(static_cast<size_t>(count), 1.0));
      const Values dst = e.output<float>("dst");
      const auto dropped = static_cast<double>(std::count(dst.begin(), dst.end(), 0.0));
      EXPECT_NEAR(dropped, p * count, 4 * std::sqrt(count * p * (1 - p))) << p << " " << seed;
    }
}

TEST(Dropout, SeedsHaveMasksOfTheirOwn) {
  const auto mask = [](int seed) {
    Example e("dropout:mb=1,c=4096,seed=" + std::to_string(seed));
    return e.with("src", Values(4096, 1.0)).output<float>("dst");
  };
  const Values one = mask(1), two = mask(2);
  Index same = 0;
  for (size_t i = 0; i < one.size(); ++i) same += one[i] == two[i] ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(same), 2048, 4 * 32);
}

TEST(Dropout, InferenceIsACopy) {
  Example e("dropout:mb=1,c=3,training=0");
  e.with("src", {1, kNan, -0.0}).with("diff_dst", {4, 5, 6});
  const Values dst = e.output("dst");
  EXPECT_EQ(dst.at(0), 1);
  EXPECT_TRUE(std::isnan(dst.at(1)));
  EXPECT_TRUE(std::signbit(dst.at(2)));
  EXPECT_EQ(e.output("diff_src"), (Values{4, 5, 6}));
}

}  // namespace
}  // namespace gradproof::testing
