#include "cli/journal.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"

namespace gradproof {
namespace {

Records with_check(Status status) {
  Records records;
  records.checks.push_back({});
  records.checks.back().status = status;
  records.checks.back().reason = "no AVX-512";
  return records;
}

Records with_timing(Outcome outcome) {
  Records records;
  records.timings.push_back({});
  records.timings.back().outcome = outcome;
  return records;
}

Records both(Records a, const Records& b) {
  a.checks.insert(a.checks.end(), b.checks.begin(), b.checks.end());
  a.timings.insert(a.timings.end(), b.timings.begin(), b.timings.end());
  return a;
}

TEST(Judge, OnlyWhatWasCheckedOrMeasuredCanHold) {
  EXPECT_EQ(judge(with_check(Status::kPass)), kHeld);
  EXPECT_EQ(judge(with_timing(Outcome::kMeasured)), kHeld);
  EXPECT_EQ(judge(both(with_check(Status::kPass), with_check(Status::kSkip))), kHeld);
}

TEST(Judge, OneFailureFailsTheRun) {
  EXPECT_EQ(judge(both(with_check(Status::kPass), with_check(Status::kFail))), kFailed);
  EXPECT_EQ(judge(both(with_timing(Outcome::kMeasured), with_timing(Outcome::kRefused))), kFailed);
}

TEST(Judge, WhatPeersFailFailsNobody) {
  Records finding = with_check(Status::kFail), refused = with_timing(Outcome::kRefused);
  finding.checks.back().peer = true;
  refused.timings.back().peer = true;
  EXPECT_EQ(judge(finding), kHeld);
  EXPECT_EQ(judge(both(with_timing(Outcome::kMeasured), refused)), kHeld);
  EXPECT_EQ(judge(both(finding, with_check(Status::kFail))), kFailed);
}

TEST(Judge, NothingIsNeverSuccess) {
  EXPECT_THROW(judge({}), UsageError);
  EXPECT_THROW(judge(with_timing(Outcome::kSkipped)), UsageError);
  try {
    judge(with_check(Status::kSkip));
    FAIL() << "held";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "nothing was checked or measured (no AVX-512); choose other cases or another implementation");
  }
}

}  // namespace
}  // namespace gradproof
