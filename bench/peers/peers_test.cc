// Other people's implementations under our oracles. What they fail elsewhere is a finding about them; what is tested
// here is that we call them right.
#include "bench/peers/peers.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checks/task.h"
#include "ops/register.h"

namespace gradproof {
namespace {

class Peers : public testing::Test {
 protected:
  void SetUp() override {
    register_peers(registry_);
    if (registry_.find("conv").implementations.size() == without_.find("conv").implementations.size())
      GTEST_SKIP() << "no peer was found when this was built";
  }

  // Every check that the options come down to, and how many passed.
  int passes(const CheckOptions& options) {
    const std::vector<Oracle> oracles = all_oracles();
    Memo memo;
    int passed = 0;
    for (const Task& task : plan_tasks(registry_, references_, oracles, options)) {
      if (task.implementation == nullptr) continue;
      const Verdict verdict = run_task(task, memo);
      EXPECT_FALSE(verdict.failed()) << check_record(task, verdict, 0).dump(2);
      if (verdict.skipped()) {
        EXPECT_FALSE(verdict.reason.empty());
      }
      passed += verdict.passed() ? 1 : 0;
    }
    return passed;
  }

  const Registry without_ = register_operations();
  Registry registry_ = register_operations();
  const References references_ = register_references();
};

TEST_F(Peers, AreRightOnTheSmokeTier) {
  const auto right = [&](const char* op, const char* name, const std::vector<std::string>& oracles) {
    EXPECT_GT(passes({.patterns = {op}, .tier = CheckTier::kSmoke, .implementation = name, .oracles = oracles}), 3)
        << op << " " << name;
  };
  for (const char* name : {"onednn", "onednn-blocked"}) {
    right("conv", name, {"forward", "vjp", "exact"});
    right("linear", name, {"forward", "vjp", "exact"});
    right("relu", name, {"forward", "vjp"});  // exact: oneDNN 2.6.3 multiplies by 0 and leaves a gradient of -0
  }
}

TEST_F(Peers, AreRightWhereTheirConventionsAreOurs) {
  EXPECT_GT(passes({.patterns = {"max_pool", "avg_pool", "global_avg_pool", "batch_norm", "layer_norm", "lrn"},
                    .tier = CheckTier::kSmoke,
                    .implementation = "onednn*",
                    .oracles = {"forward", "vjp"}}),
            10);
  EXPECT_GT(passes({.patterns = {"conv:*pw_lo=3*", "conv:*dh=2*", "conv:*g=3*", "max_pool:*ceil_mode=1*"},
                    .implementation = "onednn",
                    .oracles = {"forward", "vjp"}}),
            20);
}

TEST_F(Peers, SayThatTheyArePeers) {
  for (const auto& operation : registry_.operations())
    for (const Implementation& implementation : operation->implementations)
      EXPECT_EQ(implementation.peer, implementation.name.starts_with("onednn")) << implementation.name;
  EXPECT_FALSE(peer_libraries().at("onednn").empty());
}

TEST_F(Peers, AreAskedOnlyWhenNamedOrOnTheSmokeTier) {
  const std::vector<Oracle> oracles = all_oracles();
  const auto asked = [&](const CheckOptions& options) {
    int peers = 0;
    for (const Task& task : plan_tasks(registry_, references_, oracles, options)) {
      if (task.implementation == nullptr || !task.implementation->peer) continue;
      ++peers;
      EXPECT_EQ(check_record(task, {}, 0).at("peer"), true);
      if (options.implementation.empty()) {
        EXPECT_EQ(task.tier, "smoke");
      }
    }
    return peers;
  };
  EXPECT_EQ(asked({.patterns = {"relu"}}), 0);
  EXPECT_GT(asked({.patterns = {"relu"}, .peers = true}), 0);
  EXPECT_GT(asked({.patterns = {"relu"}, .implementation = "onednn*"}), 0);
}

}  // namespace
}  // namespace gradproof
