#include "cli/gate_plan.h"

#include <gtest/gtest.h>

#include "cli/gate_tables.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

class GatePlanTest : public testing::Test {
 protected:
  GatePlan plan(const std::vector<std::string>& words, double minutes) const {
    GateCommand command;
    command.wish.words = words;
    GateRules rules;
    rules.minutes = minutes;
    return plan_gate(command, rules, registry_);
  }

  const Registry registry_ = register_operations();
  const std::string small_ = "relu:mb=1,c=8,ih=16,iw=16";
  const std::string large_ = "relu:mb=32,c=64,ih=112,iw=112";  // 206 MB: 2 s to load, 120 times to confirm
};

TEST_F(GatePlanTest, EveryPassIsARow) {
  const GatePlan all = plan({small_}, 5);
  ASSERT_EQ(all.cases.size(), 2u);
  EXPECT_EQ(all.cases[0].key.pass, "forward");
  EXPECT_EQ(all.cases[1].key.pass, "vjp:src");
  EXPECT_EQ(all.left_out, 0u);
}

TEST_F(GatePlanTest, RowsThatTheMinutesCannotConfirmAreLeftOut) {
  const GatePlan short_ones = plan({small_, large_}, 5);
  ASSERT_EQ(short_ones.cases.size(), 2u);
  EXPECT_EQ(short_ones.cases[0].key.case_text.substr(0, 9), "relu:mb=1");
  EXPECT_EQ(short_ones.left_out, 2u);
  EXPECT_EQ(plan({small_, large_}, 60).left_out, 0u);
}

// A gate that watches nothing could not fail.
TEST_F(GatePlanTest, OneRowStaysWhateverTheMinutes) { EXPECT_EQ(plan({large_}, 0).cases.size(), 1u); }

TEST_F(GatePlanTest, ScreeningTakesHalfOfTheMinutesAtMost) {
  for (const double minutes : {2.0, 5.0, 10.0}) {
    const GatePlan standard = plan({}, minutes);
    EXPECT_GT(standard.screening_seconds, 0);
    EXPECT_LE(standard.screening_seconds, minutes * 30);
  }
}

// 16 launches at a level of 1%: (2.326 + 1.645) deviations of their mean beyond 2%.
TEST(GatePlanText, DetectableSlowdownIsTheCalibrationsOfThisEffort) {
  const GateRules rules;
  Calibration calibration;
  calibration.effort = rules.confirmation;
  calibration.noise = 0.012;
  EXPECT_NE(detectable_text(rules, calibration).find("1.2% a launch, it finds slowdowns from 3.2% on"),
            std::string::npos);
  const std::string unknown = detectable_text(rules, std::nullopt);
  EXPECT_NE(unknown.find("--calibrate"), std::string::npos);
  --calibration.effort.loads;
  EXPECT_EQ(detectable_text(rules, calibration), unknown);
}

}  // namespace
}  // namespace gradproof
