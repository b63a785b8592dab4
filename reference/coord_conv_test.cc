// coord_conv by hand, and as what it is: conv of the concatenation.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// What a 1x1 kernel that sees one channel of x gives: that channel.
Values channel(const std::string& sizes, Values weights) {
  Example e("coord_conv:mb=1,ic=1,oc=1,kh=1,kw=1,bias=0," + sizes);
  const auto pixels = static_cast<size_t>(element_count(e.shape("dst")));
  return e.with("src", Values(pixels, 7)).with("weights", std::move(weights)).output("dst");
}

TEST(CoordConv, CoordinatesRunFromMinusOneToOne) {
  EXPECT_EQ(channel("ih=3,iw=2", {0, 1, 0}), (Values{-1, -1, 0, 0, 1, 1}));
  EXPECT_EQ(channel("ih=3,iw=2", {0, 0, 1}), (Values{-1, 1, -1, 1, -1, 1}));
  EXPECT_EQ(channel("ih=1,iw=5", {0, 0, 1}), (Values{-1, -0.5, 0, 0.5, 1}));
}

TEST(CoordConv, AnAxisOfOneHasCoordinateZero) {
  EXPECT_EQ(channel("ih=1,iw=3", {0, 1, 0}), (Values{0, 0, 0}));
  EXPECT_EQ(channel("ih=3,iw=1", {0, 0, 1}), (Values{0, 0, 0}));
  EXPECT_EQ(channel("ih=1,iw=1,radius=1", {0, 0, 0, 1}), (Values{0}));
}

TEST(CoordConv, RadiusIsTheDistanceFromTheCentre) {
  const double corner = std::sqrt(2.0);
  EXPECT_EQ(channel("ih=3,iw=3,radius=1", {0, 0, 0, 1}), (Values{corner, 1, corner, 1, 0, 1, corner, 1, corner}));
  EXPECT_EQ(channel("ih=2,iw=1,radius=1", {0, 0, 0, 1}), (Values{1, 1}));
}

// A row of three 1s, each tap outside is 0 in every channel: j sums to -1 + 0, 0, 0 + 1 where it is cut off.
TEST(CoordConv, PaddingIsZeroInTheCoordinatesToo) {
  Example e("coord_conv:mb=1,ic=1,ih=1,iw=3,oc=1,kh=1,kw=3,pw=1,bias=0");
  e.with("src", {1, 1, 1}).with("weights", {0, 0, 0, 0, 0, 0, 1, 1, 1});
  EXPECT_EQ(e.output("dst"), (Values{-1, 0, 1}));
}

// 5 x 3 pixels: every coordinate is a multiple of a half, so that both sides are exact.
TEST(CoordConv, IsConvOfTheConcatenation) {
  const std::string rest = "ih=5,iw=3,oc=2,kh=3,kw=2,sh=2,ph=1,pw_hi=1";
  const Values src = whole_numbers(15, 1), weights = whole_numbers(2 * 3 * 6, 2), bias{3, -1};
  Values concatenation = src;
  for (double i : {-1.0, -0.5, 0.0, 0.5, 1.0}) concatenation.insert(concatenation.end(), 3, i);
  for (int row = 0; row < 5; ++row) concatenation.insert(concatenation.end(), {-1, 0, 1});

  Example here("coord_conv:mb=1,ic=1," + rest), there("conv:mb=1,ic=3," + rest);
  here.with("src", src).with("weights", weights).with("bias", bias);
  there.with("src", concatenation).with("weights", weights).with("bias", bias);
  EXPECT_EQ(here.output("dst"), there.output("dst"));

  const Values diff_dst = whole_numbers(element_count(here.shape("dst")), 3);
  here.with("diff_dst", diff_dst);
  there.with("diff_dst", diff_dst);
  Values diff_concatenation = there.output("diff_src");
  diff_concatenation.resize(15);
  EXPECT_EQ(here.output("diff_src"), diff_concatenation);
  EXPECT_EQ(here.output("diff_weights"), there.output("diff_weights"));
  EXPECT_EQ(here.output("diff_bias"), there.output("diff_bias"));
}

}  // namespace
}  // namespace gradproof::testing
