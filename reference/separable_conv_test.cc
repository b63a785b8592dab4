// separable_conv by hand, and as what it is: conv with the outer product of its two vectors.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(SeparableConv, ByHand) {
  Example e("separable_conv:mb=1,ic=1,ih=2,iw=3,oc=1,kh=2,kw=2");
  e.with("src", {1, 2, 3, 4, 5, 6}).with("weights_v", {1, 10}).with("weights_h", {2, 3}).with("bias", {1000});
  EXPECT_EQ(e.output("dst"), (Values{1000 + 2 + 6 + 80 + 150, 1000 + 4 + 9 + 100 + 180}));
  e.with("diff_dst", {1, -1});
  EXPECT_EQ(e.output("diff_src"), (Values{2, 1, -3, 20, 10, -30}));
  // The gradient of the full kernel is -1 at every tap.
  EXPECT_EQ(e.output("diff_weights_v"), (Values{-5, -5}));
  EXPECT_EQ(e.output("diff_weights_h"), (Values{-11, -11}));
  EXPECT_EQ(e.output("diff_bias"), (Values{0}));
}

// weights[oc,ic,kh,kw] = v[oc,ic,kh] * h[oc,ic,kw].
Values outer_products(const Values& v, const Values& h, size_t kh, size_t kw) {
  Values weights;
  for (size_t kernel = 0; kernel * kh < v.size(); ++kernel)
    for (size_t row = 0; row < kh; ++row)
      for (size_t column = 0; column < kw; ++column) weights.push_back(v[kernel * kh + row] * h[kernel * kw + column]);
  return weights;
}

// The chain rule through the outer product, contracted over the columns and over the rows.
Values contract_columns(const Values& diff_weights, const Values& h, size_t kh, size_t kw) {
  Values diff_v(diff_weights.size() / kw, 0);
  for (size_t i = 0; i < diff_weights.size(); ++i) diff_v[i / kw] += diff_weights[i] * h[i / (kh * kw) * kw + i % kw];
  return diff_v;
}
Values contract_rows(const Values& diff_weights, const Values& v, size_t kh, size_t kw) {
  Values diff_h(diff_weights.size() / kh, 0);
  for (size_t i = 0; i < diff_weights.size(); ++i) diff_h[i / (kh * kw) * kw + i % kw] += diff_weights[i] * v[i / kw];
  return diff_h;
}

TEST(SeparableConv, IsConvWithTheOuterProduct) {
  const std::string text = "conv:mb=2,ic=4,ih=7,iw=6,oc=6,g=2,kh=3,kw=2,sh=2,ph_lo=2,pw=1,dw=2";
  const Values src = whole_numbers(2 * 4 * 42, 1), bias = whole_numbers(6, 2);
  const Values v = whole_numbers(6 * 2 * 3, 3), h = whole_numbers(6 * 2 * 2, 4);
  Example here("separable_" + text), there(text);
  here.with("src", src).with("weights_v", v).with("weights_h", h).with("bias", bias);
  there.with("src", src).with("weights", outer_products(v, h, 3, 2)).with("bias", bias);
  EXPECT_EQ(here.output("dst"), there.output("dst"));

  const Values diff_dst = whole_numbers(element_count(here.shape("dst")), 5);
  here.with("diff_dst", diff_dst);
  there.with("diff_dst", diff_dst);
  EXPECT_EQ(here.output("diff_src"), there.output("diff_src"));
  const Values diff_weights = there.output("diff_weights");
  EXPECT_EQ(here.output("diff_weights_v"), contract_columns(diff_weights, h, 3, 2));
  EXPECT_EQ(here.output("diff_weights_h"), contract_rows(diff_weights, v, 3, 2));
  EXPECT_EQ(here.output("diff_bias"), there.output("diff_bias"));
}

}  // namespace
}  // namespace gradproof::testing
