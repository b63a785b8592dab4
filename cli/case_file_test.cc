#include "cli/case_file.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

class CaseFileTest : public testing::Test {
 protected:
  std::vector<KeptCase> parse(const std::string& text) { return parse_cases(registry_, text, "kept.txt"); }
  std::string refusal(const std::string& text) {
    try {
      parse(text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  Registry registry_ = register_operations();
};

TEST_F(CaseFileTest, GivesBackWhatWasWritten) {
  const KeptCase one{"relu:mb=1,c=2,iw=4", 7}, other{"linear:mb=1,ic=3,oc=2", 1};
  const std::string text = case_line(one, "forward simd: wrong\nby far") + case_line(other, "");
  EXPECT_EQ(parse(text), (std::vector<KeptCase>{one, other}));
}

TEST_F(CaseFileTest, TakesCommentsEmptyLinesAndAnySpelling) {
  const KeptCase one{"relu:mb=1,c=2,ih=4,iw=4", 1};
  EXPECT_EQ(parse("# kept\n\n  relu:c=2,mb=1,i=4 # why\n"), std::vector<KeptCase>{one});
  EXPECT_TRUE(parse("# nothing\n").empty());
}

TEST_F(CaseFileTest, RefusesWhatIsNoCaseWithItsLine) {
  EXPECT_NE(refusal("relu:mb=1,c=2,iw=4\nbanana:mb=1\n").find("kept.txt:2: unknown operation 'banana'"),
            std::string::npos);
  EXPECT_NE(refusal("relu:mb=1,c=2,iw=4 seed=x").find("is not seed=N"), std::string::npos);
  EXPECT_NE(refusal("relu:mb=1,c=2,iw=4 seed=1 twice").find("at most a seed"), std::string::npos);
}

}  // namespace
}  // namespace gradproof
