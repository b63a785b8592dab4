// max_unpool by hand: places, sums, padding, and that it is the transpose of max_pool.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(MaxUnpool, ValuesGoBack) {
  Example e("max_unpool:mb=1,c=1,ih=2,iw=5,k=2,s=2");
  e.with("src", {7, 8}).with("argmax", {3, 0}).with("diff_dst", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  EXPECT_EQ(e.output("dst"), (Values{0, 0, 8, 0, 0, 0, 7, 0, 0, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{7, 3}));
}

// Windows 0 and 1 both chose element 1.
TEST(MaxUnpool, OverlappingWindowsAddUp) {
  Example e("max_unpool:mb=1,c=1,iw=4,kw=3");
  e.with("src", {7, 8}).with("argmax", {1, 0}).with("diff_dst", {1, 2, 3, 4});
  EXPECT_EQ(e.output("dst"), (Values{0, 15, 0, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{2, 2}));
}

// Tap 0 of window 0 falls on padding, tap 2 of window 2 as well.
TEST(MaxUnpool, TapsOnPaddingLeadNowhere) {
  Example e("max_unpool:mb=1,c=1,iw=3,kw=3,pw=1");
  e.with("src", {5, 6, 7}).with("argmax", {0, 2, 2}).with("diff_dst", {1, 2, 3});
  EXPECT_EQ(e.output("dst"), (Values{0, 0, 6}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 3, 0}));
}

// In three dimensions: tap 5 of 2 x 2 x 2 is (1, 0, 1).
TEST(MaxUnpool, ThreeDimensions) {
  Example e("max_unpool:mb=1,c=1,id=2,ih=2,iw=2,kd=2,kh=2,kw=2");
  e.with("src", {4}).with("argmax", {5});
  EXPECT_EQ(e.output("dst"), (Values{0, 0, 0, 0, 0, 4, 0, 0}));
}

TEST(MaxUnpool, IsTheGradientOfMaxPool) {
  const std::string attributes = "mb=1,c=2,ih=7,iw=6,k=3,s=2,p=1";
  const Values cotangent = whole_numbers(2 * 4 * 3, 2);
  const Example pool = Example("max_pool:" + attributes).with("src", whole_numbers(84, 1)).with("diff_dst", cotangent);
  const Example unpool =
      Example("max_unpool:" + attributes).with("src", cotangent).with("argmax", pool.output("argmax"));
  EXPECT_EQ(unpool.output("dst"), pool.output("diff_src"));
}

}  // namespace
}  // namespace gradproof::testing
