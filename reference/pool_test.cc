// max_pool, min_pool and mixed_pool by hand: routing, ties, padding, and special values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// Windows {_,2,5} {2,5,5} {5,5,1} {5,1,4} {1,4,_}: overlapping and with ties, which the first one wins.
TEST(MaxPool, OverlapTiesAndPadding) {
  Example e("max_pool:mb=1,c=1,iw=5,kw=3,pw=1");
  e.with("src", {2, 5, 5, 1, 4}).with("diff_dst", {1, 10, 100, 1000, 10000});
  EXPECT_EQ(e.output("dst"), (Values{5, 5, 5, 5, 4}));
  EXPECT_EQ(e.output("argmax"), (Values{2, 1, 0, 0, 1}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 111, 1000, 0, 10000}));
}

// Padding with 0 would win over negative numbers.
TEST(MaxPool, PaddingNeverWins) {
  Example e("max_pool:mb=1,c=1,iw=2,kw=2,pw=1");
  e.with("src", {-1, -2}).with("diff_dst", {1, 10, 100});
  EXPECT_EQ(e.output("dst"), (Values{-1, -1, -2}));
  EXPECT_EQ(e.output("argmax"), (Values{1, 0, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{11, 100}));
  e.with("src", {-kInfinity, -kInfinity});
  EXPECT_EQ(e.output("argmax"), (Values{1, 0, 0})) << "not even over -infinity";
}

// 2 x 3 windows on two channels; taps are numbered along rows.
TEST(MaxPool, TwoDimensions) {
  Example e("max_pool:mb=1,c=2,ih=2,iw=4,kh=2,kw=3,sw=1");
  e.with("src", {1, 2, 3, 4, 9, 6, 7, 8, 5, 0, 0, 0, 0, 0, 0, 6}).with("diff_dst", {1, 10, 100, 1000});
  EXPECT_EQ(e.output("dst"), (Values{9, 8, 5, 6}));
  EXPECT_EQ(e.output("argmax"), (Values{3, 5, 0, 5}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 0, 0, 0, 1, 0, 0, 10, 100, 0, 0, 0, 0, 0, 0, 1000}));
}

// ceil_mode: the windows are {1,2} {5,3} {4,_}. Dilation 2: {1,3} {9,4} {3,5}.
TEST(MaxPool, CeilModeAndDilation) {
  EXPECT_EQ(Example("max_pool:mb=1,c=1,iw=5,kw=2,sw=2,ceil_mode=1").with("src", {1, 2, 5, 3, 4}).output("dst"),
            (Values{2, 5, 4}));
  EXPECT_EQ(Example("max_pool:mb=1,c=1,iw=5,kw=2,dw=2").with("src", {1, 9, 3, 4, 5}).output("dst"), (Values{3, 9, 5}));
}

// A cube of 2 x 2 x 2 in a 2 x 3 x 2 input: two windows; tap 6 is (1,1,0).
TEST(MaxPool, ThreeDimensions) {
  Example e("max_pool:mb=1,c=1,id=2,ih=3,iw=2,kd=2,kh=2,kw=2");
  e.with("src", {1, 2, 3, 4, 5, 6, 0, 0, 9, 0, 0, 0}).with("diff_dst", {1, 10});
  EXPECT_EQ(e.output("dst"), (Values{9, 9}));
  EXPECT_EQ(e.output("argmax"), (Values{6, 4}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0}));
}

// Windows {_,2,5} {2,5,-5} {5,-5,-5} {-5,-5,4} {-5,4,_}: padding is not the least.
TEST(MinPool, OverlapTiesAndPadding) {
  Example e("min_pool:mb=1,c=1,iw=5,kw=3,pw=1");
  e.with("src", {2, 5, -5, -5, 4}).with("diff_dst", {1, 10, 100, 1000, 10000});
  EXPECT_EQ(e.output("dst"), (Values{2, -5, -5, -5, -5}));
  EXPECT_EQ(e.output("argmax"), (Values{1, 2, 1, 0, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 0, 1110, 10000, 0}));
  e.with("src", {kInfinity, kInfinity, kInfinity, kInfinity, kInfinity});
  EXPECT_EQ(e.output("argmax"), (Values{1, 0, 0, 0, 0})) << "padding is not chosen over infinity";
}

