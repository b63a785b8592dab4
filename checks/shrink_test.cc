#include "checks/shrink.h"

#include <gtest/gtest.h>

#include "ops/register.h"

namespace gradproof {
namespace {

class ShrinkTest : public testing::Test {
 protected:
  std::string shrunk(const std::string& text, const std::function<bool(const Attributes&)>& fails) {
    const auto holds = [&](const Case& c) { return fails(c.attributes); };
    return shrink_case(registry_.parse_case(text), holds, 10).to_text();
  }

  Registry registry_ = register_operations();
};

TEST_F(ShrinkTest, KeepsOnlyWhatTheFailureNeeds) {
  const std::string big = "conv:mb=3,ic=6,ih=17,iw=19,oc=6,g=3,kh=5,kw=3,sh=2,sw=3,ph=2,pw=1,dw=2";
  // g = 2 needs ic and oc to change with it.
  EXPECT_EQ(shrunk(big, [](const Attributes& a) { return a.integer("g") > 1; }), "conv:mb=1,ic=2,iw=1,oc=2,g=2,kw=1");
  EXPECT_EQ(shrunk(big, [](const Attributes& a) { return a.integer("iw") >= 7 && a.integer("sw") > 1; }),
            "conv:mb=1,ic=1,iw=7,oc=1,kw=1,sw=2");
}

// 6 channels of 2 groups become 2 by neither half nor one less.
TEST_F(ShrinkTest, FindsSmallNumbersThatSuitTheOthers) {
  EXPECT_EQ(shrunk("conv:mb=1,ic=2,iw=1,oc=6,g=2,kw=1", [](const Attributes& a) { return a.integer("g") > 1; }),
            "conv:mb=1,ic=2,iw=1,oc=2,g=2,kw=1");
}

// Of one column a window of 1 has no padding, and one of 2 needs it.
TEST_F(ShrinkTest, LetsAKernelGoWithItsPadding) {
  EXPECT_EQ(shrunk("avg_pool:mb=1,c=1,ih=3,iw=1,kh=1,kw=2,pw_hi=1",
                   [](const Attributes& a) { return a.rank() > 1 && a.integer("ih") > 2 && a.integer("iw") == 1; }),
            "avg_pool:mb=1,c=1,ih=3,iw=1,kh=1,kw=1");
}

TEST_F(ShrinkTest, LeavesOutTheAxesThatDoNotMatter) {
  const std::string big = "conv:mb=2,ic=2,id=5,ih=6,iw=7,oc=2,kd=3,kh=3,kw=2,dh=2,ph=1";
  EXPECT_EQ(shrunk(big, [](const Attributes&) { return true; }), "conv:mb=1,ic=1,iw=1,oc=1,kw=1");
  EXPECT_EQ(shrunk(big, [](const Attributes& a) { return a.rank() > 1 && a.integer("dh") == 2; }),
            "conv:mb=1,ic=1,ih=1,iw=1,oc=1,kh=1,kw=1,dh=2");
}

TEST_F(ShrinkTest, EveryCaseThatIsTriedIsValid) {
  shrunk("max_pool:mb=2,c=3,ih=9,iw=8,k=3,s=2,p=1,ceil_mode=1", [&](const Attributes& a) {
    EXPECT_NO_THROW(make_case(registry_.find("max_pool").spec, a.to_text())) << a.to_text();
    return a.integer("ceil_mode") == 1;
  });
}

TEST_F(ShrinkTest, AFailureThatNeedsEverythingStaysAsItIs) {
  const std::string text = "linear:mb=3,ic=17,oc=5";
  EXPECT_EQ(shrunk(text, [](const Attributes&) { return false; }), text);
}

TEST_F(ShrinkTest, RespectsItsTime) {
  int calls = 0;
  const auto fails = [&](const Case&) { return ++calls, true; };
  shrink_case(registry_.parse_case("linear:mb=300,ic=170,oc=500"), fails, 0);
  EXPECT_LE(calls, 1);
}

}  // namespace
}  // namespace gradproof
