#include "cli/console.h"

#include <gtest/gtest.h>

namespace gradproof {
namespace {

TEST(Progress, ShowsShareTimeLeftAndWhat) {
  EXPECT_EQ(progress_text(0.5, 30, "conv", 80), "[############------------]  50%   0:30 left  conv");
  EXPECT_EQ(progress_text(0.25, 30, "conv", 80), "[######------------------]  25%   1:30 left  conv");
  EXPECT_EQ(progress_text(0, 1, "conv", 80), "[------------------------]   0%              conv");
  EXPECT_EQ(progress_text(1, 30, "conv", 80), "[########################] 100%   0:00 left  conv");
}

TEST(Progress, NeverClaimsToBeDoneTooSoonAndStaysWithinBounds) {
  EXPECT_NE(progress_text(0.9999, 30, "", 80).find(" 99%"), std::string::npos);
  EXPECT_EQ(progress_text(7, 1, "x", 80), progress_text(1, 1, "x", 80));
  EXPECT_EQ(progress_text(-1, 1, "x", 80), progress_text(0, 1, "x", 80));
}

TEST(Progress, IsCutBetweenCharacters) {
  EXPECT_EQ(progress_text(0.5, 30, "conv", 10), "[#########");
  EXPECT_EQ(progress_text(0.5, 30, "µµµ", 47), "[############------------]  50%   0:30 left  µµ");
  EXPECT_EQ(progress_text(0.5, 30, "conv", 0), "");
}

TEST(Console, ColourOnlyWhereWanted) {
  EXPECT_EQ(Console(false, false, false, 80).paint(Colour::kBad, "no"), "no");
  EXPECT_EQ(Console(true, true, true, 80).paint(Colour::kBad, "no"), "\033[31mno\033[0m");
  EXPECT_EQ(Console(true, true, true, 80).paint(Colour::kPlain, "no"), "no");
}

TEST(Console, ProgressIsSilentWithoutATerminal) {
  testing::internal::CaptureStderr();
  Console console(false, false, false, 80);
  console.progress(0.5, "conv");
  console.clear_progress();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Console, ALineTakesThePlaceOfTheBar) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  Console console(true, true, false, 40);
  console.progress(0.5, "conv");
  console.line("done");
  const std::string bar = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(bar.starts_with("\r\033[K[####")) << bar;
  EXPECT_TRUE(bar.ends_with("\r\033[K")) << bar;
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "done\n");
}

TEST(Table, AlignsNumbersRightAndWordsLeft) {
  const Console console(false, false, false, 80);
  const Table table{{"op", "time", "note"}, {{"conv", "12.3 µs", ""}, {"max_pool", "–", "slow"}}};
  const std::vector<std::string> expected{"op           time  note", "conv      12.3 µs", "max_pool        –  slow"};
  EXPECT_EQ(table.lines(console), expected);
}

TEST(Table, EscapesTakeNoRoom) {
  EXPECT_EQ(display_width("\033[31mno\033[0m"), 2U);
  EXPECT_EQ(display_width("µs"), 2U);
  EXPECT_EQ(display_width(""), 0U);
}

}  // namespace
}  // namespace gradproof
