// Deformable convolution by hand.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// One output pixel with a 1x1 kernel of weight 2 on the image 1 2 / 3 5, sampled at the offset (y, x), with mask 10 and
// cotangent 1: everything about one sample.
struct OneSample {
  explicit OneSample(double y, double x) {
    e.with("src", {1, 2, 3, 5}).with("offset", fill(y, x)).with("mask", {10, 0, 0, 0}).with("weights", {2});
    e.with("diff_dst", {1, 0, 0, 0});
  }
  static Values fill(double y, double x) { return {y, 0, 0, 0, x, 0, 0, 0}; }
  double dst() const { return e.output("dst").at(0); }
  Values diff_offset() const { return {e.output("diff_offset").at(0), e.output("diff_offset").at(4)}; }
  double diff_mask() const { return e.output("diff_mask").at(0); }
  Values diff_src() const { return e.output("diff_src"); }
  double diff_weights() const { return e.output("diff_weights").at(0); }

  Example e{"deform_conv:mb=1,ic=1,ih=2,iw=2,oc=1,k=1,mask=1,bias=0"};
};

TEST(DeformConv, BilinearInsideACell) {
  const OneSample s(0.25, 0.5);  // 0.75 * 1.5 + 0.25 * 4
  EXPECT_EQ(s.dst(), 2 * 10 * 2.125);
  EXPECT_EQ(s.diff_weights(), 10 * 2.125);
  EXPECT_EQ(s.diff_mask(), 2 * 2.125);
  EXPECT_EQ(s.diff_offset(), (Values{20 * 2.5, 20 * (0.75 * 1 + 0.25 * 2)}));
  EXPECT_EQ(s.diff_src(), (Values{20 * 0.375, 20 * 0.375, 20 * 0.125, 20 * 0.125}));
}

TEST(DeformConv, CornersOutsideAreZero) {
  const OneSample s(-0.25, 1.5);  // half of 0.75 * 2
  EXPECT_EQ(s.dst(), 20 * 0.75);
  EXPECT_EQ(s.diff_offset(), (Values{20 * 0.5 * 2, 20 * 0.75 * -2}));
  EXPECT_EQ(s.diff_src(), (Values{0, 20 * 0.375, 0, 0}));
}

// On a border the cell is the one above it, as floor has it.
TEST(DeformConv, BordersBelongToTheCellAbove) {
  EXPECT_EQ(OneSample(0, 0).diff_offset(), (Values{20 * 2, 20 * 1}));
  EXPECT_EQ(OneSample(1, 0).diff_offset(), (Values{20 * -3, 20 * 2})) << "below row 1 there is nothing but zero";
  EXPECT_EQ(OneSample(1, 1).dst(), 20 * 5);
  EXPECT_EQ(OneSample(1, 1).diff_src(), (Values{0, 0, 0, 20}));
}

// -1 itself and the size itself are outside: no gradient, although the cell [-1, 0) has a slope.
TEST(DeformConv, CutoffAtMinusOneAndSize) {
  for (const auto& [y, x] : std::vector<std::pair<double, double>>{{-1, 0.5}, {0.5, -1}, {-1, -1}, {2, 0}, {0, 2}}) {
    const OneSample s(y, x);
    EXPECT_EQ(s.dst(), 0) << y << " " << x;
    EXPECT_EQ(s.diff_mask(), 0);
    EXPECT_EQ(s.diff_offset(), (Values{0, 0})) << y << " " << x;
    EXPECT_EQ(s.diff_src(), (Values{0, 0, 0, 0}));
  }
  EXPECT_EQ(OneSample(-0.875, 0).diff_offset(), (Values{20 * 1, 20 * 0.125 * 1}));
}

TEST(DeformConv, FarAwayIsZero) {
  for (const double far : {-1.5, 7.0, 1e30, -1e30, kInfinity, -kInfinity}) {
    for (const OneSample& s : {OneSample(far, 0.5), OneSample(0.5, far)}) {
      EXPECT_EQ(s.dst(), 0) << far;
      EXPECT_EQ(s.diff_offset(), (Values{0, 0})) << far;
      EXPECT_EQ(s.diff_src(), (Values{0, 0, 0, 0})) << far;
    }
  }
}

