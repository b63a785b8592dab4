// weighted_pool by hand: overlap, padding, one kernel a channel.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// Windows {_,1,2} {1,2,3} {2,3,_} with weights 1, 10, 100.
TEST(WeightedPool, OverlapAndPadding) {
  Example e("weighted_pool:mb=1,c=1,iw=3,kw=3,pw=1");
  e.with("src", {1, 2, 3}).with("weights", {1, 10, 100}).with("diff_dst", {1, 2, 3});
  EXPECT_EQ(e.output("dst"), (Values{210, 321, 32}));
  EXPECT_EQ(e.output("diff_src"), (Values{12, 123, 230}));
  EXPECT_EQ(e.output("diff_weights"), (Values{2 * 1 + 3 * 2, 1 + 4 + 9, 2 + 2 * 3}));
}

// Two images of two channels, each with weights of its own, of 1 x 2 windows; ceil_mode lets the last one overhang.
TEST(WeightedPool, ChannelsHaveTheirOwnWeightsAndImagesShareThem) {
  Example e("weighted_pool:mb=2,c=2,ih=1,iw=3,kh=1,kw=2,sh=1,sw=2,ceil_mode=1");
  e.with("src", {1, 2, 3, 4, 5, 6, 0, 1, 0, 7, 0, 0}).with("weights", {1, -1, 0.5, 2});
  e.with("diff_dst", {1, 10, 100, 1000, 2, 20, 200, 2000});
  EXPECT_EQ(e.output("dst"), (Values{-1, 3, 12, 3, -1, 0, 3.5, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, -1, 10, 50, 200, 500, 2, -2, 20, 100, 400, 1000}));
  EXPECT_EQ(e.output("diff_weights"), (Values{1 + 30, 2 + 2, 400 + 6000 + 1400, 500}));
}

// Weights of 1/taps average.
TEST(WeightedPool, EqualWeightsAverage) {
  Example e("weighted_pool:mb=1,c=1,id=2,ih=1,iw=2,kd=2,kh=1,kw=2");
  e.with("src", {1, 2, 3, 6}).with("weights", {0.25, 0.25, 0.25, 0.25});
  EXPECT_EQ(e.output("dst"), (Values{3}));
}

}  // namespace
}  // namespace gradproof::testing
