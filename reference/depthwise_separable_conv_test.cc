// depthwise_separable_conv by hand, and as what it is: a grouped conv without bias, then a 1x1 conv.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(DepthwiseSeparableConv, ByHand) {
  Example e("depthwise_separable_conv:mb=1,ic=2,ih=1,iw=3,oc=1,kh=1,kw=2");
  e.with("src", {1, 2, 3, 10, 20, 30}).with("weights_dw", {1, 1, 2, -1}).with("weights_pw", {3, 5}).with("bias", {100});
  // In between: 3, 5 and 0, 10.
  EXPECT_EQ(e.output("dst"), (Values{109, 165}));
  e.with("diff_dst", {1, 10});
  EXPECT_EQ(e.output("diff_src"), (Values{3, 33, 30, 10, 95, -50}));
  EXPECT_EQ(e.output("diff_weights_dw"), (Values{63, 96, 1050, 1600}));
  EXPECT_EQ(e.output("diff_weights_pw"), (Values{53, 100}));
  EXPECT_EQ(e.output("diff_bias"), (Values{11}));
}

TEST(DepthwiseSeparableConv, NoGroupsGivenMeansOneAChannel) {
  const Values src = whole_numbers(3 * 12, 1), dw = whole_numbers(3 * 4, 2), pw = whole_numbers(2 * 3, 3);
  const std::string rest = "mb=1,ic=3,ih=3,iw=4,oc=2,kh=2,kw=2,bias=0";
  const auto dst = [&](const std::string& g) {
    Example e("depthwise_separable_conv:" + rest + g);
    return e.with("src", src).with("weights_dw", dw).with("weights_pw", pw).output("dst");
  };
  EXPECT_EQ(dst(""), dst(",g=3"));
}

TEST(DepthwiseSeparableConv, IsTwoConvs) {
  const std::string window = "kh=3,kw=2,sh=2,ph_lo=2,pw=1,dw=2";
  Example whole("depthwise_separable_conv:mb=2,ic=4,ih=7,iw=6,oc=3,g=2," + window);
  Example space("conv:mb=2,ic=4,ih=7,iw=6,oc=4,g=2,bias=0," + window);
  const Shape out = whole.shape("dst");
  Example mix("conv:mb=2,ic=4,ih=" + std::to_string(out[2]) + ",iw=" + std::to_string(out[3]) + ",oc=3,kh=1,kw=1");

  const Values src = whole_numbers(2 * 4 * 42, 1), dw = whole_numbers(4 * 2 * 6, 2);
  const Values pw = whole_numbers(3 * 4, 3), bias = whole_numbers(3, 4);
  whole.with("src", src).with("weights_dw", dw).with("weights_pw", pw).with("bias", bias);
  space.with("src", src).with("weights", dw);
  mix.with("src", space.output("dst")).with("weights", pw).with("bias", bias);
  EXPECT_EQ(whole.output("dst"), mix.output("dst"));

  const Values diff_dst = whole_numbers(element_count(out), 5);
  whole.with("diff_dst", diff_dst);
  mix.with("diff_dst", diff_dst);
  space.with("diff_dst", mix.output("diff_src"));
  EXPECT_EQ(whole.output("diff_src"), space.output("diff_src"));
  EXPECT_EQ(whole.output("diff_weights_dw"), space.output("diff_weights"));
  EXPECT_EQ(whole.output("diff_weights_pw"), mix.output("diff_weights"));
  EXPECT_EQ(whole.output("diff_bias"), mix.output("diff_bias"));
}

}  // namespace
}  // namespace gradproof::testing
