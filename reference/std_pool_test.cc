// std_pool by hand: padding, divisors, equal elements, special values; and that its masses know of no mean.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// Windows {1,3} {5,5}, and {1,3,5} {3,5,5}...: half the distance of two elements.
TEST(StdPool, OfTwoElements) {
  Example e("std_pool:mb=1,c=1,iw=4,kw=2,sw=2");
  e.with("src", {1, 3, 5, 5}).with("diff_dst", {4, 8});
  EXPECT_EQ(e.output("dst"), (Values{1, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{-2, 2, 0, 0}));
}

// 2, 4, 4, 4, 5, 5, 7, 9 have the mean 5 and deviate by 2; unbiased by sqrt(32 / 7).
TEST(StdPool, BiasedAndUnbiased) {
  const Values src{2, 4, 4, 4, 5, 5, 7, 9};
  Example e("std_pool:mb=1,c=1,ih=2,iw=4,kh=2,kw=4");
  e.with("src", src).with("diff_dst", {16});
  EXPECT_EQ(e.output("dst"), (Values{2}));
  EXPECT_EQ(e.output("diff_src"), (Values{-3, -1, -1, -1, 0, 0, 2, 4}));
  Example unbiased("std_pool:mb=1,c=1,ih=2,iw=4,kh=2,kw=4,unbiased=1");
  unbiased.with("src", src).with("diff_dst", {7 * std::sqrt(32.0 / 7)});
  EXPECT_NEAR(unbiased.output("dst").at(0), std::sqrt(32.0 / 7), 1e-15);
  EXPECT_NEAR(unbiased.output("diff_src").at(7), 4, 1e-14);
}

// Windows {_,1,3} {1,3,3} {3,3,_}: padding is no element. Overlap adds: 1 is in two windows.
TEST(StdPool, PaddingTakesNoPart) {
  Example e("std_pool:mb=1,c=1,iw=3,kw=3,pw=1");
  e.with("src", {1, 3, 3}).with("diff_dst", {2, 0, 5});
  const Values dst = e.output("dst");
  EXPECT_EQ(dst.at(0), 1);
  EXPECT_NEAR(dst.at(1), std::sqrt(8.0 / 9), 1e-15);
  EXPECT_EQ(dst.at(2), 0);
  EXPECT_EQ(e.output("diff_src"), (Values{-1, 1, 0}));
  Example corner("std_pool:mb=1,c=1,ih=1,iw=2,kh=2,kw=2,ph_hi=1");
  corner.with("src", {-4, 4}).with("diff_dst", {1});
  EXPECT_EQ(corner.output("dst"), (Values{4}));
}

TEST(StdPool, ThreeDimensionsAndChannels) {
  Example e("std_pool:mb=1,c=2,id=2,ih=1,iw=2,kd=2,kh=1,kw=2");
  e.with("src", {0, 2, 2, 0, 10, 10, 10, 50}).with("diff_dst", {4, 0});
  EXPECT_EQ(e.output("dst").at(0), 1);
  EXPECT_NEAR(e.output("dst").at(1), std::sqrt(300.0), 1e-14);
  EXPECT_EQ(e.output("diff_src"), (Values{-1, 1, 1, -1, 0, 0, 0, 0}));
}

template <class T>
class StdPoolSpecial : public ::testing::Test {};
using Scalars = ::testing::Types<Real, Precise, Dual<Real>, Mass<Real>, Margin<Real>, float>;
TYPED_TEST_SUITE(StdPoolSpecial, Scalars);

// Windows {7,7} {inf,2} {2,nan} {0,0}.
TYPED_TEST(StdPoolSpecial, EqualElementsInfinitiesAndNan) {
  Example e("std_pool:mb=1,c=1,iw=8,kw=2,sw=2");
  e.with("src", {7, 7, kInfinity, 2, 2, kNan, 0, -0.0}).with("diff_dst", {1, 2, 3, 4});
  const Values dst = e.output<TypeParam>("dst"), diff_src = e.output<TypeParam>("diff_src");
  EXPECT_EQ(dst[0], 0);
  EXPECT_TRUE(std::isnan(dst[1]));
  EXPECT_TRUE(std::isnan(dst[2]));
  EXPECT_EQ(dst[3], 0);
  for (size_t i : {0, 1, 6, 7}) EXPECT_EQ(diff_src[i], 0);
  for (size_t i : {2, 3, 4, 5}) EXPECT_TRUE(std::isnan(diff_src[i]));
}

// Elements that lie one unit in the last place apart: what they deviate by is known to a few roundings of itself.
TEST(StdPool, MassesKnowOfNoMean) {
  const Case c = registry().parse_case("std_pool:mb=1,c=1,iw=4,kw=4");
  Arrays<Mass<Real>> inputs;
  Array<Mass<Real>>& src = inputs.emplace("src", Array<Mass<Real>>(Shape{1, 1, 4})).first->second;
  for (Index i = 0; i < 4; ++i) src[i] = Mass<Real>(Real(10000 + (i % 2) * 0x1p-10));
  const auto dst = references().at("std_pool").evaluate<Mass<Real>>(c, inputs, "dst", Shape{1, 1, 1});
  EXPECT_EQ(static_cast<double>(dst.values[0].value), 0x1p-11);
  EXPECT_LT(dst.values[0].mass, 10 * 0x1p-11);
}

}  // namespace
}  // namespace gradproof::testing
