// The exactness file: what it refuses, what counts as worse, what a blessing changes, and what never passes.
#include "gate/exact/exactness.h"

#include <gtest/gtest.h>

#include <functional>

#include "ops/core/error.h"

namespace gradproof {
namespace {

using Kind = ExactnessChange::Kind;

const ExactnessScope kScope{"smoke", "1"};
constexpr const char* kHead =
    "gradproof exactness, schema 1\ntier smoke, seed 1\nblessed 2026-11-27: the first values\n";

Check check(const std::string& case_text, const std::string& impl, double worst, double ulps) {
  Check c;
  c.op = case_text.substr(0, case_text.find(':'));
  c.case_text = case_text;
  c.pass = "forward";
  c.oracle = "forward";
  c.impl = impl;
  c.tier = "smoke";
  c.seed = "1";
  c.status = Status::kPass;
  c.compared = 12;
  c.worst = worst;
  c.ulps = ulps;
  return c;
}

Records records_with(std::vector<Check> checks, std::vector<std::string> isas = {"AVX2", "SCALAR"}) {
  Records records;
  records.environments.emplace_back();
  records.environments.back().isas = std::move(isas);
  records.checks = std::move(checks);
  return records;
}

ExactnessRun run_with(std::vector<Check> checks) { return exactness_of(records_with(std::move(checks))); }

ExactnessFile blessed(const ExactnessRun& run) { return bless_exactness({kScope, {}, {}}, run, "first", "2026-11-27"); }

std::string complaint(const std::function<void()>& act) {
  try {
    act();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

std::string complaint_about(const std::string& text) {
  return complaint([&] { parse_exactness(text, "e.txt", kScope); });
}

void expect_says(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << "\"" << message << "\" should say \"" << part << "\"";
  EXPECT_EQ(message.find('\n'), std::string::npos) << "one sentence on one line";
}

ExactnessRun two_rows(double worst, double ulps) {
  return run_with({check("conv:a=1", "simd@avx2", 0.25, 3), check("relu:a=1", "simd@avx2", worst, ulps)});
}

TEST(ExactnessFile, ReadsBackWhatItPrints) {
  Check uncertain = check("conv:b=1", "simd@scalar", 1, 0);
  uncertain.ulps.reset();
  const ExactnessFile file = blessed(
      run_with({check("relu:b=2", "simd@avx2", 0.123456, 1234567), check("conv:b=1", "simd@avx2", 0, 0), uncertain}));
  const std::string text = exactness_text(file);
  EXPECT_EQ(parse_exactness(text, "e.txt", kScope), file);
  EXPECT_TRUE(
      text.ends_with("conv:b=1 forward AVX2 0 0\nconv:b=1 forward SCALAR 1 -\n"
                     "relu:b=2 forward AVX2 0.123 1.23e+06\n"))
      << text;
}

TEST(ExactnessFile, RefusesWithFileAndLine) {
  const std::string good = "conv:a=1 forward AVX2 0.25 3\n";
  EXPECT_EQ(complaint_about(kHead + good), "accepted");
  expect_says(complaint_about(""), "e.txt:1: the file ends within its head");
  expect_says(complaint_about("gradproof exactness, schema 1\n"), "e.txt:1: the file ends within its head");
  expect_says(complaint_about("conv:a=1 forward AVX2 0.25 3\n"), "e.txt:1: this is no exactness file");
  expect_says(complaint_about("gradproof exactness, schema 2\n"), "schema 2 is not known here");
  expect_says(complaint_about("gradproof exactness, schema 1\ntier full, seed 1\n"),
              "e.txt:2: 'tier full, seed 1' must be");
  expect_says(complaint_about("gradproof exactness, schema 1\ntier smoke, seed 2\n"),
              "e.txt:2: 'tier smoke, seed 2' must");
  const std::string head = kHead;
  expect_says(complaint_about(head + "conv:a=1 forward AVX2 0.25 3"), "e.txt:4: the last line is cut off");
  expect_says(complaint_about(head + "\n"), "e.txt:4: '' must be five words");
  expect_says(complaint_about(head + "conv:a=1 forward AVX2 0.25\n"), "must be five words");
  expect_says(complaint_about(head + "conv forward AVX2 0.25 3\n"), "'conv' is no case");
  expect_says(complaint_about(head + "conv:a=1 backward AVX2 0.25 3\n"), "must be forward, vjp or vjp:<slot>");
  expect_says(complaint_about(head + "conv:a=1 forward avx2 0.25 3\n"), "an instruction set like AVX2");
  for (const char* number : {"nan", "inf", "-0.1", "1.01", "0.1234", "x", "0x1p-3", "0.10", ""})
    expect_says(complaint_about(head + "conv:a=1 forward AVX2 " + number + " 3\n"), "must be a number from 0 to 1");
  for (const char* number : {"nan", "inf", "-1", "12345", "--"})
    expect_says(complaint_about(head + "conv:a=1 forward AVX2 0.1 " + number + "\n"), "must be a number from 0");
  expect_says(complaint_about(head + good + good), "e.txt:5: 'conv:a=1 forward AVX2' stands twice or out of order");
  expect_says(complaint_about(head + "relu:a=1 forward AVX2 0 0\n" + good), "twice or out of order");
  expect_says(complaint_about(head + good + "blessed 2026-11-27: late\n"), "must be five words");
  expect_says(complaint_about("gradproof exactness, schema 1\ntier smoke, seed 1\nblessed today\n"), "a blessing is");
  expect_says(complaint([] { read_exactness("/nowhere/e.txt", kScope); }), "/nowhere/e.txt: there is no exactness");
}

TEST(ExactnessOf, TakesTheWorstOfAKeyAndPassesOverTheRest) {
  Check peer = check("conv:a=1", "simd@avx2", 0.9, 90), fd = peer;
  peer.peer = true;
  fd.oracle = "fd";
  const ExactnessRun run = run_with({check("conv:a=1", "simd@avx2", 0.25, 3), check("conv:a=1", "simd@avx2", 0.5, 2),
                                     peer, fd, check("conv:a=1", "simd", 0.8, 80)});
  ASSERT_EQ(run.values.size(), 1U);
  const auto& [key, value] = *run.values.begin();
  EXPECT_EQ(key, (ExactnessKey{"conv", "conv:a=1", "forward", "AVX2"}));
  EXPECT_EQ(value, (Exactness{0.5, 3}));
}

TEST(ExactnessOf, RefusesWhatSaysNothing) {
  const Check good = check("conv:a=1", "simd@avx2", 0.25, 3);
  Check other_seed = good, other_tier = good;
  other_seed.seed = "2";
  other_tier.tier = "given";
  expect_says(complaint([&] { run_with({}); }), "no answer of forward or vjp");
  expect_says(complaint([&] { run_with({check("conv:a=1", "simd", 0.25, 3)}); }), "no answer of forward or vjp");
  expect_says(complaint([&] { run_with({good, other_seed}); }), "mix seeds 1 and 2");
  expect_says(complaint([&] { run_with({other_tier}); }), "tier 'given'");
  expect_says(complaint([&] { exactness_of(records_with({good}, {})); }), "names the instruction sets");
}

TEST(CompareExactness, SameValuesHold) {
  const ExactnessComparison result = compare_exactness(blessed(two_rows(0.5, 2)), two_rows(0.5, 2));
  EXPECT_TRUE(result.held());
  EXPECT_EQ(result.compared, 2U);
  EXPECT_TRUE(result.changes.empty());
}

TEST(CompareExactness, EitherNumberCanBeWorse) {
  const ExactnessFile file = blessed(two_rows(0.5, 2));
  const struct {
    double worst, ulps;
    Kind kind;
    bool held;
  } rows[] = {{0.501, 2, Kind::kWorse, false},
              {0.5, 2.01, Kind::kWorse, false},
              {0.4, 2.01, Kind::kWorse, false},
              {0.499, 2, Kind::kBetter, true},
              {0.5, 1.99, Kind::kBetter, true}};
  for (const auto& row : rows) {
    const ExactnessComparison result = compare_exactness(file, two_rows(row.worst, row.ulps));
    ASSERT_EQ(result.changes.size(), 1U) << row.worst << " " << row.ulps;
    EXPECT_EQ(result.changes[0].kind, row.kind) << row.worst << " " << row.ulps;
    EXPECT_EQ(result.held(), row.held) << row.worst << " " << row.ulps;
  }
  EXPECT_TRUE(compare_exactness(file, two_rows(0.5004, 2.004)).changes.empty()) << "below the printed precision";
  EXPECT_EQ(change_text(compare_exactness(file, two_rows(0.61, 2)).changes[0]),
            "worse: relu:a=1 forward AVX2, error / bound 0.5 -> 0.61, ulps 2 -> 2");
}

TEST(CompareExactness, AFailedCheckIsWorseWhateverItsNumber) {
  const ExactnessFile file = blessed(two_rows(0.5, 2));
  const std::function<void(Check&)> spoilers[] = {
      [](Check& c) { c.status = Status::kFail; }, [](Check& c) { c.worst.reset(); }, [](Check& c) { c.compared = 0; },
      [](Check& c) { c.compared.reset(); }, [](Check& c) { c.worst = 1.0001; }};
  for (const auto& spoil : spoilers) {
    Check bad = check("relu:a=1", "simd@avx2", 0.1, 1);
    spoil(bad);
    const ExactnessRun run = run_with({check("conv:a=1", "simd@avx2", 0.25, 3), bad});
    const ExactnessComparison result = compare_exactness(file, run);
    EXPECT_EQ(result.count(Kind::kWorse), 1U);
    EXPECT_FALSE(result.held());
    expect_says(complaint([&] { bless_exactness(file, run, "why", "2026-11-28"); }), "cannot be blessed");
    EXPECT_FALSE(compare_exactness({kScope, {}, {{{"conv", "conv:a=1", "forward", "AVX2"}, {0.25, 3}}}}, run).held());
  }
}

TEST(CompareExactness, AnUncertainLastPlaceIsWorseThanANumber) {
  Check uncertain = check("relu:a=1", "simd@avx2", 0.5, 0);
  uncertain.ulps.reset();
  const ExactnessRun run = run_with({check("conv:a=1", "simd@avx2", 0.25, 3), uncertain});
  EXPECT_EQ(compare_exactness(blessed(two_rows(0.5, 2)), run).changes.at(0).kind, Kind::kWorse);
  EXPECT_EQ(compare_exactness(blessed(run), two_rows(0.5, 2)).changes.at(0).kind, Kind::kBetter);
}

TEST(CompareExactness, NewAndGoneAreTold) {
  const ExactnessFile file = blessed(two_rows(0.5, 2));
  const ExactnessComparison result = compare_exactness(
      file, run_with({check("conv:a=1", "simd@avx2", 0.25, 3), check("add:a=1", "simd@avx2", 0.25, 3)}));
  ASSERT_EQ(result.changes.size(), 2U);
  EXPECT_EQ(result.changes[0].kind, Kind::kNew);
  EXPECT_EQ(result.changes[1].kind, Kind::kGone);
  EXPECT_FALSE(result.held());
}

TEST(CompareExactness, ASkipIsGoneWhereTheInstructionSetCouldRun) {
  Check skipped = check("relu:a=1", "simd@avx2", 0, 0);
  skipped.status = Status::kSkip;
  const ExactnessRun run = run_with({check("conv:a=1", "simd@avx2", 0.25, 3), skipped});
  EXPECT_EQ(compare_exactness(blessed(two_rows(0.5, 2)), run).changes.at(0).kind, Kind::kGone);
}

TEST(CompareExactness, WhatTheProcessorLacksIsNotRunAndNeverHeld) {
  const ExactnessFile file = blessed(two_rows(0.5, 2));
  Check lacking = check("conv:a=1", "simd@avx2", 0, 0);
  lacking.status = Status::kSkip;
  const ExactnessRun scalar =
      exactness_of(records_with({lacking, check("conv:a=1", "simd@scalar", 0.2, 2)}, {"SCALAR"}));
  const ExactnessComparison result = compare_exactness(file, scalar);
  EXPECT_EQ(result.not_run, (std::map<std::string, std::size_t>{{"AVX2", 2}}));
  EXPECT_EQ(result.compared, 0U);
  EXPECT_FALSE(result.held()) << "nothing was compared";
}

TEST(CompareExactness, OperationsThatWereNotAskedForAreLeftOut) {
  ExactnessRun run = run_with({check("conv:a=1", "simd@avx2", 0.25, 3)});
  run.ops = {"conv"};
  const ExactnessComparison result = compare_exactness(blessed(two_rows(0.5, 2)), run);
  EXPECT_TRUE(result.held());
  EXPECT_EQ(result.compared, 1U);
}

TEST(CompareExactness, OtherDataAreNotCompared) {
  Check full = check("conv:a=1", "simd@avx2", 0.25, 3);
  full.tier = "full";
  expect_says(complaint([&] { compare_exactness(blessed(two_rows(0.5, 2)), run_with({full})); }),
              "of tier smoke, seed 1, but tier full, seed 1");
}

TEST(BlessExactness, NeedsAReasonAndADate) {
  const ExactnessRun run = two_rows(0.5, 2);
  for (const char* reason : {"", "   ", "two\nlines"})
    EXPECT_NE(complaint([&] { bless_exactness({kScope, {}, {}}, run, reason, "2026-11-27"); }), "accepted");
  for (const char* date : {"", "today", "2026-11-2x", "2026-11-277"})
    EXPECT_NE(complaint([&] { bless_exactness({kScope, {}, {}}, run, "why", date); }), "accepted");
}

TEST(BlessExactness, ReplacesWhatRanAndKeepsTheRest) {
  const ExactnessFile first =
      blessed(run_with({check("conv:a=1", "simd@avx2", 0.25, 3), check("conv:a=1", "simd@scalar", 0.2, 2),
                        check("relu:a=1", "simd@scalar", 0.2, 2)}));
  const ExactnessRun scalar = exactness_of(records_with({check("conv:a=1", "simd@scalar", 0.3, 4)}, {"SCALAR"}));
  const ExactnessFile second = bless_exactness(first, scalar, "relu went", "2026-11-28");
  EXPECT_EQ(second.values, (ExactnessValues{{{"conv", "conv:a=1", "forward", "AVX2"}, {0.25, 3}},
                                            {{"conv", "conv:a=1", "forward", "SCALAR"}, {0.3, 4}}}));
  EXPECT_EQ(second.blessings, (std::vector<Blessing>{{"2026-11-27", "first"}, {"2026-11-28", "relu went"}}));
  EXPECT_TRUE(compare_exactness(second, scalar).held());
}

}  // namespace
}  // namespace gradproof
