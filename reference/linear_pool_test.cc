// avg_pool, sum_pool and subsample by hand: overlap, divisors, and special values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// Windows {_,2,4} {2,4,6} {4,6,8} {6,8,_}: overlapping, with padding.
TEST(SumPool, OverlapAndPadding) {
  Example e("sum_pool:mb=1,c=1,iw=4,kw=3,pw=1");
  e.with("src", {2, 4, 6, 8}).with("diff_dst", {1, 10, 100, 1000});
  EXPECT_EQ(e.output("dst"), (Values{6, 12, 18, 14}));
  EXPECT_EQ(e.output("diff_src"), (Values{11, 111, 1110, 1100}));
}

// Stride 2 with overlap: {1,2,3} {3,4,5}; with ceil_mode {5,6} as well. Dilation 2: {1,3} {2,4} {3,5} {4,6}.
TEST(SumPool, StrideCeilModeAndDilation) {
  const Values src{1, 2, 3, 4, 5, 6};
  Example e("sum_pool:mb=1,c=1,iw=6,kw=3,sw=2");
  e.with("src", src).with("diff_dst", {1, 10});
  EXPECT_EQ(e.output("dst"), (Values{6, 12}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 1, 11, 10, 10, 0}));
  EXPECT_EQ(Example("sum_pool:mb=1,c=1,iw=6,kw=3,sw=2,ceil_mode=1").with("src", src).output("dst"),
            (Values{6, 12, 11}));
  EXPECT_EQ(Example("sum_pool:mb=1,c=1,iw=6,kw=2,dw=2").with("src", src).output("dst"), (Values{4, 6, 8, 10}));
}

// 2 x 3 windows on two channels, and a cube of 2 x 2 x 2.
TEST(SumPool, TwoAndThreeDimensions) {
  Example e("sum_pool:mb=1,c=2,ih=2,iw=4,kh=2,kw=3");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2}).with("diff_dst", {1, 10, 100, 1000});
  EXPECT_EQ(e.output("dst"), (Values{24, 30, 0, 3}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 11, 11, 10, 1, 11, 11, 10, 100, 1100, 1100, 1000, 100, 1100, 1100, 1000}));
  Example cube("sum_pool:mb=1,c=1,id=2,ih=3,iw=2,kd=2,kh=2,kw=2");
  cube.with("src", {1, 2, 3, 4, 5, 6, 0, 0, 9, 0, 0, 0}).with("diff_dst", {1, 10});
  EXPECT_EQ(cube.output("dst"), (Values{19, 27}));
  EXPECT_EQ(cube.output("diff_src"), (Values{1, 1, 11, 11, 10, 10, 1, 1, 11, 11, 10, 10}));
}

// Windows {_,6} {12,18} {24,_}: the padding counts, unless it is told not to.
TEST(AvgPool, PaddingCountsIfItIsToldTo) {
  const Values src{6, 12, 18, 24}, diff_dst{2, 20, 200};
  Example with("avg_pool:mb=1,c=1,iw=4,kw=2,sw=2,pw=1");
  with.with("src", src).with("diff_dst", diff_dst);
  EXPECT_EQ(with.output("dst"), (Values{3, 15, 12}));
  EXPECT_EQ(with.output("diff_src"), (Values{1, 10, 10, 100}));
  Example without("avg_pool:mb=1,c=1,iw=4,kw=2,sw=2,pw=1,count_include_pad=0");
  without.with("src", src).with("diff_dst", diff_dst);
  EXPECT_EQ(without.output("dst"), (Values{6, 15, 24}));
  EXPECT_EQ(without.output("diff_src"), (Values{2, 10, 10, 200}));
}

// Windows {_,1,2} {3,4,5} {6,_,!}: the last overhangs what is padded by one, which counts in no way.
TEST(AvgPool, OverhangDoesNotCount) {
  const Values src{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(Example("avg_pool:mb=1,c=1,iw=6,kw=3,sw=3,pw=1,ceil_mode=1").with("src", src).output("dst"),
            (Values{1, 4, 3}));
  EXPECT_EQ(
      Example("avg_pool:mb=1,c=1,iw=6,kw=3,sw=3,pw=1,ceil_mode=1,count_include_pad=0").with("src", src).output("dst"),
      (Values{1.5, 4, 6}));
}

// Padding behind the input only, on a corner: 2 x 2 windows of 3 x 3 inputs with 1, 2 and 4 taps on the input.
TEST(AvgPool, TheDivisorIsAProductOfItsAxes) {
  Example e("avg_pool:mb=1,c=1,ih=3,iw=3,k=2,s=2,ph_hi=1,pw_hi=1,count_include_pad=0");
  e.with("src", {1, 2, 4, 5, 8, 6, 3, 9, 7}).with("diff_dst", {4, 2, 2, 1});
  EXPECT_EQ(e.output("dst"), (Values{4, 5, 6, 7}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, 1, 1, 1, 1, 1, 1, 1, 1}));
}

