// The whole pipeline on programs whose speed is known. No clock is read: the times are the programs' answers.
#include "gate/trial.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "gate/calibration.h"
#include "gate/fake_program.h"
#include "gate/gate_record.h"

namespace gradproof {
namespace {

const std::vector<GateCase> kCases{{"conv", {"conv:ic=1", "forward"}}, {"relu", {"relu:c=1", "forward"}}};

class TrialTest : public testing::Test {
 protected:
  // Shell text that gives the time of a run of $case.
  GateResult compare(const std::string& baseline, const std::string& candidate, const std::string& copy,
                     const TrialHooks& hooks = {}) {
    Arena arena(
        {programs_.timed("baseline", baseline), programs_.timed("candidate", candidate), programs_.timed("copy", copy)},
        0, 1);
    return run_trial(arena, kCases, rules_, hooks);
  }
  GateResult compare(const std::string& candidate, const TrialHooks& hooks = {}) {
    return compare("echo 100000", candidate, "echo 100000", hooks);
  }

  static GateVerdict verdict_of(const GateResult& result, const std::string& op) {
    for (const auto& row : result.rows)
      if (row->op == op) return row->evidence.verdict;
    return GateVerdict::kInvalid;
  }

  FakePrograms programs_;
  GateRules rules_{.screening = {2, 1}, .confirmation = {10, 1}, .recurrence = {2, 1, true}, .controls = 1};
};

constexpr const char* kReluSlower = "case $case in relu*) echo 106000 ;; *) echo 100000 ;; esac";
constexpr const char* kReluFaster = "case $case in relu*) echo 90000 ;; *) echo 100000 ;; esac";

// Of operations; canaries are the same code in every program.
std::string all_rows(const std::string& ns) {
  return "case $case in canary*) echo 100000 ;; *) echo " + ns + " ;; esac";
}

TEST_F(TrialTest, CanariesThatMoveMakeEverythingInvalid) {
  EXPECT_EQ(compare("echo 103500").verdict, GateVerdict::kInvalid);
}

TEST_F(TrialTest, EqualProgramsPass) {
  const GateResult result = compare("echo 100000");
  EXPECT_EQ(result.verdict, GateVerdict::kPass) << result.reason;
  EXPECT_GT(result.batches, 0);
  EXPECT_LT(result.noise, 0.01);
}

// Everything takes half as long again in 8 turns of 11, whoever's they are.
TEST_F(TrialTest, WhatBothMeetTogetherIsNoDifference) {
  const std::string slow_spells =
      "turns=${0%/*}/turns; n=$(cat $turns 2>/dev/null || echo 0); echo $((n + 1)) > $turns; "
      "echo $((n % 11 < 8 ? 150000 : 100000))";
  const GateResult result = compare(slow_spells, slow_spells, slow_spells);
  EXPECT_EQ(result.verdict, GateVerdict::kPass) << result.reason;
  EXPECT_LT(result.noise, 0.01);
}

TEST_F(TrialTest, SlowerRowFailsAloneAndIsMeasured) {
  const GateResult result = compare(kReluSlower);
  EXPECT_EQ(result.verdict, GateVerdict::kFail);
  EXPECT_EQ(verdict_of(result, "relu"), GateVerdict::kFail);
  EXPECT_EQ(verdict_of(result, "conv"), GateVerdict::kPass);
  EXPECT_NEAR(result.rows[1]->evidence.change(), std::log(1.06), 0.002);
  EXPECT_EQ(exit_code_of(result.verdict, false), 10);
}

// 3.5 percent is beyond delta; one is not, and is not called a failure however certain it is.
TEST_F(TrialTest, SlowdownsWithinDeltaPass) {
  EXPECT_EQ(compare(all_rows("101000")).verdict, GateVerdict::kPass);
  EXPECT_EQ(compare(all_rows("103500")).verdict, GateVerdict::kFail);
}

TEST_F(TrialTest, FasterRowIsImproved) {
  const GateResult result = compare(kReluFaster);
  EXPECT_EQ(result.verdict, GateVerdict::kImproved);
  EXPECT_EQ(verdict_of(result, "relu"), GateVerdict::kImproved);
}

TEST_F(TrialTest, SameCodeCannotFail) {
  TrialHooks hooks;
  hooks.same_code = [](const std::string& op) { return op == "relu"; };
  EXPECT_EQ(compare(kReluSlower, hooks).verdict, GateVerdict::kLayout);
}

TEST_F(TrialTest, MovedControlsMakeEverythingInvalid) {
  const GateResult result = compare("echo 100000", "echo 100000", "echo 104000");
  EXPECT_EQ(result.verdict, GateVerdict::kInvalid);
  EXPECT_NE(result.reason.find("control"), std::string::npos) << result.reason;
  EXPECT_EQ(exit_code_of(result.verdict, false), 40);
}

TEST_F(TrialTest, RowsOfOtherInstructionSetsAreNotComparable) {
  const std::filesystem::path baseline = programs_.timed("baseline", "echo 100000");
  const std::filesystem::path candidate =
      programs_.scripted("other", R"(case $line in *hello*) echo '{"protocol":1,"environment":{}}' ;;
                  *load*) echo '{"ready":true,"isa":"OTHER","ns":1,"bits":"1"}' ;; esac)");
  Arena arena({baseline, candidate, baseline}, 0, 1);
  const GateResult result = run_trial(arena, kCases, rules_, {});
  EXPECT_EQ(result.verdict, GateVerdict::kNotComparable);
  EXPECT_NE(result.reason.find("OTHER"), std::string::npos) << result.reason;
  EXPECT_EQ(exit_code_of(result.verdict, false), 30);
}

// No timing without a verdict: a candidate that is wrong, or that lost a case, does not pass for want of a time.
TEST_F(TrialTest, RowsThatTheCandidateLostAreNoPass) {
  const std::filesystem::path baseline = programs_.timed("baseline", "echo 100000");
  const std::filesystem::path candidate =
      programs_.scripted("wrong", R"(case $line in *hello*) echo '{"protocol":1,"environment":{}}' ;;
                  *relu*load*|*load*relu*) echo '{"ready":false,"reason":"relu:c=1 is wrong at this size"}' ;;
                  *load*) echo '{"ready":true,"isa":"TOY","ns":100000,"bits":"1"}' ;;
                  *) echo '{"ns":[100000,100100,100050,100020],"disturbed":0,"stolen":0}' ;; esac)");
  Arena arena({baseline, candidate, baseline}, 0, 1);
  GateResult result = run_trial(arena, kCases, rules_, {});
  EXPECT_EQ(verdict_of(result, "relu"), GateVerdict::kLost);
  EXPECT_EQ(result.verdict, GateVerdict::kLost);
  EXPECT_EQ(exit_code_of(result.verdict, false), 1);
  EXPECT_NE(result.rows[1]->evidence.reason.find("wrong at this size"), std::string::npos);
  weigh_exactness(result, {.worse = {}, .better = {{"relu", "forward"}}});  // no trade makes up for it
  EXPECT_EQ(result.verdict, GateVerdict::kLost);
}

