#include "reports/summary.h"

#include <gtest/gtest.h>

#include "reports/fixture.h"
#include "reports/judge.h"

namespace gradproof {
namespace {

using nlohmann::json;

Summary summary_of(std::initializer_list<json> records) {
  std::string lines;
  for (const json& record : records) lines += record.dump() + "\n";
  return summarize(parse_lines(lines));
}

json check_with(const json& changes) {
  json check = a_check();
  check.update(changes);
  return check;
}

json timing_with(const json& changes) {
  json timing = a_timing();
  timing.update(changes);
  return timing;
}

TEST(Summary, OnePassIsVerified) {
  const Summary s = summary_of({a_check()});
  EXPECT_EQ(s.state, State::kVerified);
  EXPECT_EQ(s.sentence,
            "Verified: 1 check passed, none failed, none skipped; nothing was timed; machine not recorded.");
}

TEST(Summary, NothingCheckedIsNeverVerified) {
  EXPECT_EQ(summarize(Records{}).state, State::kIncomplete);
  EXPECT_EQ(summarize(Records{}).headline, "Not verified");
  EXPECT_NE(summarize(Records{}).sentence.find("nothing was checked"), std::string::npos);
  EXPECT_EQ(summary_of({check_with({{"status", "skip"}, {"reason", "no"}})}).state, State::kIncomplete);
  EXPECT_EQ(summary_of({a_timing()}).state, State::kIncomplete);
  EXPECT_EQ(summary_of({check_with({{"oracle", "self"}, {"mutant", "m"}})}).state, State::kIncomplete);
}

TEST(Summary, OneUncheckedOperationSpoilsTheVerdict) {
  const Summary s = summary_of({a_check(), check_with({{"op", "gelu"}, {"status", "skip"}, {"reason", "no"}})});
  EXPECT_EQ(s.state, State::kIncomplete);
  EXPECT_NE(s.sentence.find("nothing was checked for gelu"), std::string::npos);
}

TEST(Summary, PassThatComparedNothingIsAFailure) {
  json unknown = a_check();
  unknown.erase("compared");
  for (const json& record : {unknown, check_with({{"compared", 0}}), check_with({{"worst", 1.01}})}) {
    const Summary s = summary_of({record});
    EXPECT_EQ(s.state, State::kFailed) << record;
    ASSERT_EQ(s.failures.size(), 1u);
    EXPECT_NE(s.failures[0].reason.find("claims a pass but"), std::string::npos);
  }
}

TEST(Summary, MissedPlantedBugFails) {
  const json missed = check_with({{"oracle", "self"}, {"mutant", "m"}, {"status", "fail"}});
  const Summary s = summary_of({a_check(), missed});
  EXPECT_EQ(s.state, State::kFailed);
  EXPECT_NE(s.sentence.find("0 of 1 planted bug caught"), std::string::npos) << s.sentence;
  EXPECT_EQ(s.checks.all(), 1u) << "a planted bug is no check of an operation";
}

TEST(Summary, TimeWithoutVerdictIsWithheld) {
  json unproven = a_timing();
  unproven.erase("verified");
  for (const json& record : {unproven, timing_with({{"worst", 1.5}})}) {
    const Summary s = summary_of({a_check(), record});
    EXPECT_EQ(s.measured, 0u);
    EXPECT_EQ(s.refused, 1u);
    EXPECT_FALSE(s.operations.at(0).gflops.best.has_value());
    ASSERT_EQ(s.not_run.size(), 1u);
    EXPECT_NE(s.not_run[0].reason.find("withheld"), std::string::npos);
  }
}

TEST(Summary, PointAboveItsRoofIsAFault) {
  const Summary s = summary_of({a_check(), timing_with({{"roof", 1.2}})});
  EXPECT_TRUE(s.operations.at(0).timings.at(0).above_roof);
  ASSERT_FALSE(s.faults.empty());
  EXPECT_NE(s.faults.front().find("1 timing lies above the measured roof"), std::string::npos) << s.faults.front();
}

TEST(Summary, NoiseIsTheMedianRelativeSpread) {
  const Summary s =
      summary_of({a_check(), timing_with({{"samples_ns", {90, 100, 110}}}), timing_with({{"samples_ns", {100, 100}}}),
                  timing_with({{"samples_ns", {100, 100, 100, 101, 101}}})});
  ASSERT_TRUE(s.noise.has_value());
  EXPECT_NEAR(*s.noise, 0.01, 1e-9);
}

TEST(Summary, ThreadsAndRivals) {
  const Summary s =
      summary_of({a_check(), timing_with({{"ns", 100}}), timing_with({{"ns", 60}, {"threads", 2}}),
                  timing_with({{"ns", 150}, {"impl", "onednn"}}), timing_with({{"ns", 90}, {"impl", "simd@avx2"}})});
  ASSERT_EQ(s.scaling.size(), 1u);
  EXPECT_NEAR(s.scaling[0].speedup, 100.0 / 60, 1e-12);
  const auto& rows = s.operations.at(0).timings;
  EXPECT_EQ(rows.at(0).rival, "onednn") << "the same implementation on another instruction set is no rival";
  EXPECT_NEAR(*rows.at(0).speedup, 1.5, 1e-12);
  EXPECT_FALSE(rows.at(1).speedup.has_value());
}

TEST(Summary, LooseBoundsAreThoseNeverApproached) {
  const Summary s =
      summary_of({check_with({{"worst", 1e-4}, {"bound", 1}}), check_with({{"worst", 5e-4}, {"bound", 1}}),
                  check_with({{"worst", 0}, {"bound", 0}, {"oracle", "exact"}}),
                  check_with({{"worst", 0.2}, {"bound", 1}, {"oracle", "vjp"}, {"pass", "vjp:src"}}),
                  check_with({{"worst", 1e-12}, {"impl", "reference"}, {"oracle", "fd"}})});
  ASSERT_EQ(s.loose.size(), 1u);
  EXPECT_EQ(s.loose[0].oracle, "forward");
  EXPECT_EQ(s.loose[0].checks, 2u);
  EXPECT_EQ(s.loose[0].worst, 5e-4);
}

TEST(Summary, WorstRowsPutFailuresFirst) {
  const Summary s = summary_of({check_with({{"worst", 0.9}}), check_with({{"status", "fail"}, {"worst", 3}}),
                                check_with({{"status", "fail"}, {"got", "nan"}}), check_with({{"worst", 0.2}})});
  ASSERT_EQ(s.worst_rows.size(), 4u);
  EXPECT_EQ(s.worst_rows[0].check.got, "nan") << "a failure without a number is the worst of all";
  EXPECT_EQ(s.worst_rows[1].check.worst, 3);
  EXPECT_EQ(s.worst_rows[2].check.worst, 0.9);
}

TEST(Summary, ReasonsAreCounted) {
  const json skip = check_with({{"status", "skip"}, {"reason", "no AVX-512 here"}});
  const Summary s = summary_of({a_check(), skip, skip, check_with({{"status", "skip"}, {"reason", "other"}})});
  ASSERT_EQ(s.not_run.size(), 2u);
  EXPECT_EQ(s.not_run[0].count, 2u);
  EXPECT_EQ(s.not_run[0].reason, "no AVX-512 here");
}

TEST(Summary, DifferentMachinesAreAFault) {
  const json here = {{"schema", 1}, {"kind", "environment"}, {"processor", "A"}, {"flags", "-O3"}};
  json there = here;
  there["processor"] = "B";
  EXPECT_TRUE(summary_of({a_check(), here, here}).faults.empty());
  const Summary s = summary_of({a_check(), here, there});
  ASSERT_EQ(s.faults.size(), 1u);
  EXPECT_NE(s.faults[0].find("differ in processor"), std::string::npos);
}

TEST(Summary, CommandsAreSafeToPaste) {
  Check check = parse(check_with({{"case", "relu:mb=1; rm -rf 'x'"}, {"seed", 7}})).checks.at(0);
  EXPECT_EQ(repeat_command(check),
            "gradproof check 'relu:mb=1; rm -rf '\\''x'\\''' --impl simd --oracle forward --seed 7");
  check.repro = "as recorded";
  EXPECT_EQ(repeat_command(check), "as recorded");
  EXPECT_EQ(repeat_command(parse(a_timing()).timings.at(0)),
            "gradproof bench relu:mb=1,c=1,iw=3 --impl simd --threads 1");
}

}  // namespace
}  // namespace gradproof
