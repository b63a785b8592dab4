// lp_pool by hand: norms, windows of zeros, special values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// Windows {_,3,-4} {3,-4,0} {-4,0,-12} {0,-12,_}: padding is no part of a norm.
TEST(LpPool, SumsMagnitudes) {
  Example e("lp_pool:mb=1,c=1,iw=4,kw=3,pw=1,norm=1");
  e.with("src", {3, -4, 0, -12}).with("diff_dst", {1, 10, 100, 1000});
  EXPECT_EQ(e.output("dst"), (Values{7, 7, 16, 12}));
  EXPECT_EQ(e.output("diff_src"), (Values{11, -111, 0, -1100}));
}

// Windows {3,-4} and {0,-12}, then {6,8} {8,-6} {-6,0}.
TEST(LpPool, IsEuclideanUnlessToldOtherwise) {
  Example e("lp_pool:mb=1,c=1,iw=4,kw=2,sw=2");
  e.with("src", {3, -4, 0, -12}).with("diff_dst", {5, 2});
  EXPECT_EQ(e.output("dst"), (Values{5, 12}));
  EXPECT_EQ(e.output("diff_src"), (Values{3, -4, 0, -2}));
  Example overlapping("lp_pool:mb=1,c=1,iw=4,kw=2,norm=2");
  overlapping.with("src", {6, 8, -6, 0}).with("diff_dst", {10, 100, 1});
  EXPECT_EQ(overlapping.output("dst"), (Values{10, 10, 6}));
  EXPECT_EQ(overlapping.output("diff_src"), (Values{6, 88, -61, 0}));
}

// 3^3 + 4^3 + 5^3 = 6^3, and of one element its magnitude.
TEST(LpPool, AnyNorm) {
  Example e("lp_pool:mb=1,c=1,iw=3,kw=3,norm=3");
  e.with("src", {3, -4, 5}).with("diff_dst", {36});
  EXPECT_NEAR(e.output("dst").at(0), 6, 1e-15);
  const Values diff_src = e.output("diff_src");
  EXPECT_NEAR(diff_src.at(0), 9, 1e-14);
  EXPECT_NEAR(diff_src.at(1), -16, 1e-14);
  EXPECT_NEAR(diff_src.at(2), 25, 1e-14);
  Example one("lp_pool:mb=1,c=1,iw=2,kw=1,norm=1.5");
  one.with("src", {-7, 0.25}).with("diff_dst", {2, 3});
  EXPECT_EQ(one.output("dst"), (Values{7, 0.25}));
  EXPECT_EQ(one.output("diff_src"), (Values{-2, 3}));
}

// 2 x 2 windows of two channels, and a cube.
TEST(LpPool, TwoAndThreeDimensions) {
  Example e("lp_pool:mb=1,c=2,ih=2,iw=2,k=2");
  e.with("src", {1, -1, 1, 1, 2, 4, 5, 6}).with("diff_dst", {2, 9});
  EXPECT_EQ(e.output("dst"), (Values{2, 9}));
  EXPECT_EQ(e.output("diff_src"), (Values{1, -1, 1, 1, 2, 4, 5, 6}));
  Example cube("lp_pool:mb=1,c=1,id=2,ih=1,iw=2,kd=2,kh=1,kw=2,norm=2");
  cube.with("src", {1, 3, 3, 9}).with("diff_dst", {10});
  EXPECT_EQ(cube.output("dst"), (Values{10}));
  EXPECT_EQ(cube.output("diff_src"), (Values{1, 3, 3, 9}));
}

template <class T>
class LpPoolSpecial : public ::testing::Test {};
using Scalars = ::testing::Types<Real, Precise, Dual<Real>, Mass<Real>, Margin<Real>, float>;
TYPED_TEST_SUITE(LpPoolSpecial, Scalars);

// Windows {0,-0} {inf,2} {nan,0}. The norm of zeros is 0, and so is its gradient.
TYPED_TEST(LpPoolSpecial, ZerosInfinitiesAndNan) {
  for (const char* text : {"lp_pool:mb=1,c=1,iw=6,kw=2,sw=2,norm=2", "lp_pool:mb=1,c=1,iw=6,kw=2,sw=2,norm=3"}) {
    Example e(text);
    e.with("src", {0, -0.0, kInfinity, 2, kNan, 0}).with("diff_dst", {5, 6, 7});
    const Values dst = e.output<TypeParam>("dst"), diff_src = e.output<TypeParam>("diff_src");
    EXPECT_EQ(dst[0], 0);
    EXPECT_EQ(dst[1], kInfinity);
    EXPECT_TRUE(std::isnan(dst[2]));
    EXPECT_EQ(diff_src[0], 0);
    EXPECT_EQ(diff_src[1], 0);
    EXPECT_TRUE(std::isnan(diff_src[2]));
    EXPECT_EQ(diff_src[3], 0);
    EXPECT_TRUE(std::isnan(diff_src[4]));
    EXPECT_TRUE(std::isnan(diff_src[5]));
  }
}

// Powers that leave the range of double, though the norm is a number like any other.
TEST(LpPool, NoPowerOverflowsOrUnderflows) {
  for (const double scale : {0x1p-140, 0x1p120}) {
    Example e("lp_pool:mb=1,c=1,iw=2,kw=2,norm=16");
    e.with("src", {scale, -scale}).with("diff_dst", {1});
    EXPECT_NEAR(e.output("dst").at(0) / scale, std::pow(2.0, 1.0 / 16), 1e-14);
    EXPECT_NEAR(e.output("diff_src").at(1), -std::pow(2.0, -15.0 / 16), 1e-14);
  }
}

// What a norm may be off by stays near its rounding, whatever the data.
TEST(LpPool, MassesAreNearTheirValues) {
  for (const double p : {1.0, 1.5, 2.0, 3.0, 12.0})
    for (const Regime regime : {Regime::kNormal, Regime::kWide, Regime::kDenormal, Regime::kSparse}) {
      const Case c = registry().parse_case("lp_pool:mb=1,c=3,ih=5,iw=6,k=3,p=1,norm=" + std::to_string(p));
      const auto inputs = seeded<Mass<Real>>(c, Pass::forward(), 3, regime);
      const Argument dst = outputs_of(c, Pass::forward()).at(0);
      for (const Mass<Real>& x : references().at("lp_pool").evaluate<Mass<Real>>(c, inputs, "dst", dst.shape).values)
        EXPECT_LE(x.mass, (6 + 2 * p) * static_cast<double>(x.value)) << p << " " << regime_name(regime);
    }
}

}  // namespace
}  // namespace gradproof::testing