TEST(MinPool, IsMaxPoolOfTheNegative) {
  const Values src = whole_numbers(2 * 7 * 9, 3);
  Values negative;
  for (const double x : src) negative.push_back(-x);
  const std::string attributes = "mb=1,c=2,ih=7,iw=9,k=3,s=2,p=1,d=1";
  const Example least = Example("min_pool:" + attributes).with("src", src);
  const Example most = Example("max_pool:" + attributes).with("src", negative);
  Values dst = most.output("dst");
  for (double& x : dst) x = -x;
  EXPECT_EQ(least.output("dst"), dst);
  EXPECT_EQ(least.output("argmax"), most.output("argmax"));
}

// Windows {_,2,8} and {8,4,_} have maxima 8 and 8, averages 5 and 6.
TEST(MixedPool, MaximumAndAverageOfWhatIsInside) {
  Example e("mixed_pool:mb=1,c=1,iw=3,kw=3,sw=2,pw=1");
  e.with("src", {2, 8, 4}).with("a", {0.25}).with("diff_dst", {1, 10});
  EXPECT_EQ(e.output("dst"), (Values{0.25 * 8 + 0.75 * 5, 0.25 * 8 + 0.75 * 6}));
  EXPECT_EQ(e.output("argmax"), (Values{2, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{0.375, 0.375 + 3.75 + 0.25 + 2.5, 3.75}));
  EXPECT_EQ(e.output("diff_a"), (Values{1 * (8 - 5) + 10 * (8 - 6)}));
}

TEST(MixedPool, ItsEndsAreMaxPoolAndAvgPool) {
  const std::string attributes = "mb=1,c=2,ih=5,iw=6,k=2,s=2";
  const Values src = whole_numbers(60, 5), diff = whole_numbers(12, 6);
  for (const auto& [a, other] : {std::pair{1.0, "max_pool:"}, std::pair{0.0, "avg_pool:"}}) {
    const Example mixed = Example("mixed_pool:" + attributes).with("src", src).with("diff_dst", diff).with("a", {a});
    const Example pure = Example(other + attributes).with("src", src).with("diff_dst", diff);
    EXPECT_EQ(mixed.output("dst"), pure.output("dst")) << other;
    EXPECT_EQ(mixed.output("diff_src"), pure.output("diff_src")) << other;
  }
}

template <class T>
class MaxPoolSpecial : public ::testing::Test {};
using Scalars = ::testing::Types<Real, Precise, Dual<Real>, Mass<Real>, Margin<Real>, float>;
TYPED_TEST_SUITE(MaxPoolSpecial, Scalars);

TYPED_TEST(MaxPoolSpecial, TheFirstNanWins) {
  Example e("max_pool:mb=1,c=1,iw=4,kw=4");
  e.with("src", {kInfinity, kNan, 7, kNan}).with("diff_dst", {5});
  EXPECT_TRUE(std::isnan(e.output<TypeParam>("dst").at(0)));
  EXPECT_EQ(e.output<TypeParam>("argmax"), (Values{1}));
  EXPECT_EQ(e.output<TypeParam>("diff_src"), (Values{0, 5, 0, 0}));
}

TYPED_TEST(MaxPoolSpecial, TheFirstNanWinsMinimaToo) {
  Example e("min_pool:mb=1,c=1,iw=4,kw=4");
  e.with("src", {-kInfinity, kNan, 7, kNan});
  EXPECT_TRUE(std::isnan(e.output<TypeParam>("dst").at(0)));
  EXPECT_EQ(e.output<TypeParam>("argmax"), (Values{1}));
}

TYPED_TEST(MaxPoolSpecial, ZerosTieAndTheFirstWins) {
  const auto dst = [](Values src) {
    return Example("max_pool:mb=1,c=1,iw=2,kw=2").with("src", std::move(src)).output<TypeParam>("dst").at(0);
  };
  EXPECT_TRUE(std::signbit(dst({-0.0, 0.0})));
  EXPECT_FALSE(std::signbit(dst({0.0, -0.0})));
  const auto least = Example("min_pool:mb=1,c=1,iw=2,kw=2").with("src", {0.0, -0.0});
  EXPECT_FALSE(std::signbit(least.output<TypeParam>("dst").at(0)));
}

// A cotangent that is not routed must not be multiplied by 0: infinity would become NaN.
TYPED_TEST(MaxPoolSpecial, UnroutedInfinityLeavesNoTrace) {
  Example e("max_pool:mb=1,c=1,iw=2,kw=2");
  e.with("src", {1, 2}).with("diff_dst", {kInfinity});
  EXPECT_EQ(e.output<TypeParam>("diff_src"), (Values{0, kInfinity}));
}

}  // namespace
}  // namespace gradproof::testing
