// adaptive_avg_pool by hand: windows that divide, overlap, and repeat elements.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(AdaptiveAvgPool, WindowsThatDivide) {
  Example e("adaptive_avg_pool:mb=1,c=1,iw=6,ow=2");
  e.with("src", {1, 2, 3, 4, 6, 8}).with("diff_dst", {3, 30});
  EXPECT_EQ(e.output("dst"), (Values{2, 6}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 1, 1, 10, 10, 10}));
}

// 5 to 3: [0, 2) [1, 4) [3, 5), since floor(5/3) = 1, ceil(10/3) = 4 and floor(10/3) = 3.
TEST(AdaptiveAvgPool, WindowsThatOverlap) {
  Example e("adaptive_avg_pool:mb=1,c=1,iw=5,ow=3");
  e.with("src", {1, 3, 5, 7, 9}).with("diff_dst", {2, 30, 200});
  EXPECT_EQ(e.output("dst"), (Values{2, 5, 8}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 11, 10, 110, 100}));
}

// 2 to 3: [0, 1) [0, 2) [1, 2).
TEST(AdaptiveAvgPool, MoreWindowsThanElements) {
  Example e("adaptive_avg_pool:mb=1,c=1,iw=2,ow=3");
  e.with("src", {2, 4}).with("diff_dst", {1, 20, 100});
  EXPECT_EQ(e.output("dst"), (Values{2, 3, 4}));
  EXPECT_EQ(e.output("diff_src"), (Values{11, 110}));
}

// 2 x 3 to 1 x 2 on two channels: columns [0, 2) [1, 3). And a cube to one number.
TEST(AdaptiveAvgPool, TwoAndThreeDimensions) {
  Example e("adaptive_avg_pool:mb=1,c=2,ih=2,iw=3,oh=1,ow=2");
  e.with("src", {1, 2, 3, 5, 8, 11, 0, 0, 4, 0, 0, 4}).with("diff_dst", {4, 40, 400, 4000});
  EXPECT_EQ(e.output("dst"), (Values{4, 6, 0, 2}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 11, 10, 1, 11, 10, 100, 1100, 1000, 100, 1100, 1000}));
  Example cube("adaptive_avg_pool:mb=1,c=1,id=2,ih=1,iw=2,o=1");
  cube.with("src", {1, 2, 3, 6}).with("diff_dst", {4});
  EXPECT_EQ(cube.output("dst"), (Values{3}));
  EXPECT_EQ(cube.output("diff_src"), (Values{1, 1, 1, 1}));
}

}  // namespace
}  // namespace gradproof::testing
