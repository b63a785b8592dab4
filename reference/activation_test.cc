// relu by hand, and at the values where implementations differ.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

template <class T>
class Relu : public ::testing::Test {};
using Scalars = ::testing::Types<Real, Precise, Dual<Real>, Mass<Real>, Margin<Real>, float>;
TYPED_TEST_SUITE(Relu, Scalars);

TYPED_TEST(Relu, ByHand) {
  Example e("relu:mb=1,c=2,iw=2");
  e.with("src", {-2, 0, 0.5, 3}).with("diff_dst", {10, 20, 30, 40});
  EXPECT_EQ(e.output<TypeParam>("dst"), (Values{0, 0, 0.5, 3}));
  EXPECT_EQ(e.output<TypeParam>("diff_src"), (Values{0, 0, 30, 40}));
}

TYPED_TEST(Relu, SpecialValues) {
  Example e("relu:mb=1,c=1,iw=5");
  e.with("src", {kNan, -kInfinity, kInfinity, -0.0, -1e-310}).with("diff_dst", {1, 2, 3, 4, 5});
  const Values dst = e.output<TypeParam>("dst");
  EXPECT_TRUE(std::isnan(dst.at(0)));
  EXPECT_EQ(Values(dst.begin() + 1, dst.end()), (Values{0, kInfinity, 0, 0}));
  EXPECT_FALSE(std::signbit(dst.at(1))) << "a negative number becomes +0";
  EXPECT_TRUE(std::signbit(dst.at(3))) << "-0 stays -0";
  EXPECT_EQ(e.output<TypeParam>("diff_src"), (Values{1, 0, 3, 0, 0})) << "NaN passes the cotangent on, 0 does not";
}

}  // namespace
}  // namespace gradproof::testing
