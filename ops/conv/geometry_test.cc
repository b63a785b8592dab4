#include "ops/conv/geometry.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

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
    EXPECT_EQ(outer_geometry(square_conv(1, 256, 14, 1), forward).subs.size(), 3U);
    EXPECT_EQ(outer_geometry(square_conv(1, 64, 56, 1), forward).subs.size(), 1U) << "a seventieth is not worth it";
    EXPECT_EQ(outer_geometry(square_conv(8, 16, 14, 1), forward).subs.size(), 1U) << "stacked images";
  }
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