// A budget that is spent before anything is confirmed must not make the gate unable to fail.
TEST_F(TrialTest, WorstSuspectIsConfirmedWhateverTheBudget) {
  rules_.minutes = 0;
  EXPECT_EQ(compare(kReluSlower).verdict, GateVerdict::kFail);
}

TEST_F(TrialTest, UnknownErrorsAreNoPass) {
  GateResult result = compare("echo 100000");
  result.unknown_exactness = true;
  weigh_exactness(result, {});
  EXPECT_EQ(result.verdict, GateVerdict::kInconclusive);
}

TEST_F(TrialTest, DisturbedMachinesDecideNothing) {
  const std::filesystem::path program =
      programs_.scripted("disturbed", R"(case $line in *hello*) echo '{"protocol":1,"environment":{}}' ;;
                      *load*) echo '{"ready":true,"isa":"TOY","ns":100000,"bits":"1"}' ;;
                      *) echo '{"ns":[],"disturbed":16,"stolen":0}' ;; esac)");
  Arena arena({program, program, program}, 0, 1);
  const GateResult result = run_trial(arena, kCases, rules_, {});
  EXPECT_EQ(result.verdict, GateVerdict::kInvalid);
  EXPECT_GT(result.dropped, 0);
}

TEST_F(TrialTest, ExactnessTurnsImprovementsIntoTrades) {
  GateResult result = compare(kReluFaster);
  weigh_exactness(result, {.worse = {{"relu", "forward"}}, .better = {}});
  EXPECT_EQ(result.verdict, GateVerdict::kTrade);
}

