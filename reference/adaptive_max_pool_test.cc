// adaptive_max_pool by hand: where windows begin and end, how taps are numbered, and what overlaps.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// 5 inputs, 3 windows: [0, 2) [1, 4) [3, 5). The widest holds 3.
TEST(AdaptiveMaxPool, WindowsOverlap) {
  Example e("adaptive_max_pool:mb=1,c=1,iw=5,ow=3");
  e.with("src", {1, 7, 2, 5, 5}).with("diff_dst", {1, 10, 100});
  EXPECT_EQ(e.output("dst"), (Values{7, 7, 5}));
  EXPECT_EQ(e.output("argmax"), (Values{1, 0, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 11, 0, 100, 0}));
}

// Rows [0, 2) [1, 3), columns [0, 2) [1, 4) [3, 5): taps count rows of 3, also in windows of 2 columns.
TEST(AdaptiveMaxPool, TapsCountInABoxOfTheWidestWindow) {
  Example e("adaptive_max_pool:mb=1,c=1,ih=3,iw=5,oh=2,ow=3");
  e.with("src", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}).with("diff_dst", {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(e.output("dst"), (Values{6, 8, 9, 11, 13, 14}));
  EXPECT_EQ(e.output("argmax"), (Values{4, 5, 4, 4, 5, 4}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 0, 0, 0, 0, 0, 1, 0, 2, 3, 0, 4, 0, 5, 6}));
}

// 2 inputs, 3 windows: [0, 1) [0, 2) [1, 2).
TEST(AdaptiveMaxPool, MoreWindowsThanInputs) {
  Example e("adaptive_max_pool:mb=1,c=1,iw=2,ow=3");
  e.with("src", {4, 3}).with("diff_dst", {1, 10, 100});
  EXPECT_EQ(e.output("dst"), (Values{4, 4, 3}));
  EXPECT_EQ(e.output("diff_src"), (Values{11, 100}));
}

TEST(AdaptiveMaxPool, EqualWindowsAreThoseOfMaxPool) {
  const Values src = whole_numbers(2 * 6 * 9, 4), diff = whole_numbers(2 * 2 * 3, 5);
  const Example adaptive =
      Example("adaptive_max_pool:mb=1,c=2,ih=6,iw=9,oh=2,ow=3").with("src", src).with("diff_dst", diff);
  const Example pool = Example("max_pool:mb=1,c=2,ih=6,iw=9,k=3,s=3").with("src", src).with("diff_dst", diff);
  for (const char* argument : {"dst", "argmax", "diff_src"})
    EXPECT_EQ(adaptive.output(argument), pool.output(argument)) << argument;
}

TEST(AdaptiveMaxPool, TheFirstNanWins) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Example e("adaptive_max_pool:mb=1,c=1,iw=4,ow=1");
  e.with("src", {9, nan, 7, nan}).with("diff_dst", {5});
  EXPECT_TRUE(std::isnan(e.output("dst").at(0)));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 5, 0, 0}));
}

}  // namespace
}  // namespace gradproof::testing
