#include "checks/coloring.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace gradproof {
namespace {

// Every wanted column in exactly one group, and no row twice within a group.
void expect_valid(const Columns& columns, const std::vector<Index>& wanted,
                  const std::vector<std::vector<Index>>& groups) {
  std::multiset<Index> seen;
  for (const std::vector<Index>& group : groups) {
    std::set<Index> rows;
    for (Index column : group) {
      seen.insert(column);
      for (Index row : columns[static_cast<size_t>(column)]) EXPECT_TRUE(rows.insert(row).second) << "row " << row;
    }
  }
  EXPECT_EQ(seen, std::multiset<Index>(wanted.begin(), wanted.end()));
}

TEST(Coloring, ABandNeedsAsManyColorsAsItIsWide) {
  Columns columns(20);
  for (Index i = 0; i < 20; ++i)
    for (Index row = std::max<Index>(0, i - 2); row <= i; ++row) columns[static_cast<size_t>(i)].push_back(row);
  std::vector<Index> wanted(20);
  std::iota(wanted.begin(), wanted.end(), Index{0});
  const auto groups = color_columns(columns, wanted, 20);
  expect_valid(columns, wanted, groups);
  EXPECT_EQ(groups.size(), 3U);
}

TEST(Coloring, ADenseJacobianNeedsOneColorAColumn) {
  const Columns columns(5, {0, 1, 2});
  EXPECT_EQ(color_columns(columns, {0, 1, 2, 3, 4}, 3).size(), 5U);
}

TEST(Coloring, TakesOnlyTheWantedColumns) {
  const Columns columns{{0}, {0}, {1}, {}};
  const std::vector<Index> wanted{1, 2, 3};
  const auto groups = color_columns(columns, wanted, 2);
  expect_valid(columns, wanted, groups);
  EXPECT_EQ(groups.size(), 1U);
}

}  // namespace
}  // namespace gradproof
