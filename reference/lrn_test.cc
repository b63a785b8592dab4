// Local response normalization by hand, with scales that are squares.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

void expect_near(const Values& got, const Values& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-14) << "element " << i;
}

// alpha / size = 1: scales are 1 + 9 = 10 - 6, and so on; channel 0 sees 0 and 1, channel 1 all, channel 2 1 and 2.
TEST(Lrn, AcrossChannelsDividesAlphaBySize) {
  Example e("lrn:mb=1,c=3,iw=1,size=3,alpha=3,beta=1,k=2");
  e.with("src", {1, 2, 3});
  expect_near(e.output("dst"), {1.0 / 7, 2.0 / 16, 3.0 / 15});
}

// PyTorch pads size/2 channels in front and (size-1)/2 behind: channel c sees c - 1 and c.
TEST(Lrn, AnEvenWindowLooksBack) {
  Example e("lrn:mb=1,c=3,iw=1,size=2,alpha=2,beta=0.5,k=4");
  e.with("src", {0, 0, 5}).with("diff_dst", {0, 0, 0});
  expect_near(e.output("dst"), {0, 0, 5 / std::sqrt(29.0)});
  e.with("src", {0, 1, 2});
  expect_near(e.output("dst"), {0, 1 / std::sqrt(5.0), 2.0 / 3});
}

// Pixels are apart; channels beyond the first and last count as zeros, however many.
TEST(Lrn, PixelsAreApartAndChannelsBeyondAreZero) {
  Example e("lrn:mb=1,c=2,iw=2,size=100,alpha=100,beta=1");
  e.with("src", {1, 3, 2, 0});
  expect_near(e.output("dst"), {1.0 / 6, 3.0 / 10, 2.0 / 6, 0});
}

// dst[0] = x / sqrt(1 + x^2): its derivative is (1 + x^2)^-1.5.
TEST(Lrn, GradientOfOneElement) {
  Example e("lrn:mb=1,c=1,iw=1,size=1,alpha=1,beta=0.5");
  e.with("src", {std::sqrt(3.0)}).with("diff_dst", {16});
  expect_near(e.output("diff_src"), {2});
}

// scale = 1 + x0^2 + x1^2 = 6 for both. d(x0 / scale) / d x1 = -2 x0 x1 / 36.
TEST(Lrn, GradientReachesTheWindow) {
  Example e("lrn:mb=1,c=2,iw=1,size=3,alpha=3,beta=1");
  e.with("src", {1, 2}).with("diff_dst", {36, 0});
  expect_near(e.output("diff_src"), {6 - 2, -4});
}

// An even window's gradient looks ahead: src[0] is seen by channels 0 and 1, src[1] by channel 1 alone.
TEST(Lrn, GradientOfAnEvenWindow) {
  Example e("lrn:mb=1,c=2,iw=1,size=2,alpha=2,beta=1");
  e.with("src", {1, 2}).with("diff_dst", {4, 0});
  expect_near(e.output("diff_src"), {2 - 2, 0});
  e.with("diff_dst", {0, 36});
  expect_near(e.output("diff_src"), {-4, 6 - 8});
}

// Within a channel the window is a square, and alpha is divided by its area. Zeros surround the plane.
TEST(Lrn, WithinAChannel) {
  Example e("lrn:mb=1,c=2,ih=2,iw=2,size=3,alpha=9,beta=1,within=1");
  e.with("src", {1, 2, 0, 2, 0, 0, 3, 0});
  expect_near(e.output("dst"), {0.1, 0.2, 0, 0.2, 0, 0, 0.3, 0});
  Example line("lrn:mb=1,c=1,iw=4,size=3,alpha=3,beta=1,within=1");
  line.with("src", {1, 1, 2, 0});
  expect_near(line.output("dst"), {1.0 / 3, 1.0 / 7, 2.0 / 6, 0});
}

}  // namespace
}  // namespace gradproof::testing
