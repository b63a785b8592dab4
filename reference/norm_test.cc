// Normalizations by hand, with numbers whose roots are whole.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// mean 2, var 1, so with eps = 3: rstd = 1/2 and xhat = -1/2, 1/2.
TEST(BatchNorm, Training) {
  Example e("batch_norm:mb=1,c=1,iw=2,eps=3,momentum=0.5");
  e.with("src", {1, 3}).with("gamma", {4}).with("beta", {1}).with("running_mean", {10}).with("running_var", {6});
  EXPECT_EQ(e.output("dst"), (Values{-1, 3}));
  EXPECT_EQ(e.output("mean"), (Values{2}));
  EXPECT_EQ(e.output("rstd"), (Values{0.5}));
  EXPECT_EQ(e.output("new_running_mean"), (Values{6}));
  EXPECT_EQ(e.output("new_running_var"), (Values{4})) << "half of 6 and half of the unbiased variance, 2";
  e.with("diff_dst", {1, 0});
  EXPECT_EQ(e.output("diff_beta"), (Values{1}));
  EXPECT_EQ(e.output("diff_gamma"), (Values{-0.5}));
  EXPECT_EQ(e.output("diff_src"), (Values{0.75, -0.75}))
      << "dst[0] = 1 - 4 d / sqrt(d^2 + 3) with d = (src[1] - src[0]) / 2: the derivative at d = 1 is 1.5 / 2";
}

// Momentum other than a half tells new from old; PyTorch's momentum is the weight of the new.
TEST(BatchNorm, MomentumWeighsTheBatch) {
  Example e("batch_norm:mb=2,c=1,iw=1,affine=0,momentum=0.25");
  e.with("src", {0, 8}).with("running_mean", {100}).with("running_var", {4});
  EXPECT_EQ(e.output("new_running_mean"), (Values{76}));
  EXPECT_EQ(e.output("new_running_var"), (Values{11}));
}

// Statistics span batch and space but not channels: the second channel is twice the first.
TEST(BatchNorm, ChannelsAreApart) {
  Example e("batch_norm:mb=2,c=2,iw=1,eps=3,affine=0");
  e.with("src", {1, 2, 3, 6}).with("running_mean", {0, 0}).with("running_var", {1, 1});
  EXPECT_EQ(e.output("mean"), (Values{2, 4}));
  EXPECT_EQ(e.output("dst").at(0), -0.5);
  EXPECT_NEAR(e.output("dst").at(1), -2 / std::sqrt(7.0), 1e-15);
}

TEST(BatchNorm, Inference) {
  Example e("batch_norm:mb=1,c=1,iw=2,eps=3,training=0");
  e.with("src", {1, 3}).with("gamma", {4}).with("beta", {1}).with("running_mean", {1}).with("running_var", {1});
  EXPECT_EQ(e.output("dst"), (Values{1, 5}));
  e.with("diff_dst", {1, 10});
  EXPECT_EQ(e.output("diff_src"), (Values{2, 20})) << "running statistics do not depend on src";
  EXPECT_EQ(e.output("diff_gamma"), (Values{10}));
  EXPECT_EQ(e.output("diff_beta"), (Values{11}));
  EXPECT_THROW(e.output("mean"), std::exception);
}

// Groups are neighbouring channels, {0, 1} and {2, 3}, each with its own gamma. In the first mean 2 and var 1, so
// with eps = 3 xhat = -1/2, 1/2.
TEST(GroupNorm, GroupsOfNeighbouringChannels) {
  Example e("group_norm:mb=1,c=4,g=2,iw=1,eps=3");
  e.with("src", {1, 3, 7, 33}).with("gamma", {4, 6, 1, 1}).with("beta", {1, 2, 0, 0});
  EXPECT_EQ(e.output("mean"), (Values{2, 20}));
  EXPECT_EQ(e.output("rstd").at(0), 0.5);
  EXPECT_EQ(e.output("dst").at(0), -1);
  EXPECT_EQ(e.output("dst").at(1), 5);
}

