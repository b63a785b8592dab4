// conv by hand.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(Conv, TwoDimensions) {
  Example e("conv:mb=1,ic=1,ih=3,iw=3,oc=1,kh=2,kw=2");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8, 9}).with("weights", {1, 2, 3, 4}).with("bias", {10});
  EXPECT_EQ(e.output("dst"), (Values{47, 57, 77, 87}));
  e.with("diff_dst", {1, 0, 0, -1});
  EXPECT_EQ(e.output("diff_src"), (Values{1, 2, 0, 3, 3, -2, 0, -3, -4}));
  EXPECT_EQ(e.output("diff_weights"), (Values{-4, -4, -4, -4}));
  EXPECT_EQ(e.output("diff_bias"), (Values{0}));
}

// Windows of two taps two apart, starting at -1, 1 and 3; tap 5 and tap -1 are padding. Each group has one channel.
TEST(Conv, StridePaddingDilationGroups) {
  Example e("conv:mb=1,ic=2,iw=5,oc=2,g=2,kw=2,sw=2,pw=1,dw=2,bias=0");
  e.with("src", {1, 2, 3, 4, 5, 10, 20, 30, 40, 50}).with("weights", {1, 2, 3, 5});
  EXPECT_EQ(e.output("dst"), (Values{4, 10, 4, 100, 260, 120}));
  e.with("diff_dst", {1, 10, 100, 0, 1, 0});
  EXPECT_EQ(e.output("diff_src"), (Values{0, 12, 0, 120, 0, 0, 3, 0, 5, 0}));
  EXPECT_EQ(e.output("diff_weights"), (Values{420, 42, 20, 40}));
}

// One-sided padding moves the window: pad on the left only, then on the right only.
TEST(Conv, OneSidedPadding) {
  const Values src{1, 2, 3}, weights{10, 1};
  EXPECT_EQ(
      Example("conv:mb=1,ic=1,iw=3,oc=1,kw=2,pw_lo=1,bias=0").with("src", src).with("weights", weights).output("dst"),
      (Values{1, 12, 23}));
  EXPECT_EQ(
      Example("conv:mb=1,ic=1,iw=3,oc=1,kw=2,pw_hi=1,bias=0").with("src", src).with("weights", weights).output("dst"),
      (Values{12, 23, 30}));
}

// The first and the last corner of a cube, in two images; the axes have different sizes, so none is mistaken for
// another.
TEST(Conv, ThreeDimensions) {
  Example e("conv:mb=2,ic=1,id=2,ih=2,iw=3,oc=1,kd=2,kh=2,kw=2,bias=0");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2});
  e.with("weights", {1, 0, 0, 0, 0, 0, 0, 100});
  EXPECT_EQ(e.output("dst"), (Values{1101, 1202, 100, 200}));
  e.with("diff_dst", {1, 10, 100, 1000});
  EXPECT_EQ(e.output("diff_weights"), (Values{21, 32, 54, 65, 87, 98, 120 + 1000, 131 + 100 + 2000}));
}

// A NaN weight that meets nothing but padding shows nowhere.
TEST(Conv, PaddingTakesNoPart) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Values dst =
      Example("conv:mb=1,ic=1,iw=1,oc=1,kw=3,pw=1,bias=0").with("src", {1}).with("weights", {nan, 1, 1}).output("dst");
  EXPECT_EQ(dst, Values{1});
}

}  // namespace
}  // namespace gradproof::testing
