#include "ops/conv/geometry.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "ops/conv/column_groups.h"
#include "ops/conv/outer_geometry.h"
#include "ops/simd/outer_problem.h"

namespace gradproof {
namespace {

// Every window along d: in 2 to 5, kernel 1 to 4, stride, dilation, and padding on both sides.
std::vector<Window> windows_along_d() {
  std::vector<Window> windows;
  for (Index in = 2; in <= 5; ++in)
    for (Index kernel = 1; kernel <= 4; ++kernel)
      for (Index stride = 1; stride <= 3; ++stride)
        for (Index dilation = 1; dilation <= 2; ++dilation)
          for (Index low = 0; low <= 3; ++low)
            for (Index high = 0; high <= 3; ++high) {
              Window window{3, {WindowAxis{in, kernel, stride, low, high, dilation}, WindowAxis{2}, WindowAxis{3}}};
              if (window.axes[0].out() > 0) windows.push_back(window);
            }
  return windows;
}

using Reads = std::map<Index, std::set<Index>>;  // taps of each output along d

// What the sub-convolutions compute; each output must be theirs once.
Reads reads_of(const ConvGeometry& geometry) {
  Reads reads;
  for (const SubConv& sub : geometry.subs)
    for (Index j = 0; j < sub.count[0]; ++j) {
      const auto [at, fresh] = reads.try_emplace(sub.start[0] + j * sub.step[0]);
      EXPECT_TRUE(fresh) << "an output is computed twice";
      for (const Tap& tap : sub.taps) at->second.insert(tap.number);
    }
  return reads;
}

TEST(Padding, SkippedForwardReadsTheTapsWithinTheInput) {
  for (const Window& window : windows_along_d()) {
    const WindowAxis& d = window.axes[0];
    Reads expected;
    for (Index o = 0; o < d.out(); ++o) {
      expected[o];
      for (Index k = 0; k < d.kernel; ++k) {
        const Index i = o * d.stride - d.pad_lo + k * d.dilation;
        if (i >= 0 && i < d.in) expected[o].insert(k);
      }
    }
    EXPECT_EQ(reads_of(ConvGeometry::forward(window, Padding::kSkippedInDepth)), expected);
  }
}

TEST(Padding, SkippedDataGradientReadsTheTapsOfWindowsThatExist) {
  for (const Window& window : windows_along_d()) {
    const WindowAxis& d = window.axes[0];
    Reads expected;
    for (Index i = 0; i < d.in; ++i) expected[i];
    for (Index o = 0; o < d.out(); ++o)
      for (Index k = 0; k < d.kernel; ++k) {
        const Index i = o * d.stride - d.pad_lo + k * d.dilation;
        if (i >= 0 && i < d.in) expected[i].insert(k);
      }
    EXPECT_EQ(reads_of(ConvGeometry::data_gradient(window, Padding::kSkippedInDepth)), expected);
  }
}

TEST(Padding, ReadMeansOneForwardSubConvolution) {
  for (const Window& window : windows_along_d()) EXPECT_EQ(ConvGeometry::forward(window).subs.size(), 1U);
}

ConvShape square_conv(Index mb, Index channels, Index size, Index stride) {
  const WindowAxis axis{size, 3, stride, 1, 1, 1};
  return {mb, channels, channels, 1, Window{2, {WindowAxis{1}, axis, axis}}};
}

TEST(OuterGeometry, LeavesOutRowsOfPaddingWhereThatPays) {
  for (const bool forward : {true, false}) {
    EXPECT_EQ(outer_geometry(square_conv(1, 256, 14, 1), forward).geometry.subs.size(), 3U);
    EXPECT_EQ(outer_geometry(square_conv(1, 64, 56, 1), forward).geometry.subs.size(), 1U)
        << "a seventieth is not worth it";
    EXPECT_EQ(outer_geometry(square_conv(8, 16, 14, 1), forward).geometry.subs.size(), 1U) << "stacked images";
  }
}

TEST(OuterGeometry, GroupsTheColumnsOfStackedImagesWhereThatPays) {
  for (const bool forward : {true, false}) {
    EXPECT_TRUE(outer_geometry(square_conv(8, 512, 7, 1), forward).groups_columns);
    EXPECT_FALSE(outer_geometry(square_conv(1, 512, 7, 1), forward).groups_columns) << "one image";
    EXPECT_FALSE(outer_geometry(square_conv(8, 16, 7, 1), forward).groups_columns) << "too few rows to gather for";
    EXPECT_FALSE(outer_geometry(square_conv(8, 64, 28, 1), forward).groups_columns) << "little padding";
  }
  EXPECT_FALSE(outer_geometry(square_conv(8, 512, 7, 2), false).groups_columns) << "steps";
}

// Where the taps of each output read in the planes, by (output, tap): in groups, the same as without, and all but
// padding.
TEST(ColumnGroups, ReadTheSameForEachOutputAndLeaveOutPaddingOnly) {
  const WindowAxis plain{7, 3, 1, 1, 1, 1}, uneven{9, 5, 1, 2, 3, 1}, strided{9, 3, 2, 1, 1, 1};
  for (const WindowAxis& axis : {plain, uneven, strided})
    for (const Index images : {1, 3, 8}) {
      const Window window{2, {WindowAxis{1}, axis, plain}};
      const ConvGeometry all = ConvGeometry::forward(window),
                         skipped = ConvGeometry::forward(window, Padding::kSkipped);
      const Index image_size = all.subs[0].pixels();
      std::map<std::pair<Index, Index>, Index> reads, grouped;
      const auto note = [](const SubConv& sub, Index pixel, Index output, auto& to) {
        for (const Tap& tap : sub.taps)
          EXPECT_TRUE(to.emplace(std::pair(output, tap.number), pixel + tap.offset).second);
      };
      for_each_row(all, all.subs[0], images, image_size, [&](Index pixel, Index output) {
        for (Index w = 0; w < all.subs[0].count[2]; ++w) note(all.subs[0], pixel + w, output + w, reads);
      });
      const std::vector<std::vector<Column>> groups = group_columns(skipped, images, image_size);
      size_t columns = 0, left_out = 0;
      for (size_t i = 0; i < groups.size(); ++i) {
        for (const Column& column : groups[i]) note(skipped.subs[i], column.pixel, column.output, grouped);
        columns += groups[i].size();
        left_out += groups[i].size() * (all.subs[0].taps.size() - skipped.subs[i].taps.size());
      }
      EXPECT_EQ(columns, static_cast<size_t>(images * image_size));
      EXPECT_EQ(grouped.size() + left_out, reads.size());
      for (const auto& [key, place] : grouped) EXPECT_EQ(place, reads.at(key));
      for (const SubConv& sub : skipped.subs)
        for_each_row(skipped, sub, images, image_size, [&](Index, Index output) {
          for (Index w = 0; w < sub.count[2]; ++w)
            for (const Tap& tap : sub.taps) EXPECT_TRUE(grouped.contains({output + w, tap.number}));
        });
    }
}

TEST(ColumnGroups, FillTilesWithTheBorder) {
  const WindowAxis axis{7, 3, 1, 1, 1, 1};
  const ConvGeometry geometry = ConvGeometry::forward(Window{2, {WindowAxis{1}, axis, axis}}, Padding::kSkipped);
  std::map<size_t, size_t> columns;  // by the number of taps
  const std::vector<std::vector<Column>> groups = group_columns(geometry, 8, 49);
  for (size_t i = 0; i < groups.size(); ++i) columns[geometry.subs[i].taps.size()] += groups[i].size();
  const std::map<size_t, size_t> expected{{4, 0}, {6, 4 * 48}, {9, 200}};
  EXPECT_EQ(columns, expected);
}

TEST(OuterGeometry, DepthIsThatOfTheDeepestSubConvolution) {
  // Of 40 channels 9 taps are 360 products, three blocks of 120; the 4 that meet in one input are one block of 160.
  const ConvShape strided = square_conv(1, 40, 9, 2);
  EXPECT_EQ(outer_depth(360), 123);
  EXPECT_EQ(outer_geometry_depth(strided, true), 123);
  EXPECT_EQ(outer_geometry_depth(strided, false), 161);
}

TEST(CompactTiles, OwnEveryOutputOnceAndLeaveSingleColumnsAtTheEnd) {
  const WindowAxis axis{7, 3, 1, 1, 1, 1};
  const ConvGeometry geometry = ConvGeometry::forward(Window{2, {WindowAxis{1}, axis, axis}});
  for (const Index lanes : {1, 8, 16})
    for (const Index single : {0, 1}) {
      const TilePlan plan = plan_compact_tiles(geometry, geometry.subs[0], 1, {lanes, 3, single}, 49);
      std::multiset<Index> owned;
      Index whole = 0;
      for (const TilePlan::Tile& tile : plan.tiles) {
        whole += tile.width % lanes == 0 ? 1 : 0;
        for (Index run = tile.first_run; run < tile.last_run; ++run)
          for (Index i = 0; i < plan.runs[static_cast<size_t>(run)].length; ++i)
            owned.insert(plan.runs[static_cast<size_t>(run)].output + i);
      }
      std::multiset<Index> all;
      for (Index output = 0; output < 49; ++output) all.insert(output);
      EXPECT_EQ(owned, all);
      EXPECT_EQ(plan.single_columns, single);
      if (single == 0) continue;
      EXPECT_EQ(plan.tiles.back().width, 1);
      EXPECT_GE(whole, static_cast<Index>(plan.tiles.size()) - 1) << "vectors before single columns are full";
    }
}

}  // namespace
}  // namespace gradproof
