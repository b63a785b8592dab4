// Global pools by hand.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

TEST(GlobalPool, OneNumberAChannelOfEachImage) {
  const Values src{1, 2, 3, 6, 5, 5, 5, 5, 0, 0, 0, 8, -1, 1, -2, 2};
  const Values diff_dst{4, 8, 12, 16};
  Example average("global_avg_pool:mb=2,c=2,ih=2,iw=2");
  average.with("src", src).with("diff_dst", diff_dst);
  EXPECT_EQ(average.shape("dst"), (Shape{2, 2}));
  EXPECT_EQ(average.output("dst"), (Values{3, 5, 2, 0}));
  EXPECT_EQ(average.output("diff_src"), (Values{1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4}));
  Example sum("global_sum_pool:mb=2,c=2,ih=2,iw=2");
  sum.with("src", src).with("diff_dst", diff_dst);
  EXPECT_EQ(sum.output("dst"), (Values{12, 20, 8, 0}));
  EXPECT_EQ(sum.output("diff_src"), (Values{4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 16, 16, 16, 16}));
}

TEST(GlobalPool, TheFirstMaximumOfAChannelGetsItsGradient) {
  Example e("global_max_pool:mb=1,c=3,ih=2,iw=3");
  e.with("src", {1, 7, 3, 7, 5, 0, -4, -3, -2, -2, -9, -8, 0, 0, 0, 0, 0, 0}).with("diff_dst", {4, 8, 16});
  EXPECT_EQ(e.output("dst"), (Values{7, -2, 0}));
  EXPECT_EQ(e.output("argmax"), (Values{1, 2, 0}));
  EXPECT_EQ(e.output("diff_src"), (Values{0, 4, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0}));
}

// Any number of dimensions: a window as large as the input.
TEST(GlobalPool, EqualsAWindowOfTheWholeInput) {
  for (const char* sizes : {"mb=2,c=3,iw=7", "mb=2,c=3,ih=4,iw=3", "mb=2,c=3,id=2,ih=3,iw=2"}) {
    std::string windowed = std::string(sizes);
    for (const char* axis : {"d", "h", "w"})
      if (const size_t at = windowed.find(std::string("i") + axis + "="); at != std::string::npos)
        windowed += std::string(",k") + axis + windowed.substr(at + 2, 2);
    for (const char* kind : {"avg_pool:", "sum_pool:", "max_pool:"}) {
      Example global(std::string("global_") + kind + sizes), window(kind + windowed);
      const auto count = static_cast<Index>(element_count(global.shape("diff_src")));
      for (Example* e : {&global, &window})
        e->with("src", whole_numbers(count, 1)).with("diff_dst", whole_numbers(6, 2));
      EXPECT_EQ(global.output("dst"), window.output("dst")) << kind << windowed;
      EXPECT_EQ(global.output("diff_src"), window.output("diff_src")) << kind << windowed;
    }
  }
}

}  // namespace
}  // namespace gradproof::testing
