// Is the harness able to see? Planted bugs, a control without bugs, false alarms, and verdicts that must not pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "checks/comparison.h"
#include "checks/inputs.h"
#include "checks/runner.h"
#include "checks/self/self.h"
#include "ops/register.h"

namespace gradproof {
namespace {

const Registry& registry() {
  static const Registry operations = register_operations();
  return operations;
}
const References& references() {
  static const References truths = register_references();
  return truths;
}

class PlantedBug : public testing::TestWithParam<Mutant> {};

TEST_P(PlantedBug, IsCaughtByEveryOracleNamed) {
  const Record record = try_mutant(registry(), references(), GetParam());
  EXPECT_EQ(record["status"], "pass") << record.dump(2);
}

std::string test_name(const testing::TestParamInfo<Mutant>& info) {
  std::string name = info.param.operation + "_" + info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Self, PlantedBug, testing::ValuesIn(all_mutants()), test_name);

TEST(Self, EveryOracleButThoseOfOtherSizesKillsSomething) {
  std::set<std::string> killers{"invalid", "large"};  // tested below
  for (const Mutant& mutant : all_mutants()) killers.insert(mutant.oracles.begin(), mutant.oracles.end());
  for (const Oracle& oracle : all_oracles()) EXPECT_TRUE(killers.contains(oracle.name)) << oracle.name;
}

TEST(Self, EveryPropertyIsBrokenBySomething) {
  std::set<std::string> broken;
  for (const Mutant& mutant : all_mutants()) broken.insert(mutant.property);
  for (const Property& property : all_properties()) EXPECT_TRUE(broken.contains(property.name)) << property.name;
}

TEST(Self, PropertiesAreAboutOperationsThatThereAre) {
  for (const Property& property : all_properties())
    for (const std::string& name : property.operations) EXPECT_NO_THROW(registry().find(name)) << property.name;
}

class Healthy : public testing::TestWithParam<Mutant> {};

// Of those that ask kernels: what they ask of the reference has nothing to do with these.
TEST_P(Healthy, PassesEveryOracle) {
  const Trial trial(registry(), references(), GetParam());
  const std::vector<Oracle> oracles = all_oracles();
  CheckOptions options;
  options.patterns = {GetParam().operation};
  Memo memo;
  for (const Task& task : plan_tasks(trial.registry, trial.references, oracles, options)) {
    if (task.oracle->asks != Oracle::Asks::kImplementation) continue;
    const Verdict verdict = run_task(task, memo);
    const bool kinkless =
        verdict.skipped() && verdict.reason.ends_with("there are no kinks");  // windows of one element
    EXPECT_TRUE(verdict.passed() || kinkless) << check_record(task, verdict, 0).dump();
  }
}

INSTANTIATE_TEST_SUITE_P(Self, Healthy, testing::ValuesIn(healthy_kernels()), test_name);

TEST(Self, LargeCatchesAWrongKernelAtBenchmarkSize) {
  const Mutant wrong = conv_mutants().front();  // strides swapped
  const Trial trial(registry(), references(), wrong);
  const std::vector<Oracle> oracles = all_oracles();
  CheckOptions options;
  options.patterns = {"conv:mb=1,ic=16,ih=28,iw=28,oc=32,kh=3,kw=3,sh=2,sw=1,ph=1,pw=1"};
  options.oracles = {"large"};
  Memo memo;
  for (const Task& task : plan_tasks(trial.registry, trial.references, oracles, options))
    if (task.pass.is_forward()) {
      EXPECT_TRUE(run_task(task, memo).failed());
    }
}

TEST(Self, InvalidNoticesWhatIsAccepted) {
  Operation lenient{registry().find("relu").spec, registry().find("relu").implementations};
  lenient.spec.invalid_cases.push_back({"mb=1,c=1,iw=4", "anything"});
  Registry changed;
  changed.add(std::move(lenient));
  const std::vector<Oracle> oracles = all_oracles();
  CheckOptions options;
  options.oracles = {"invalid"};
  Memo memo;
  const std::vector<Task> tasks = plan_tasks(changed, references(), oracles, options);
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_TRUE(run_task(tasks.front(), memo).failed());
}

// The checker's own bugs.

TEST(Verdict, NothingComparedDoesNotPass) { EXPECT_FALSE(Comparison().verdict().passed()); }

TEST(Verdict, NanDoesNotPassAnywhere) {
  const Spec& spec = registry().find("relu").spec;
  const double nan = std::nan("");
  const struct { double expected, got, bound; } rows[] = {{nan, 1, 1}, {1, nan, 1}, {nan, nan, 1}, {1, 1, nan}};
  for (const auto& row : rows) {
    Comparison comparison;
    comparison.enter(spec, "dst", Shape{1, 1, 2});
    comparison.add(Position{0, 0, 0}, 0.0, 0.0, 1.0);
    comparison.add(Position{0, 0, 1}, row.expected, row.got, row.bound);
    EXPECT_TRUE(comparison.verdict().failed()) << row.expected << " " << row.got << " " << row.bound;
  }
}

TEST(Verdict, ASkipIsNoPass) {
  EXPECT_FALSE(Verdict::skip("no such processor").passed());
  EXPECT_STREQ(status_text(Verdict::skip("x").status), "skip");
  EXPECT_FALSE(Verdict().passed());
}

TEST(Inputs, CotangentsAreNotConstant) {
  const Case c = registry().parse_case("relu:mb=1,c=1,iw=32");
  const Array<float> diff = seeded_inputs(c, Pass::vjp("src"), 1, Regime::kNormal).at("diff_dst");
  std::set<float> distinct;
  for (Index i = 0; i < 32; ++i) distinct.insert(diff[i]);
  EXPECT_GT(distinct.size(), 16U);
}

TEST(Runner, ACrashIsAFailureAndTheOthersGoOn) {
  Operation crashing{registry().find("relu").spec, {}};
  Implementation bad = registry().find("relu").implementation("simd");
  bad.name = "crashing";
  bad.unsupported = [](const Case& c, const Pass&) -> std::optional<std::string> {
    if (c.attributes.integer("mb") == 3) std::raise(SIGSEGV);
    return {};
  };
  crashing.implementations = {bad};
  Registry changed;
  changed.add(std::move(crashing));
  CheckOptions options;
  options.oracles = {"forward"};
  options.jobs = 2;
  bool told = false;
  const CheckSummary summary = run_checks(changed, references(), options, [&](const Record& record, double) {
    told |= record["status"] == "fail" && record.value("reason", "").find("crashed") != std::string::npos;
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_GT(summary.passed, 5);
}

// Twenty seeds on the smoke tier: what is right is never called wrong. determinism, memory and invalid do not judge
// values, and are asked under the first seed only.
const std::vector<std::string> kJudgesOfValues{"fd",        "fd50",  "adjoint", "second", "forward", "vjp",
                                               "fd-direct", "exact", "special", "kink",   "property"};

class FalseAlarm : public testing::TestWithParam<std::string> {};

TEST_P(FalseAlarm, DoesNotSoundInTwentySeeds) {
  CheckOptions options;
  options.patterns = {GetParam()};
  options.tier = CheckTier::kSmoke;
  options.implementation = "simd";
  options.jobs = 1;  // operations run side by side
  for (options.seed = 1000; options.seed < 1020; ++options.seed) {
    const CheckSummary summary = run_checks(registry(), references(), options, [](const Record& record, double) {
      EXPECT_NE(record["status"], "fail") << record.dump();
    });
    EXPECT_GT(summary.passed, 0);
    options.oracles = kJudgesOfValues;
  }
}

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const auto& operation : registry().operations()) names.push_back(operation->spec.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Self, FalseAlarm, testing::ValuesIn(operation_names()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace gradproof
