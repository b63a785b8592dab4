// Does fuzz find what no listed case shows? Bugs that need unusual attributes, planted into the real kernels.
#include "checks/fuzz.h"

#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "checks/self/self.h"
#include "ops/register.h"

namespace gradproof {
namespace {

using Condition = std::function<bool(const Attributes&)>;

const Registry& real_operations() {
  static const Registry operations = register_operations();
  return operations;
}
const References& real_references() {
  static const References truths = register_references();
  return truths;
}

// The kernel of somebody else, and then the last element of its last output a little larger.
class SpoiltKernel final : public Kernel {
 public:
  explicit SpoiltKernel(std::unique_ptr<Kernel> kernel) : kernel_(std::move(kernel)) {}

  void run(std::span<const TensorRef> arguments) override {
    kernel_->run(arguments);
    const TensorRef& last = arguments.back();
    float& value = static_cast<float*>(last.data)[element_count(last.shape) - 1];
    value += 1 + std::abs(value);
  }
  std::string isa() const override { return kernel_->isa(); }

 private:
  std::unique_ptr<Kernel> kernel_;
};

Registry with_bug(const std::string& name, const Condition& condition) {
  const Operation& real = real_operations().find(name);
  Implementation wrong = real.implementation("simd");
  wrong.prepare = [prepare = wrong.prepare, condition](const Case& c, const Pass& pass, const PrepareOptions& options) {
    auto kernel = prepare(c, pass, options);
    return condition(c.attributes) ? std::make_unique<SpoiltKernel>(std::move(kernel)) : std::move(kernel);
  };
  Registry changed;
  changed.add({real.spec, {wrong}});
  return changed;
}

struct Finding {
  Record record;
  std::string first_case;
};

struct Found {
  FuzzSummary summary;
  std::vector<Finding> findings;
};

FuzzOptions options_for(const Registry& operations, Index draws) {
  FuzzOptions options;
  for (const auto& operation : operations.operations()) options.operations.push_back(operation.get());
  options.seconds = 300;
  options.draws = draws;
  return options;
}

Found fuzzed(const Registry& operations, const FuzzOptions& options, const References& truths = real_references()) {
  Found result;
  result.summary = fuzz(
      operations, truths, options,
      [&](const Record& record, const std::string& text) {
        result.findings.push_back({record, text});
      },
      [](double, const std::string&) {});
  return result;
}

// Found on some drawing under a quick oracle, and the smallest case found says what the bug needs and no more.
std::string smallest_found(const std::string& operation, const Condition& condition, Index draws) {
  const Registry changed = with_bug(operation, condition);
  FuzzOptions options = options_for(changed, draws);
  options.oracles = {"forward"};
  const Found found = fuzzed(changed, options);
  if (found.findings.empty()) return "nothing";
  EXPECT_GT(found.summary.rows.front().failed, 0);
  return found.findings.front().record["case"];
}

TEST(Fuzz, FindsDilationWithStride) {
  const auto dilated_and_strided = [](const Attributes& a) { return a.integer("dw") > 1 && a.integer("sw") > 1; };
  EXPECT_EQ(smallest_found("conv", dilated_and_strided, 200), "conv:mb=1,ic=1,iw=1,oc=1,kw=1,sw=2,dw=2");
}

TEST(Fuzz, FindsGroupsWithPadding) {
  const auto groups_padded = [](const Attributes& a) { return a.integer("g") > 1 && a.integer("pw_lo") > 0; };
  EXPECT_EQ(smallest_found("conv", groups_padded, 200), "conv:mb=1,ic=2,iw=1,oc=2,g=2,kw=1,pw_lo=1");
}

TEST(Fuzz, FindsImagesOfOneColumn) {
  const auto one_column = [](const Attributes& a) {
    return a.rank() > 1 && a.integer("iw") == 1 && a.integer("ih") > 2;
  };
  EXPECT_EQ(smallest_found("avg_pool", one_column, 200), "avg_pool:mb=1,c=1,ih=3,iw=1,kh=1,kw=1");
}

TEST(Fuzz, FindsWhatOnlyLargeSizesShow) {
  const auto large = [](const Attributes& a) { return a.integer("mb") * a.integer("c") * a.integer("iw") > 2000; };
  const Registry changed = with_bug("relu", large);
  EXPECT_FALSE(fuzzed(changed, options_for(changed, 300)).findings.empty());
}

TEST(Fuzz, TellsThePatternOfWhatFails) {
  for (const Mutant& mutant : conv_mutants()) {
    if (mutant.name != "first-group-gradient") continue;
    const Trial trial(real_operations(), real_references(), mutant);
    FuzzOptions options = options_for(trial.registry, 60);
    options.oracles = {"vjp"};
    const Found found = fuzzed(trial.registry, options, trial.references);
    ASSERT_FALSE(found.findings.empty());
    const Record& record = found.findings.front().record;
    EXPECT_NE(record["case"].get<std::string>().find("g=2"), std::string::npos) << record.dump();
    EXPECT_NE(record["repro"].get<std::string>().find(record["case"].get<std::string>()), std::string::npos);
    EXPECT_NE(record["where"].get<std::string>().find("only"), std::string::npos) << record.dump();
  }
}

TEST(Fuzz, ACrashIsFoundAndMadeSmall) {
  Registry changed;
  Operation crashing{real_operations().find("relu").spec, {real_operations().find("relu").implementation("simd")}};
  crashing.implementations.front().unsupported = [](const Case& c, const Pass&) -> std::optional<std::string> {
    if (c.attributes.integer("mb") >= 3) std::raise(SIGSEGV);
    return {};
  };
  changed.add(std::move(crashing));
  FuzzOptions options = options_for(changed, 40);
  options.oracles = {"forward"};
  const Found found = fuzzed(changed, options);
  ASSERT_FALSE(found.findings.empty());
  EXPECT_EQ(found.findings.front().record["case"], "relu:mb=3,c=1,iw=1");
  EXPECT_NE(found.findings.front().record["reason"].get<std::string>().find("crashed"), std::string::npos);
}

TEST(Fuzz, ASpecThatCrashesIsFoundAndTheOthersGoOn) {
  Registry changed;
  Operation crashing{real_operations().find("relu").spec, real_operations().find("relu").implementations};
  crashing.spec.validate = [](const Attributes& a) {
    if (a.integer("c") == 4) std::raise(SIGSEGV);
  };
  changed.add(std::move(crashing));
  changed.add({real_operations().find("step").spec, real_operations().find("step").implementations});
  FuzzOptions options = options_for(changed, 40);
  options.oracles = {"forward"};
  const Found found = fuzzed(changed, options);
  ASSERT_FALSE(found.findings.empty());
  EXPECT_EQ(found.findings.front().record["oracle"], "invalid");
  EXPECT_NE(found.findings.front().record["repro"].get<std::string>().find("fuzz relu --seed 1 --from"),
            std::string::npos);
  EXPECT_EQ(found.summary.rows[1].cases, 20);
}

TEST(Fuzz, GoesOnWhereItEndedAndSharesOutRounds) {
  Registry two;
  for (const char* name : {"relu", "step"})
    two.add({real_operations().find(name).spec, {real_operations().find(name).implementation("simd")}});
  FuzzOptions options = options_for(two, 6);
  options.oracles = {"forward"};
  const Found whole = fuzzed(two, options);
  EXPECT_EQ(whole.summary.next, 6);
  for (const FuzzRow& row : whole.summary.rows) EXPECT_EQ(row.cases, 3);
  Index proposed = 0;  // by two shards: rounds 0 and 2, round 1
  options.shard.count = 2;
  for (options.shard.number = 0; options.shard.number < 2; ++options.shard.number) {
    options.draws = options.shard.number == 0 ? 4 : 2;
    for (const FuzzRow& row : fuzzed(two, options).summary.rows) proposed += row.proposed;
  }
  for (const FuzzRow& row : whole.summary.rows) proposed -= row.proposed;
  EXPECT_EQ(proposed, 0);
  options = options_for(two, 3);
  options.oracles = {"forward"};
  options.first = 3;
  EXPECT_EQ(fuzzed(two, options).summary.next, 6);
}

TEST(Fuzz, WithoutTimeNothingIsDrawn) {
  FuzzOptions options = options_for(real_operations(), 0);
  options.seconds = 0;
  for (const FuzzRow& row : fuzzed(real_operations(), options).summary.rows) EXPECT_EQ(row.cases, 0);
  options.implementation = "cuda";
  EXPECT_THROW(fuzzed(real_operations(), options), UsageError);
}

}  // namespace
}  // namespace gradproof
