#include "ops/core/shape.h"

#include <gtest/gtest.h>

namespace gradproof {
namespace {

TEST(Extents, HoldUpToSixValuesAndCompareByValue) {
  Extents e{1, 2, 3, 4, 5};
  e.push_back(6);
  EXPECT_EQ(e.rank(), kMaxRank);
  EXPECT_EQ(e[5], 6);
  EXPECT_EQ(e, (Extents{1, 2, 3, 4, 5, 6}));
  EXPECT_FALSE(e == (Extents{1, 2, 3, 4, 5}));
  EXPECT_FALSE((Extents{1, 2}) == (Extents{2, 1}));
  EXPECT_EQ(Extents::filled(3, 7), (Extents{7, 7, 7}));
  EXPECT_EQ(Extents().rank(), 0);
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(element_count({2, 3, 5}), 30);
  EXPECT_EQ(element_count({2, 0, 5}), 0);
  EXPECT_EQ(element_count({}), 1);
}

TEST(Shape, DenseStridesAreRowMajor) {
  EXPECT_EQ(dense_strides({2, 3, 5}), (Strides{15, 5, 1}));
  EXPECT_EQ(dense_strides({7}), (Strides{1}));
  EXPECT_EQ(dense_strides({}), (Strides{}));
}

TEST(Shape, PositionsAndNumbersAreInverse) {
  const Shape shape{2, 3, 1, 5};
  Position position = Position::filled(shape.rank(), 0);
  for (Index linear = 0; linear < element_count(shape); ++linear) {
    EXPECT_EQ(position_of(linear, shape), position);
    EXPECT_EQ(linear_of(position, shape), linear);
    EXPECT_EQ(advance(position, shape), linear + 1 < element_count(shape));
  }
  EXPECT_EQ(position, Position::filled(shape.rank(), 0));
}

TEST(Shape, Texts) {
  EXPECT_EQ(shape_text({2, 3, 8, 8}), "2x3x8x8");
  EXPECT_EQ(position_text({1, 2, 7, 7}), "[1,2,7,7]");
  EXPECT_EQ(shape_text({}), "");
}

}  // namespace
}  // namespace gradproof