// g = gamma * diff_dst = 4, 0: mean(g) = 2, mean(g * xhat) = -1, diff_src = (g - 2 + xhat) / 2.
TEST(GroupNorm, Gradient) {
  Example e("group_norm:mb=1,c=2,g=1,iw=1,eps=3");
  e.with("src", {1, 3}).with("gamma", {4, 6}).with("beta", {1, 2}).with("diff_dst", {1, 0});
  EXPECT_EQ(e.output("diff_beta"), (Values{1, 0}));
  EXPECT_EQ(e.output("diff_gamma"), (Values{-0.5, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{0.75, -0.75}));
}

// A sample does not see the others, but its parameter gradients add up.
TEST(GroupNorm, SamplesAreApart) {
  Example e("group_norm:mb=2,c=1,g=1,iw=2,eps=3");
  e.with("src", {1, 3, 6, 4}).with("gamma", {2}).with("beta", {0}).with("diff_dst", {1, 0, 1, 5});
  EXPECT_EQ(e.output("dst"), (Values{-1, 1, 1, -1}));
  EXPECT_EQ(e.output("mean"), (Values{2, 5}));
  EXPECT_EQ(e.output("diff_gamma"), (Values{-0.5 + 0.5 - 2.5}));
  EXPECT_EQ(e.output("diff_beta"), (Values{7}));
}

TEST(InstanceNorm, EachChannelOfEachSample) {
  Example e("instance_norm:mb=1,c=2,iw=2,eps=3");
  e.with("src", {1, 3, 22, 20}).with("gamma", {4, 2}).with("beta", {1, 0});
  EXPECT_EQ(e.output("mean"), (Values{2, 21}));
  EXPECT_EQ(e.output("rstd"), (Values{0.5, 0.5}));
  EXPECT_EQ(e.output("dst"), (Values{-1, 3, 1, -1}));
}

// gamma and beta belong to an element: {c, iw} = 2 x 2. mean 5, var 1.
TEST(LayerNorm, ParametersOfElements) {
  Example e("layer_norm:mb=1,c=2,iw=2,eps=3");
  e.with("src", {4, 6, 6, 4}).with("gamma", {2, 4, 6, 8}).with("beta", {0, 1, 0, 1});
  EXPECT_EQ(e.output("mean"), (Values{5}));
  EXPECT_EQ(e.output("rstd"), (Values{0.5}));
  EXPECT_EQ(e.output("dst"), (Values{-1, 3, 3, -3}));
  e.with("diff_dst", {2, 0, 0, 1});
  EXPECT_EQ(e.output("diff_gamma"), (Values{-1, 0, 0, -0.5}));
  EXPECT_EQ(e.output("diff_beta"), (Values{2, 0, 0, 1}));
  // g = 4, 0, 0, 8: mean(g) = 3, mean(g * xhat) = -1.5, diff_src = (g - 3 + 1.5 xhat) / 2
  EXPECT_EQ(e.output("diff_src"), (Values{0.125, -1.125, -1.125, 2.125}));
}

// mean(src^2) = 13, so with eps = 3 rrms = 1/4; nothing is subtracted.
TEST(RmsNorm, ByHand) {
  Example e("rms_norm:mb=1,c=1,iw=2,eps=3");
  e.with("src", {1, 5}).with("gamma", {4, 8});
  EXPECT_EQ(e.output("rrms"), (Values{0.25}));
  EXPECT_EQ(e.output("dst"), (Values{1, 10}));
  e.with("diff_dst", {4, 2});
  EXPECT_EQ(e.output("diff_gamma"), (Values{1, 2.5}));
  // g = 16, 16: mean(g * xhat) = 12, diff_src = (16 - xhat * 12) / 4
  EXPECT_EQ(e.output("diff_src"), (Values{3.25, 0.25}));
}

// What differs is which elements share statistics; where the sets are equal, so are the results.
TEST(Normalizations, DifferInTheirSetsAlone) {
  const auto results = [](const std::string& text) {
    Example e(text + ",c=3,iw=2,eps=0.5,affine=0");
    e.with("src", {1, 4, -2, 7, 3, 5}).with("diff_dst", {2, -1, 5, 0, 1, 3});
    if (text.starts_with("batch_norm")) e.with("running_mean", {0, 0, 0}).with("running_var", {1, 1, 1});
    return std::pair(e.output("dst"), e.output("diff_src"));
  };
  EXPECT_EQ(results("instance_norm:mb=1"), results("group_norm:mb=1,g=3"));
  EXPECT_EQ(results("instance_norm:mb=1"), results("batch_norm:mb=1"));
  EXPECT_EQ(results("layer_norm:mb=1"), results("group_norm:mb=1,g=1"));
  EXPECT_NE(results("layer_norm:mb=1"), results("instance_norm:mb=1"));
  EXPECT_NE(results("layer_norm:mb=1"), results("rms_norm:mb=1"));
}

TEST(RmsNorm, ASingleElement) {
  Example e("rms_norm:mb=1,c=1,iw=1,eps=7,affine=0");
  e.with("src", {3}).with("diff_dst", {64});
  EXPECT_EQ(e.output("dst"), (Values{0.75}));
  EXPECT_EQ(e.output("diff_src"), (Values{7})) << "64 * 7 / (9 + 7)^1.5";
}

}  // namespace
}  // namespace gradproof::testing
