// Losses by hand: reductions, class weights, rows that are ignored, smoothing, kinks.
#include <gtest/gtest.h>

#include <cmath>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

const double kLog3 = std::log(3.0), kLog4 = std::log(4.0);

// Two rows whose shares are 1/4, 3/4 and 3/4, 1/4.
Example two_rows(const std::string& attributes) {
  Example e("softmax_cross_entropy:mb=2,c=2" + attributes);
  e.with("src", {0, kLog3, kLog3, 0});
  return e;
}

double only(const Values& values) {
  EXPECT_EQ(values.size(), 1U);
  return values.at(0);
}

TEST(SoftmaxCrossEntropy, Reductions) {
  const double rare = kLog4, common = kLog4 - kLog3;  // -log(1/4), -log(3/4)
  EXPECT_NEAR(only(two_rows("").with("target", {0, 0}).output("dst")), (rare + common) / 2, 1e-15);
  EXPECT_NEAR(only(two_rows(",reduction=2").with("target", {0, 0}).output("dst")), rare + common, 1e-15);
  const Values each = two_rows(",reduction=0").with("target", {0, 0}).output("dst");
  EXPECT_NEAR(each.at(0), rare, 1e-15);
  EXPECT_NEAR(each.at(1), common, 1e-15);
}

TEST(SoftmaxCrossEntropy, WeightsDivideTheMean) {
  Example e = two_rows(",weighted=1");
  e.with("target", {0, 1}).with("class_weights", {2, 6}).with("diff_dst", {1});
  EXPECT_NEAR(only(e.output("dst")), kLog4, 1e-15) << "(2 log 4 + 6 log 4) / 8";
  const Values gradient = e.output("diff_src");
  EXPECT_NEAR(gradient.at(0), 2.0 / 8 * (0.25 - 1), 1e-15);
  EXPECT_NEAR(gradient.at(1), 2.0 / 8 * 0.75, 1e-15);
  EXPECT_NEAR(gradient.at(3), 6.0 / 8 * (0.25 - 1), 1e-15);
}

TEST(SoftmaxCrossEntropy, IgnoredRowsCountNowhere) {
  for (const char* smoothing : {"", ",label_smoothing=0.5"}) {
    Example e = two_rows(std::string(",ignore_index=1") + smoothing);
    e.with("target", {0, 1}).with("diff_dst", {1});
    Example alone("softmax_cross_entropy:mb=1,c=2" + std::string(smoothing));
    alone.with("src", {0, kLog3}).with("target", {0}).with("diff_dst", {1});
    EXPECT_EQ(only(e.output("dst")), only(alone.output("dst")));
    EXPECT_EQ(e.output("diff_src").at(0), alone.output("diff_src").at(0));
    EXPECT_EQ(e.output("diff_src").at(2), 0);
  }
}

TEST(SoftmaxCrossEntropy, TheMeanOverNoRowsIsZero) {
  Example e = two_rows(",ignore_index=1,label_smoothing=0.25");
  e.with("target", {1, 1}).with("diff_dst", {1});
  EXPECT_EQ(only(e.output("dst")), 0);
  EXPECT_EQ(e.output("diff_src"), (Values{0, 0, 0, 0}));
}

TEST(SoftmaxCrossEntropy, LabelsThatAreNoClassesAreIgnored) {
  Example e = two_rows(",reduction=0");
  e.with("target", {-7, 2});
  EXPECT_EQ(e.output("dst"), (Values{0, 0}));
}

// Smoothing is a soft label.
TEST(SoftmaxCrossEntropy, SmoothingIsASoftLabel) {
  Example hard = two_rows(",label_smoothing=0.5");
  hard.with("target", {0, 1}).with("diff_dst", {1});
  Example soft = two_rows(",soft=1");
  soft.with("soft_target", {0.75, 0.25, 0.25, 0.75}).with("diff_dst", {1});
  EXPECT_NEAR(only(hard.output("dst")), only(soft.output("dst")), 1e-15);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(hard.output("diff_src").at(i), soft.output("diff_src").at(i), 1e-15);
  EXPECT_NEAR(soft.output("diff_soft_target").at(0), kLog4 / 2, 1e-15);
}

TEST(SoftmaxCrossEntropy, LargeScores) {
  Example e("softmax_cross_entropy:mb=2,c=2,reduction=0");
  e.with("src", {1e4, -1e4, 1e4, -1e4}).with("target", {0, 1}).with("diff_dst", {1, 1});
  EXPECT_EQ(e.output("dst"), (Values{0, 2e4}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 0, 1, -1}));
  EXPECT_EQ(e.output("max"), (Values{1e4, 1e4}));
  EXPECT_EQ(e.output("sum"), (Values{1, 1}));
}

TEST(Nll, ByHand) {
  Example e("nll:mb=3,c=2,weighted=1,ignore_index=2");
  e.with("src", {-1, -2, -3, -4, -5, -6}).with("target", {1, 0, 2}).with("class_weights", {3, 1}).with("diff_dst", {8});
  EXPECT_EQ(only(e.output("dst")), (2 * 1 + 3 * 3) / 4.0);
  EXPECT_EQ(e.output("diff_src"), (Values{0, -2, -6, 0, 0, 0}));
}

TEST(Pointwise, ByHand) {
  const auto loss = [](const std::string& text) {
    Example e(text);
    e.with("src", {1, -3, 2, 0.5}).with("target", {1, 1, 0, 0}).with("diff_dst", {4});
    return e;
  };
  EXPECT_EQ(loss("mse:mb=1,c=4").output("dst"), (Values{(16 + 4 + 0.25) / 4}));
  EXPECT_EQ(loss("mse:mb=1,c=4").output("diff_src"), (Values{0, -8, 4, 1}));
  EXPECT_EQ(loss("mse:mb=1,c=4").output("diff_target"), (Values{0, 8, -4, -1}));
  EXPECT_EQ(loss("l1:mb=1,c=4").output("dst"), (Values{6.5 / 4}));
  EXPECT_EQ(loss("l1:mb=1,c=4").output("diff_src"), (Values{0, -1, 1, 1}));
  EXPECT_EQ(loss("huber:mb=1,c=4,delta=2,reduction=2").output("dst"), (Values{2 * (4 - 1.0) + 2 + 0.125}));
  EXPECT_EQ(loss("huber:mb=1,c=4,delta=2").output("diff_src"), (Values{0, -2, 2, 0.5}));
}

TEST(BceWithLogits, LargeScoresAndWeightsOfPositives) {
  Example e("bce_with_logits:mb=1,c=4,pos_weight=1,reduction=0");
  e.with("src", {1e4, 1e4, -1e4, 0}).with("target", {1, 0, 1, 1}).with("pos_weight", {3, 3, 3, 5});
  e.with("diff_dst", {1, 1, 1, 1});
  const Values dst = e.output("dst");
  EXPECT_EQ(Values(dst.begin(), dst.begin() + 3), (Values{0, 1e4, 3e4}));
  EXPECT_NEAR(dst.at(3), 5 * std::log(2.0), 1e-14);
  EXPECT_EQ(e.output("diff_src"), (Values{0, 1, -3, -2.5}));
}

}  // namespace
}  // namespace gradproof::testing
