// batch_norm by hand, with numbers whose roots are whole.
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

}  // namespace
}  // namespace gradproof::testing
