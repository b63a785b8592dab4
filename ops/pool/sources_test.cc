#include "ops/pool/sources.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/pool/adaptive_windows.h"
#include "ops/pool/phased_axis.h"

namespace gradproof {
namespace {

// Every axis: in 1 to 7, kernel 1 to 4, stride, dilation, and padding on both sides.
std::vector<PoolAxis> axes() {
  std::vector<PoolAxis> axes;
  for (Index in = 1; in <= 7; ++in)
    for (Index kernel = 1; kernel <= 4; ++kernel)
      for (Index stride = 1; stride <= 3; ++stride)
        for (Index dilation = 1; dilation <= 2; ++dilation)
          for (Index low = 0; low <= 2; ++low)
            for (Index high = 0; high <= 2; ++high)
              for (const bool ceil_mode : {false, true}) {
                const WindowAxis axis{in, kernel, stride, low, high, dilation, ceil_mode};
                if (axis.out() > 0) axes.emplace_back(axis);
              }
  return axes;
}

using List = std::vector<Index>;

List list(std::span<const Index> sources) { return {sources.begin(), sources.end()}; }

TEST(Sources, AreTheInputsOfWindowsAndTheWindowsOverInputs) {
  for (const PoolAxis& axis : axes()) {
    std::vector<List> inputs(static_cast<size_t>(axis.out)), windows(static_cast<size_t>(axis.in));
    for (Index tap = 0; tap < axis.kernel; ++tap)
      for (Index o = 0; o < axis.out; ++o) {
        const Index i = o * axis.stride - axis.pad + tap * axis.dilation;
        if (i < 0 || i >= axis.in) continue;
        inputs[static_cast<size_t>(o)].push_back(i);
        windows[static_cast<size_t>(i)].push_back(o);
      }
    const Sources of_windows = Sources::inputs_of_windows(axis), of_inputs = Sources::windows_over_inputs(axis);
    for (Index o = 0; o < axis.out; ++o) {
      EXPECT_EQ(list(of_windows.of(o)), inputs[static_cast<size_t>(o)]);
      EXPECT_EQ(axis.taps_inside(o), static_cast<Index>(inputs[static_cast<size_t>(o)].size()));
    }
    for (Index i = 0; i < axis.in; ++i) EXPECT_EQ(list(of_inputs.of(i)), windows[static_cast<size_t>(i)]);
  }
}

// Each input has a place, in the range that its phase says, and taps find it there.
TEST(PhasedAxis, HoldsEveryInputWhereTapsLookForIt) {
  constexpr Index kPitch = 100;
  for (const PoolAxis& axis : axes()) {
    const PhasedAxis phased(axis);
    List row(static_cast<size_t>(phased.stride * kPitch), -1);
    Index held = 0;
    for (Index r = 0; r < phased.stride; ++r) {
      EXPECT_LE(phased.end(r), phased.elements);
      for (Index x = phased.first(r); x < phased.end(r); ++x, ++held)
        row[static_cast<size_t>(r * kPitch + x)] = phased.input_of(r, x);
    }
    EXPECT_EQ(held, axis.in);
    for (Index o = 0; o < axis.out; ++o)
      for (Index k = 0; k < axis.kernel; ++k) {
        const Index place = phased.place_of_tap(axis, k, kPitch) + o, i = axis.input_of(o, k);
        EXPECT_LT(place % kPitch, phased.elements);
        EXPECT_EQ(row[static_cast<size_t>(place)], axis.holds(i) ? i : -1);
      }
  }
}

// The windows over an input are what a brute-force search finds.
TEST(AdaptiveAxis, WindowsOverInputsAreWindowsTheOtherWay) {
  for (Index in = 1; in <= 12; ++in)
    for (Index out = 1; out <= 12; ++out) {
      const AdaptiveAxis axis{in, out}, back = axis.windows_over_inputs();
      Index largest = 0, total = 0;
      for (Index o = 0; o < out; ++o) {
        EXPECT_GE(axis.size(o), 1);
        largest = std::max(largest, axis.size(o));
        total += axis.size(o);
        for (Index i = 0; i < in; ++i)
          EXPECT_EQ(axis.first(o) <= i && i < axis.end(o), back.first(i) <= o && o < back.end(i));
      }
      EXPECT_EQ(axis.first(0), 0);
      EXPECT_EQ(axis.end(out - 1), in);
      EXPECT_EQ(axis.largest(), largest);
      EXPECT_EQ(axis.total(), total);
      EXPECT_EQ(back.total(), total);
    }
}

void expect_runs(const Sources& sources, Index targets) {
  for (Index target = 0; target < targets; ++target) {
    ASSERT_GE(sources.run(target), 1);
    ASSERT_LE(target + sources.run(target), targets);
    for (Index on = 0; on < sources.run(target); ++on) {
      List moved = list(sources.of(target));
      for (Index& source : moved) source += on * sources.step();
      EXPECT_EQ(list(sources.of(target + on)), moved);
    }
  }
}

TEST(Sources, OfARunMoveOn) {
  for (const PoolAxis& axis : axes()) {
    expect_runs(Sources::inputs_of_windows(axis), axis.out);
    expect_runs(Sources::windows_over_inputs(axis), axis.in);
  }
}

// All rows of windows but those at the borders are summed in one call.
TEST(Sources, RunThroughTheMiddle) {
  const PoolAxis axis(WindowAxis{14, 3, 1, 1, 1});
  EXPECT_EQ(Sources::inputs_of_windows(axis).run(1), 12);
  EXPECT_EQ(Sources::windows_over_inputs(axis).run(1), 12);
}

}  // namespace
}  // namespace gradproof
