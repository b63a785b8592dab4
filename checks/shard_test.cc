#include "checks/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "checks/task.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

std::string refusal(const std::string& text) {
  try {
    shard_of(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

using Variables = std::map<std::string, std::string>;

// Takes all that a launcher may have set away, and puts what a test wants.
class LauncherVariables {
 public:
  explicit LauncherVariables(const Variables& wanted) {
    for (const char* name : {"GTEST_SHARD_INDEX", "GTEST_TOTAL_SHARDS", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                             "PMI_RANK", "PMI_SIZE", "SLURM_PROCID", "SLURM_NTASKS"}) {
      if (const char* before = std::getenv(name)) before_[name] = before;
      unsetenv(name);
      names_.push_back(name);
    }
    for (const auto& [name, value] : wanted) setenv(name.c_str(), value.c_str(), 1);
  }
  LauncherVariables(const LauncherVariables&) = delete;
  LauncherVariables& operator=(const LauncherVariables&) = delete;
  ~LauncherVariables() {
    for (const std::string& name : names_) unsetenv(name.c_str());
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::vector<std::string> names_;
  Variables before_;
};

TEST(Shard, IsOneOfSoMany) {
  const Shard shard = shard_of("2/3");
  EXPECT_EQ(shard.number, 1);
  EXPECT_EQ(shard.count, 3);
  EXPECT_EQ(shard.to_text(), "2/3");
  EXPECT_FALSE(shard.is_whole());
  EXPECT_TRUE(shard_of("1/1").is_whole());
}

TEST(Shard, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "2", "0/3", "4/3", "-1/3", "1/0", "1/3x", "1 /3", "/", "1/", "1/2/3", "1/1000001",
                           "99999999999999999999/3", "Auto"})
    EXPECT_NE(refusal(text).find("write for instance --shard 2/4"), std::string::npos) << text;
}

TEST(Shard, AsksTheLauncher) {
  for (const auto& [number, count] :
       {std::pair("GTEST_SHARD_INDEX", "GTEST_TOTAL_SHARDS"), std::pair("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        std::pair("PMI_RANK", "PMI_SIZE"), std::pair("SLURM_PROCID", "SLURM_NTASKS")}) {
    const LauncherVariables said(Variables{{number, "2"}, {count, "5"}});
    EXPECT_EQ(shard_of("auto").to_text(), "3/5") << number;
  }
}

TEST(Shard, RefusesALauncherThatSaysNothingOrNonsense) {
  {
    const LauncherVariables nothing(Variables{});
    EXPECT_NE(refusal("auto").find("no launcher"), std::string::npos);
  }
  {
    const LauncherVariables half(Variables{{"PMI_RANK", "0"}});
    EXPECT_NE(refusal("auto").find("no launcher"), std::string::npos);
  }
  const LauncherVariables outside(Variables{{"PMI_RANK", "4"}, {"PMI_SIZE", "4"}});
  EXPECT_NE(refusal("auto").find("PMI_RANK=4"), std::string::npos);
}

// Every task is in one shard, those of a case together.
TEST(Shard, DealsOutEveryTaskOnceAndCasesWhole) {
  const Registry registry = register_operations();
  const References references = register_references();
  const std::vector<Oracle> oracles = all_oracles();
  CheckOptions options{.patterns = {"linear", "max_pool"}, .tier = CheckTier::kSmoke};
  const auto repros = [&] {
    std::vector<std::string> texts;
    for (const Task& task : plan_tasks(registry, references, oracles, options))
      texts.push_back(task.repro() + " " + task.pass.to_text());
    return texts;
  };
  const auto subjects = [&] {
    std::set<std::string> texts;
    for (const Task& task : plan_tasks(registry, references, oracles, options)) texts.insert(task.subject_text());
    return texts;
  };
  std::vector<std::string> whole = repros();
  std::vector<std::string> parts;
  std::map<std::string, int> shards_of_subject;
  std::vector<size_t> counts;
  for (Index number = 0; number < 3; ++number) {
    options.shard = {number, 3};
    const std::vector<std::string> part = repros();
    parts.insert(parts.end(), part.begin(), part.end());
    const std::set<std::string> mine = subjects();
    for (const std::string& subject : mine) ++shards_of_subject[subject];
    counts.push_back(mine.size());
  }
  std::sort(whole.begin(), whole.end());
  std::sort(parts.begin(), parts.end());
  EXPECT_EQ(whole, parts);
  const auto [fewest, most] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_LE(*most - *fewest, 1);
  for (const auto& [subject, shards] : shards_of_subject) EXPECT_EQ(shards, 1) << subject;
}

TEST(Shard, RefusesMoreShardsThanThereIsToShare) {
  const Registry registry = register_operations();
  const References references = register_references();
  const std::vector<Oracle> oracles = all_oracles();
  const CheckOptions options{.patterns = {"linear:mb=2,ic=3,oc=2"}, .shard = {1, 2}};
  EXPECT_THROW(plan_tasks(registry, references, oracles, options), UsageError);
}

}  // namespace
}  // namespace gradproof