TEST(DeformConv, NanMakesTheSampleNanAndReachesNoSource) {
  for (const OneSample& s : {OneSample(kNan, 0.5), OneSample(0.5, kNan), OneSample(kNan, 100)}) {
    EXPECT_TRUE(std::isnan(s.dst()));
    EXPECT_TRUE(std::isnan(s.diff_mask()));
    EXPECT_TRUE(std::isnan(s.diff_weights()));
    EXPECT_TRUE(std::isnan(s.diff_offset().at(0)) && std::isnan(s.diff_offset().at(1)));
    EXPECT_EQ(s.diff_src(), (Values{0, 0, 0, 0}));
  }
}

// Two taps, two offset groups: channels of offset and mask are (group, tap, y or x).
TEST(DeformConv, ChannelsOfOffsetsAndMask) {
  Example e("deform_conv:mb=1,ic=2,ih=1,iw=3,oc=1,kh=1,kw=2,og=2,sw=2,mask=1");
  e.with("src", {1, 2, 3, 10, 20, 30}).with("weights", {1, 100, 10000, 1000000}).with("bias", {0.5});
  //             y  x of tap 0, y  x of tap 1 for either group
  e.with("offset", {0, 1, 0, 1, 0, 2, 5, 0}).with("mask", {1, 2, 3, 4});
  EXPECT_EQ(e.output("dst"), (Values{0.5 + 1 * 2 + 100 * 2 * 3 + 10000 * 3 * 30 + 0}));
}

// With zero offsets and no mask it is a convolution.
TEST(DeformConv, WithoutOffsetsIsAConvolution) {
  const std::string sizes = "mb=1,ic=4,ih=5,iw=4,oc=2,g=2,kh=3,kw=2,sh=2,ph=1,pw_lo=1,dw=2";
  Example plain("conv:" + sizes), deformed("deform_conv:" + sizes);
  const auto numbers = [](Index count, Index factor) {
    Values values;
    for (Index i = 0; i < count; ++i) values.push_back(static_cast<double>(i * factor % 7 - 3));
    return values;
  };
  deformed.with("offset", Values(static_cast<size_t>(element_count(deformed.shape("diff_offset"))), 0.0));
  for (Example* e : {&plain, &deformed})
    for (const char* slot : {"src", "weights", "bias"})
      e->with(slot, numbers(element_count(e->shape(std::string("diff_") + slot)), slot[0] == 's' ? 3 : 5));
  EXPECT_EQ(plain.output("dst"), deformed.output("dst"));
  for (Example* e : {&plain, &deformed}) e->with("diff_dst", numbers(element_count(e->shape("dst")), 2));
  for (const char* gradient : {"diff_src", "diff_weights", "diff_bias"})
    EXPECT_EQ(plain.output(gradient), deformed.output(gradient)) << gradient;
}

// The sparsity of a case is that of its nominal offsets.
TEST(DeformConv, DependsOnTheCornersOfItsSamples) {
  const Example e("deform_conv:mb=1,ic=1,ih=1,iw=5,oc=1,kh=1,kw=1,bias=0");
  Arrays<Depends> inputs = seeded<Depends>(e.c(), Pass::forward(), 1);
  for (Index i = 0; i < 5; ++i) inputs.at("src")[i] = Depends::input(i, 1);
  const double x[] = {0.5, 1.0, -1.25, 2.0, 0.25};  // at 0.5, 2, 0.75, 5 and 4.25
  for (Index i = 0; i < 5; ++i) {
    inputs.at("offset")[i] = Depends(0.0);
    inputs.at("offset")[5 + i] = Depends(x[i]);
  }
  const auto dst = e.reference().evaluate<Depends>(e.c(), inputs, "dst", e.shape("dst"));
  const std::vector<std::vector<Index>> expected{{0, 1}, {2, 3}, {0, 1}, {}, {4}};
  for (Index i = 0; i < 5; ++i) EXPECT_EQ(dst[i].inputs(), expected[static_cast<size_t>(i)]) << i;
}

}  // namespace
}  // namespace gradproof::testing
