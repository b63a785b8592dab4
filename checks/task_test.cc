// Which checks a wish comes down to.
#include "checks/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "ops/register.h"

namespace gradproof {
namespace {

class TaskTest : public testing::Test {
 protected:
  std::vector<Task> plan(const CheckOptions& options) { return plan_tasks(registry_, references_, oracles_, options); }
  std::set<std::string> cases(const CheckOptions& options) {
    std::set<std::string> texts;
    for (const Task& task : plan(options)) texts.insert(task.c.to_text());
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
  for (const std::string& text : cases({.patterns = {"*_norm"}}))
    EXPECT_NE(text.find("_norm:"), std::string::npos) << text;
  EXPECT_TRUE(cases({.patterns = {"norm"}}) == cases({.patterns = {"*_norm", "lrn"}})) << "a family";
  for (const std::string& text : cases({.patterns = {"conv"}, .oracles = {"vjp"}}))
    EXPECT_TRUE(text.starts_with("conv:")) << "not the family: " << text;
  EXPECT_EQ(cases({.patterns = {"relu:mb=4,c=3,iw=5"}}), std::set<std::string>{"relu:mb=4,c=3,iw=5"});
  EXPECT_EQ(cases({.patterns = {"linear", "linear"}}), cases({.patterns = {"linear"}}));
}

TEST_F(TaskTest, WhatMatchesNothingIsRefused) {
  EXPECT_NE(refusal({.patterns = {"banana"}}).find("banana"), std::string::npos);
  EXPECT_NE(refusal({.patterns = {"relu*kh=3*"}}).find("matches no operation, family or case"), std::string::npos);
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
    if (task.property != nullptr || task.c.to_text() == current) continue;
    EXPECT_TRUE(finished.insert(current).second) << current;
    current = task.c.to_text();
  }
}

TEST_F(TaskTest, PropertiesAreChosenByNameAndByOperation) {
  const auto names = [&](CheckOptions options) {
    std::set<std::string> result;
    options.oracles = {"property"};
    for (const Task& task : plan(options)) result.insert(task.property->name);
    return result;
  };
  EXPECT_EQ(names({}).size(), all_properties().size());
  EXPECT_EQ(names({.patterns = {"dilation-is-a-larger-kernel"}}), std::set<std::string>{"dilation-is-a-larger-kernel"});
  EXPECT_TRUE(names({.patterns = {"local_conv"}}).contains("shared-weights-receive-the-sum"));
  EXPECT_FALSE(names({.patterns = {"local_conv"}}).contains("pointwise-conv-is-linear"));
  EXPECT_TRUE(names({.patterns = {"group_norm*"}}).contains("group-norm-has-special-cases"));
}

TEST_F(TaskTest, ExperimentsOfSecondsAreLeftToTheFullTier) {
  const auto trains = [&](CheckOptions options) {
    options.oracles = {"property"};
    const std::vector<Task> tasks = plan(options);
    return std::any_of(tasks.begin(), tasks.end(),
                       [](const Task& task) { return task.property->name == "lenet5-learns-digits"; });
  };
  EXPECT_TRUE(trains({}));
  EXPECT_FALSE(trains({.tier = CheckTier::kSmoke}));
  EXPECT_TRUE(trains({.patterns = {"lenet5-learns-digits"}, .tier = CheckTier::kSmoke}));
}

TEST_F(TaskTest, ACaseOfBenchmarkSizeIsSampled) {
  for (const char* text : {"conv:mb=1,ic=64,i=56,oc=64,k=3,p=1", "relu:mb=1,c=64,i=112"})
    for (const Task& task : plan({.patterns = {text}}))
      EXPECT_TRUE(task.oracle->name == "large" || task.oracle->name == "determinism") << text;
}

TEST_F(TaskTest, TheReproLineGivesTheSameTaskAgain) {
  const std::vector<Task> tasks = plan({.patterns = {"max_pool"}, .implementation = "simd", .seed = 7});
  const auto asked = [](const Task& task) { return task.implementation != nullptr; };
  for (const Task& task : {*std::find_if(tasks.begin(), tasks.end(), asked), tasks.back()}) {
    const std::string subject = task.property != nullptr ? task.property->name : task.c.to_text();
    EXPECT_EQ(task.repro(),
              fmt::format("./gradproof check '{}' --oracle {} --impl simd --seed 7", subject, task.oracle->name));
    const auto again =
        plan({.patterns = {subject}, .implementation = "simd", .oracles = {task.oracle->name}, .seed = 7});
    EXPECT_EQ(again.back().c, task.c);
    EXPECT_EQ(again.back().property, task.property);
  }
  EXPECT_NE(tasks.back().property, nullptr);
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

TEST_F(TaskTest, EveryOracleSaysWhomItAsks) {
  for (const Oracle& oracle : oracles_) {
    EXPECT_FALSE(oracle.question.empty()) << oracle.name;
    EXPECT_FALSE(oracle.asked_of.empty()) << oracle.name;
    EXPECT_TRUE(oracle_record(oracle).value("asked_of", "").starts_with(oracle.asked_of));
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
