// linear by hand.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(Linear, ByHand) {
  Example e("linear:mb=2,ic=3,oc=2");
  e.with("src", {1, 2, 3, 4, 5, 6}).with("weights", {1, 10, 100, -1, 0, 1}).with("bias", {0.5, -0.5});
  EXPECT_EQ(e.output("dst"), (Values{321.5, 1.5, 654.5, 1.5}));
  e.with("diff_dst", {1, 2, 3, 4});
  EXPECT_EQ(e.output("diff_src"), (Values{-1, 10, 102, -1, 30, 304}));
  EXPECT_EQ(e.output("diff_weights"), (Values{13, 17, 21, 18, 24, 30}));
  EXPECT_EQ(e.output("diff_bias"), (Values{4, 6}));
}

TEST(Linear, WithoutBias) {
  Example e("linear:mb=1,ic=1,oc=1,bias=0");
  e.with("src", {3}).with("weights", {7}).with("diff_dst", {2});
  EXPECT_EQ(e.output("dst"), (Values{21}));
  EXPECT_THROW(e.output("diff_bias"), std::exception);
}

}  // namespace
}  // namespace gradproof::testing