TEST(AvgPool, AGivenDivisorReplacesTheCount) {
  for (const char* text : {"avg_pool:mb=1,c=1,iw=4,kw=2,sw=2,pw=1,divisor=4",
                           "avg_pool:mb=1,c=1,iw=4,kw=2,sw=2,pw=1,divisor_override=4,count_include_pad=0"}) {
    Example e(text);
    e.with("src", {4, 8, 12, 16}).with("diff_dst", {4, 8, 12});
    EXPECT_EQ(e.output("dst"), (Values{1, 5, 4}));
    EXPECT_EQ(e.output("diff_src"), (Values{1, 2, 2, 3}));
  }
}

// Windows {1,2} {3,4} and {5,6} {7,8} on two channels.
TEST(Subsample, ScalesSumsByWhatItLearns) {
  Example e("subsample:mb=1,c=2,iw=4,kw=2,sw=2");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8}).with("coefficient", {2, -1}).with("bias", {10, 100});
  e.with("diff_dst", {1, 10, 100, 1000});
  EXPECT_EQ(e.output("dst"), (Values{16, 24, 89, 85}));
  EXPECT_EQ(e.output("diff_src"), (Values{2, 2, 20, 20, -100, -100, -1000, -1000}));
  EXPECT_EQ(e.output("diff_coefficient"), (Values{73, 16100}));
  EXPECT_EQ(e.output("diff_bias"), (Values{11, 1100}));
}

// Gradients of what is learned sum over the batch and over windows that overlap: {_,1,2} {1,2,3} {2,3,_}.
TEST(Subsample, SumsOverBatchAndOverlap) {
  Example e("subsample:mb=2,c=1,iw=3,kw=3,pw=1");
  e.with("src", {1, 2, 3, 0, 0, 4}).with("coefficient", {3}).with("bias", {1});
  e.with("diff_dst", {1, 10, 100, 2, 20, 200});
  EXPECT_EQ(e.output("dst"), (Values{10, 19, 16, 1, 13, 13}));
  EXPECT_EQ(e.output("diff_src"), (Values{33, 333, 330, 66, 666, 660}));
  EXPECT_EQ(e.output("diff_coefficient"), (Values{3 + 60 + 500 + 80 + 800}));
  EXPECT_EQ(e.output("diff_bias"), (Values{333}));
}

template <class T>
class LinearPoolSpecial : public ::testing::Test {};
using Scalars = ::testing::Types<Real, Precise, Dual<Real>, Mass<Real>, Margin<Real>, float>;
TYPED_TEST_SUITE(LinearPoolSpecial, Scalars);

// What is not finite stays in the windows that see it; padding multiplies nothing.
TYPED_TEST(LinearPoolSpecial, NanAndInfinityStayInTheirWindows) {
  for (const char* text : {"avg_pool:mb=1,c=1,iw=4,kw=2,sw=2,pw=1", "sum_pool:mb=1,c=1,iw=4,kw=2,sw=2,pw=1"}) {
    Example e(text);
    e.with("src", {kInfinity, 0, 0, kNan}).with("diff_dst", {kNan, 0, kInfinity});
    const Values dst = e.output<TypeParam>("dst"), diff_src = e.output<TypeParam>("diff_src");
    EXPECT_EQ(dst[0], kInfinity);
    EXPECT_EQ(dst[1], 0);
    EXPECT_TRUE(std::isnan(dst[2]));
    EXPECT_TRUE(std::isnan(diff_src[0]));
    EXPECT_EQ(diff_src[1], 0);
    EXPECT_EQ(diff_src[2], 0);
    EXPECT_EQ(diff_src[3], kInfinity);
  }
}

}  // namespace
}  // namespace gradproof::testing