TEST_F(TrialTest, LessExactFailsWhatTheClockLetsPass) {
  GateResult result = compare("echo 100000");
  weigh_exactness(result, {.worse = {{"lrn", "vjp:src"}}, .better = {}});  // a pass that was never timed
  EXPECT_EQ(result.verdict, GateVerdict::kLessExact);
  EXPECT_EQ(exit_code_of(result.verdict, false), 11);
}

TEST_F(TrialTest, SlowerAndMoreExactIsATrade) {
  GateResult result = compare(kReluSlower);
  weigh_exactness(result, {.worse = {}, .better = {{"relu", "forward"}}});
  EXPECT_EQ(result.verdict, GateVerdict::kTrade);
}

// "1.5% everywhere" is within delta for every row, and found by their mean.
TEST_F(TrialTest, SmallSlowdownsOfAllRowsAreFoundByTheirMean) {
  Arena arena({programs_.timed("baseline", "echo 100000"), programs_.timed("candidate", all_rows("101500")),
               programs_.timed("copy", "echo 100000")},
              0, 1);
  const std::vector<GateCase> cases{
      {"conv", {"conv:ic=1", "forward"}}, {"conv", {"conv:ic=2", "forward"}}, {"conv", {"conv:ic=3", "forward"}}};
  const GateResult result = run_trial(arena, cases, rules_, {});
  ASSERT_EQ(result.pools.size(), 1u);
  EXPECT_EQ(result.pools[0].evidence.verdict, GateVerdict::kFail);
  EXPECT_EQ(result.rows[0]->evidence.verdict, GateVerdict::kPass);
  EXPECT_EQ(result.verdict, GateVerdict::kFail);
}

TEST_F(TrialTest, RecordsHoldWhatWasFound) {
  const GateResult result = compare(kReluSlower);
  const std::vector<Record> records = gate_records(result, {});
  ASSERT_EQ(records.size(), 2u + 3u + 1u);  // rows; a control and two canaries; the whole
  EXPECT_NE(line_of(records[1]).find("\"verdict\":\"FAIL\""), std::string::npos);
  EXPECT_NE(line_of(records.back()).find("\"kind\":\"gate\""), std::string::npos);
}

TEST(Rhythm, TurnsAreShortAndLoadsLongEnough) {
  const Rhythm quick = Rhythm::of(1e3), slow = Rhythm::of(1e8);
  EXPECT_EQ(quick.batches, 2);
  EXPECT_NEAR(quick.iterations * quick.batches * 1e3, 0.6e6, 1e3);
  EXPECT_EQ(quick.rounds, 8);
  EXPECT_EQ(slow.iterations * slow.batches, 1);
  EXPECT_EQ(slow.rounds, 2);
  EXPECT_TRUE(Rhythm::of(0).set());  // a clock that does not see a run
}

TEST(CalibrationRecord, RoundTrips) {
  Calibration calibration;
  calibration.processor = "toy";
  calibration.rows = 40;
  calibration.quiet_runs = 100;
  calibration.effort = {16, 6};
  calibration.powers = {{0.05, 20, 19}};
  const Calibration read = calibration_of(calibration_record(calibration));
  EXPECT_EQ(read.to_text(), calibration.to_text());
  EXPECT_EQ(calibration.to_text(),
            "16 launches of 6 loads: 0 false alarms in 100 runs of 40 rows (at most 3.62%); +5% found in 19 of 20 "
            "(75.1% to 99.9%)");
}

TEST(CalibrationRecord, PartsOfMoreThanTheWholeAreNone) {
  Calibration calibration;
  calibration.alarms = 1;
  EXPECT_THROW(calibration_of(calibration_record(calibration)), nlohmann::json::exception);
  calibration.quiet_runs = 1;
  EXPECT_NO_THROW(calibration_of(calibration_record(calibration)));
  calibration.powers = {{0.05, 20, 21}};
  EXPECT_THROW(calibration_of(calibration_record(calibration)), nlohmann::json::exception);
}

}  // namespace
}  // namespace gradproof
