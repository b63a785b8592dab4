// Which checks a wish comes down to.
#include "checks/task.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "ops/register.h"

namespace gradproof {
namespace {

class TaskTest : public testing::Test {
 protected:
  std::vector<Task> plan(CheckOptions options) { return plan_tasks(registry_, references_, oracles_, options); }
  std::set<std::string> cases(CheckOptions options) {
    std::set<std::string> texts;
    for (const Task& task : plan(std::move(options))) texts.insert(task.c.to_text());
    return texts;
  }
  std::string refusal(const CheckOptions& options) {
    try {
      plan(options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  Registry registry_ = register_operations();
  References references_ = register_references();
  std::vector<Oracle> oracles_ = all_oracles();
};

TEST_F(TaskTest, FullHoldsSmoke) {
  const auto smoke = cases({.tier = CheckTier::kSmoke}), full = cases({.tier = CheckTier::kFull});
  EXPECT_LT(smoke.size(), full.size());
  for (const std::string& text : smoke) EXPECT_TRUE(full.contains(text)) << text;
}

TEST_F(TaskTest, PatternsAreNamesGlobsOrCaseTexts) {
  for (const std::string& text : cases({.patterns = {"relu"}})) EXPECT_TRUE(text.starts_with("relu:")) << text;
  for (const std::string& text : cases({.patterns = {"*iw=33*"}}))
    EXPECT_NE(text.find("iw=33"), std::string::npos) << text;
  EXPECT_EQ(cases({.patterns = {"relu:mb=4,c=3,iw=5"}}), std::set<std::string>{"relu:mb=4,c=3,iw=5"});
  EXPECT_EQ(cases({.patterns = {"linear", "linear"}}), cases({.patterns = {"linear"}}));
}

TEST_F(TaskTest, WhatMatchesNothingIsRefused) {
  EXPECT_NE(refusal({.patterns = {"banana"}}).find("banana"), std::string::npos);
  EXPECT_NE(refusal({.patterns = {"relu*kh=3*"}}).find("matches no case"), std::string::npos);
  EXPECT_NE(refusal({.oracles = {"delphi"}}).find("unknown oracle 'delphi'"), std::string::npos);
  EXPECT_NE(refusal({.implementation = "cuda"}).find("cuda"), std::string::npos);
  EXPECT_NE(refusal({.patterns = {"batch_norm"}, .oracles = {"exact"}}).find("nothing would be checked"),
            std::string::npos);
}

TEST_F(TaskTest, TheReferenceIsAskedOnceHoweverManyImplementationsThereAre) {
  std::set<std::string> asked;
  for (const Task& task : plan({.patterns = {"conv"}, .oracles = {"fd", "adjoint"}})) {
    EXPECT_EQ(task.implementation, nullptr);
    EXPECT_TRUE(asked.insert(task.oracle->name + task.c.to_text() + task.pass.to_text()).second);
  }
}

TEST_F(TaskTest, TasksOfACaseLieNextToEachOther) {
  std::set<std::string> finished;
  std::string current;
  for (const Task& task : plan({})) {
    if (task.c.to_text() == current) continue;
    EXPECT_TRUE(finished.insert(current).second) << current;
    current = task.c.to_text();
  }
}

TEST_F(TaskTest, ACaseOfBenchmarkSizeIsSampled) {
  for (const char* text : {"conv:mb=1,ic=64,i=56,oc=64,k=3,p=1", "relu:mb=1,c=64,i=112"})
    for (const Task& task : plan({.patterns = {text}}))
      EXPECT_TRUE(task.oracle->name == "large" || task.oracle->name == "determinism") << text;
}

TEST_F(TaskTest, TheReproLineGivesTheSameTaskAgain) {
  const std::vector<Task> tasks = plan({.patterns = {"max_pool"}, .implementation = "simd", .seed = 7});
  const Task& task = tasks.back();
  EXPECT_EQ(task.repro(), fmt::format("./gradproof check '{}' --oracle {} --impl simd --seed 7", task.c.to_text(),
                                      task.oracle->name));
  const auto again =
      plan({.patterns = {task.c.to_text()}, .implementation = "simd", .oracles = {task.oracle->name}, .seed = 7});
  EXPECT_EQ(again.back().c, task.c);
}

TEST_F(TaskTest, WhatAnImplementationCannotDoIsSkippedWithItsReason) {
  Operation operation{registry_.find("relu").spec, {registry_.find("relu").implementations.front()}};
  operation.implementations.front().unsupported = [](const Case&, const Pass&) { return "not today"; };
  Registry reluctant;
  reluctant.add(std::move(operation));
  Memo memo;
  for (const Task& task : plan_tasks(reluctant, references_, oracles_, {.oracles = {"forward", "vjp", "memory"}})) {
    const Verdict verdict = run_task(task, memo);
    EXPECT_TRUE(verdict.skipped());
    EXPECT_EQ(verdict.reason, "not today");
  }
}

TEST_F(TaskTest, ARecordHoldsNoNumberThatJsonCannotSay) {
  const std::vector<Task> tasks = plan({.patterns = {"relu"}, .oracles = {"forward"}});
  const Record record = check_record(tasks.front(), Verdict::fail("nothing was compared"), 0.5);
  EXPECT_FALSE(record.contains("worst"));
  EXPECT_EQ(record["status"], "fail");
  EXPECT_EQ(record["reason"], "nothing was compared");
  EXPECT_NO_THROW(Record::parse(record.dump()));
}

}  // namespace
}  // namespace gradproof
