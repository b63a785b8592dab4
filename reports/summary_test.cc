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

TEST(Summary, Threads) {
  const Summary s = summary_of({a_check(), timing_with({{"ns", 100}}), timing_with({{"ns", 60}, {"threads", 2}})});
  ASSERT_EQ(s.scaling.size(), 1u);
  EXPECT_NEAR(s.scaling[0].speedup, 100.0 / 60, 1e-12);
}

TEST(Summary, OursAreComparedWithEveryPeerOnTheSameWork) {
  const json peer = {{"peer", true}, {"impl", "onednn"}};
  json slow = timing_with(peer), blocked = timing_with(peer), elsewhere = timing_with(peer);
  slow["ns"] = 150;
  blocked.update({{"ns", 80}, {"impl", "onednn-blocked"}});
  elsewhere.update({{"ns", 1}, {"case", "relu:mb=1,c=1,iw=4"}});
  const Summary s = summary_of({a_check(), timing_with({{"ns", 100}}), timing_with({{"ns", 60}, {"threads", 2}}), slow,
                                blocked, elsewhere, timing_with({{"ns", 90}, {"impl", "simd@avx2"}})});
  const auto& rows = s.operations.at(0).timings;
  ASSERT_EQ(rows.at(0).faster.size(), 2u);
  EXPECT_EQ(rows.at(0).faster[0].peer, "onednn");
  EXPECT_NEAR(rows.at(0).faster[0].ratio, 1.5, 1e-12);
  EXPECT_EQ(rows.at(0).faster[1].peer, "onednn-blocked");
  EXPECT_NEAR(rows.at(0).faster[1].ratio, 0.8, 1e-12);
  EXPECT_TRUE(rows.at(1).faster.empty()) << "no peer ran on two threads";
  EXPECT_TRUE(rows.at(2).faster.empty()) << "a peer is not compared with itself, nor with other peers";
  EXPECT_NEAR(rows.at(5).faster[0].ratio, 150.0 / 90, 1e-12);
}

TEST(Summary, RatiosToPeersAreAveragedGeometrically) {
  json first = timing_with({{"ns", 100}}), second = timing_with({{"ns", 100}, {"case", "relu:mb=1,c=1,iw=4"}});
  json withheld = timing_with({{"ns", 1}, {"case", "relu:mb=1,c=1,iw=5"}});
  std::vector<json> theirs;
  for (const json& ours : {first, second, withheld}) {
    theirs.push_back(ours);
    theirs.back().update({{"peer", true}, {"impl", "onednn"}});
  }
  theirs[0]["ns"] = 400;
  theirs[1]["ns"] = 25;
  theirs[2].erase("verified");
  const Summary s = summary_of({a_check(), first, second, withheld, theirs[0], theirs[1], theirs[2]});
  ASSERT_EQ(s.against_peers.size(), 1u);
  EXPECT_EQ(s.against_peers[0].rows, 2u) << "a time that is withheld is nothing to be compared with";
  EXPECT_NEAR(s.against_peers[0].mean, 1, 1e-12);
  EXPECT_NEAR(s.against_peers[0].least, 0.25, 1e-12);
  EXPECT_NEAR(s.against_peers[0].most, 4, 1e-12);
}

TEST(Summary, WhatAPeerFailsIsAFindingAndNoFailure) {
  const json failure = check_with({{"impl", "onednn"}, {"peer", true}, {"status", "fail"}, {"worst", 7}});
  const Summary s = summary_of({a_check(), failure, failure, timing_with({{"peer", true}, {"roof", 1.9}})});
  EXPECT_EQ(s.state, State::kVerified);
  EXPECT_TRUE(s.failures.empty());
  EXPECT_TRUE(s.faults.size() == 1) << "only the missing environment: a peer's algorithm may do less work";
  EXPECT_EQ(s.checks.all(), 1u);
  EXPECT_EQ(s.worst_rows.size(), 0u);
  ASSERT_EQ(s.peer_findings.size(), 1u);
  EXPECT_EQ(s.peer_findings[0].count, 2u);
  EXPECT_NE(s.sentence.find("2 findings about peers"), std::string::npos) << s.sentence;
  EXPECT_EQ(summary_of({check_with({{"impl", "onednn"}, {"peer", true}})}).state, State::kIncomplete)
      << "a peer that passes verifies nothing of ours";
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

TEST(Summary, CoverageCountsTimedSizesAndPropertiesOfOtherOperations) {
  json property = check_with({{"oracle", "property"}, {"case", "a-law"}});
  property["operations"] = {"relu", "conv"};
  const json text = {{"schema", 1},
                     {"kind", "oracle"},
                     {"name", "property"},
                     {"question", "do laws hold?"},
                     {"asked_of", "operations with laws"}};
  const json conv = check_with({{"op", "conv"}, {"case", "conv:mb=1"}});
  const json timing = timing_with({{"verified", {"large"}}});
  const Summary s = summary_of({text, a_check(), property, conv, timing, timing});
  const auto cell = [&](const char* op, const char* oracle) -> const OracleCell* {
    for (const OperationRow& row : s.operations)
      for (const OracleCell& c : row.oracles)
        if (row.op == op && c.oracle == oracle) return &c;
    return nullptr;
  };
  ASSERT_NE(cell("conv", "property"), nullptr);
  EXPECT_EQ(cell("conv", "property")->properties, 1u);
  EXPECT_EQ(cell("conv", "property")->counts.all(), 0u) << "the check is counted once, for the first operation";
  ASSERT_NE(cell("relu", "large"), nullptr);
  EXPECT_EQ(cell("relu", "large")->timed, 1u) << "a size is counted once";
  for (const OracleRow& row : s.oracles) {
    EXPECT_EQ(row.asked_of, row.oracle == "property" ? "operations with laws" : "");
  }
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
