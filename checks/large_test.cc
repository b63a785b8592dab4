// Sampling at benchmark sizes: what it must find, and what it may not take for granted.
#include "checks/large.h"

#include <gtest/gtest.h>

#include "checks/inputs.h"
#include "ops/net/network_kernel.h"
#include "ops/register.h"

namespace gradproof {
namespace {

// The right kernel, then `spoil` on its last argument.
class SpoiledKernel final : public Kernel {
 public:
  SpoiledKernel(std::unique_ptr<Kernel> right, std::function<void(const TensorRef&)> spoil)
      : right_(std::move(right)), spoil_(std::move(spoil)) {}
  void run(std::span<const TensorRef> arguments) override {
    right_->run(arguments);
    spoil_(arguments.back());
  }
  std::vector<KernelPart> parts() const override { return right_->parts(); }
  std::string isa() const override { return right_->isa(); }

 private:
  std::unique_ptr<Kernel> right_;
  std::function<void(const TensorRef&)> spoil_;
};

// `right`, but that `spoil` is done to the last argument of what it prepares.
Implementation spoiled(Implementation right, const std::function<void(const TensorRef&)>& spoil) {
  right.prepare = [prepare = right.prepare, spoil](const Case& c, const Pass& pass, const PrepareOptions& options) {
    return std::make_unique<SpoiledKernel>(prepare(c, pass, options), spoil);
  };
  return right;
}

class LargeTest : public testing::Test {
 protected:
  Verdict check(const std::string& text, const Pass& pass, const std::function<void(const TensorRef&)>& spoil = {}) {
    const Case c = registry_.parse_case(text);
    Implementation implementation = registry_.find(c.spec->name).implementation("simd");
    if (spoil) implementation = spoiled(implementation, spoil);
    return check_large(references_.at(c.spec->name), c, pass, implementation, {.seed = 3}, 2);
  }

  Registry registry_ = register_operations();
  References references_ = register_references();
};

constexpr const char* kConv = "conv:mb=1,ic=16,i=28,oc=32,k=3,p=1";
constexpr const char* kNorm = "batch_norm:mb=2,c=8,i=28";

TEST_F(LargeTest, PassesWhatIsRightForwardAndBackward) {
  for (const Pass& pass : {Pass::forward(), Pass::vjp("src"), Pass::vjp("weights"), Pass::vjp("bias")})
    EXPECT_TRUE(check(kConv, pass).passed()) << pass.to_text();
  for (const Pass& pass : {Pass::forward(), Pass::vjp("src"), Pass::vjp()})
    EXPECT_TRUE(check(kNorm, pass).passed()) << pass.to_text();
}

// A library may add 100,352 elements one after the other, and a mean has no operand but the large one.
TEST_F(LargeTest, BoundsDeepSumsOfLargeTensors) {
  const Case c = registry_.parse_case("batch_norm:mb=8,c=24,i=112");
  Implementation deep = registry_.find("batch_norm").implementation("simd");
  deep.depth = [](const Case&, const Pass&, std::string_view) { return 100352.0; };
  EXPECT_TRUE(check_large(references_.at("batch_norm"), c, Pass::forward(), deep, {.seed = 3}).passed());
}

// At a depth of 16 million the variance may be anything, and so may its gradient; not so for sums in blocks.
TEST_F(LargeTest, ADeepNeighbourTakesNobodysBounds) {
  const Case c = registry_.parse_case("batch_norm:mb=2,c=2,i=56");
  const Implementation& simd = registry_.find("batch_norm").implementation("simd");
  Implementation deep = simd;
  deep.depth = [](const Case&, const Pass&, std::string_view) { return 1.6e7; };
  for (const Pass& pass : {Pass::forward(), Pass::vjp("src")}) {
    Execution execution(c, pass, simd, seeded_inputs(c, pass, 3, Regime::kNormal), {});
    execution.run();
    SampledTruth truth(references_.at("batch_norm"), c, pass, {.seed = 3});
    EXPECT_FALSE(truth.compare(execution, deep).passed()) << pass.to_text();
    EXPECT_TRUE(truth.compare(execution, simd).passed()) << pass.to_text();
    SpoiledKernel(simd.prepare(c, pass, {}), [](const TensorRef& t) {
      t.floats()[0] *= 1.0001F;
    }).run(execution.refs());
    EXPECT_TRUE(truth.compare(execution, simd).failed()) << pass.to_text();
  }
}

TEST_F(LargeTest, SeesTheVeryLastElement) {
  const auto spoil = [](const TensorRef& t) { t.floats()[element_count(t.shape) - 1] += 1; };
  EXPECT_TRUE(check(kConv, Pass::forward(), spoil).failed());
  EXPECT_TRUE(check(kConv, Pass::vjp("weights"), spoil).failed());
}

TEST_F(LargeTest, SeesALostBlock) {
  EXPECT_TRUE(check(kConv, Pass::forward(), [](const TensorRef& t) {
                for (Index i = element_count(t.shape) / 2; i < element_count(t.shape) / 8 * 5; ++i) t.floats()[i] = 0;
              }).failed());
}

TEST_F(LargeTest, ANanIsNotOverlooked) {
  EXPECT_TRUE(check(kConv, Pass::forward(), [](const TensorRef& t) { t.floats()[0] = std::nanf(""); }).failed());
}

TEST_F(LargeTest, SeesAStoreBehindTheOutput) {
  const Verdict verdict =
      check(kConv, Pass::forward(), [](const TensorRef& t) { t.floats()[element_count(t.shape)] = 0; });
  EXPECT_TRUE(verdict.failed());
  EXPECT_NE(verdict.reason.find("wrote outside dst"), std::string::npos) << verdict.reason;
}

TEST_F(LargeTest, SkipsWithTheReasonWhatIsNotSupported) {
  const Case c = registry_.parse_case(kConv);
  Implementation implementation = registry_.find("conv").implementation("simd");
  implementation.unsupported = [](const Case&, const Pass&) { return "no such processor"; };
  const Verdict verdict = check_large(references_.at("conv"), c, Pass::forward(), implementation, {});
  EXPECT_TRUE(verdict.skipped());
  EXPECT_EQ(verdict.reason, "no such processor");
}

// Real sizes: of 12,544 values that a relu reads a few are 0 but for rounding errors, and every gradient depends on
// what the kernel made of their signs.
TEST_F(LargeTest, ANetworkIsTakenPartByPart) {
  for (const char* text : {"residual_block:mb=1,i=14,c=64", "mobile_block:mb=2,i=14,st=2"}) {
    const Case c = registry_.parse_case(text);
    for (const Pass& pass : c.spec->passes()) {
      const Verdict verdict = check(text, pass);
      EXPECT_TRUE(verdict.passed()) << text << " " << pass.to_text() << ": " << verdict.reason;
      EXPECT_EQ(verdict.reason, "");  // nothing undecided
    }
  }
}

// The residual block of the registry, but that `other` stands for the operation that makes `result`.
Implementation with_another(const std::string& result, const Operation& other, const Case& c,
                            const std::shared_ptr<const Layers>& layers) {
  const GraphOf graph = remembered([result, &other, &c](const Attributes& attributes) {
    Graph wrong("residual_block");
    for (const Node& node : c.spec->graph(attributes)->nodes())
      wrong.add(node.result() == result ? other : *node.operation, node.c.attributes.to_text(), node.tensors);
    return wrong;
  });
  return network_simd_implementations(graph, layers).front();
}

constexpr const char* kSmallBlock = "residual_block:mb=1,i=6,c=8,g=2";

TEST_F(LargeTest, SeesAWrongLayerInsideANetwork) {
  const Case c = registry_.parse_case(kSmallBlock);
  const auto layers = std::make_shared<const Layers>();
  Operation relu = layers->relu;
  for (Implementation& implementation : relu.implementations)
    implementation = spoiled(implementation, [](const TensorRef& t) { t.floats()[element_count(t.shape) - 1] += 1; });
  const Implementation wrong = with_another("relu1", relu, c, layers);
  for (const Pass& pass : c.spec->passes()) {
    const Verdict verdict = check_large(references_.at("residual_block"), c, pass, wrong, {.seed = 3});
    EXPECT_TRUE(verdict.failed()) << pass.to_text();
    EXPECT_NE(verdict.where.find("relu:"), std::string::npos) << verdict.where;
  }
}

// A normalization that adds 16 million times has no bound, whatever is known of the layers around it.
TEST_F(LargeTest, ALayerThatIsUndecidedIsNotHidden) {
  const Case c = registry_.parse_case(kSmallBlock);
  const auto layers = std::make_shared<const Layers>();
  Operation norm = layers->group_norm;
  for (Implementation& implementation : norm.implementations)
    implementation.depth = [](const Case&, const Pass&, std::string_view) { return 1.6e7; };
  const Implementation deep = with_another("norm2", norm, c, layers);
  EXPECT_FALSE(check_large(references_.at("residual_block"), c, Pass::forward(), deep, {.seed = 3}).passed());
}

// What is not shown of a network is not taken for right.
TEST_F(LargeTest, PartsThatDoNotAddUpFail) {
  class Forgetful final : public Kernel {
   public:
    Forgetful(std::unique_ptr<Kernel> whole, size_t first, size_t left_out)
        : whole_(std::move(whole)), first_(first), left_out_(left_out) {}
    void run(std::span<const TensorRef> arguments) override { whole_->run(arguments); }
    std::vector<KernelPart> parts() const override {
      std::vector<KernelPart> parts = whole_->parts();
      parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(first_));
      parts.resize(parts.size() - left_out_, parts.front());
      return parts;
    }
    std::string isa() const override { return whole_->isa(); }

   private:
    std::unique_ptr<Kernel> whole_;
    size_t first_, left_out_;
  };
  const Case c = registry_.parse_case(kSmallBlock);
  const auto reason = [&](size_t first, size_t left_out) {
    Implementation implementation = registry_.find("residual_block").implementation("simd");
    implementation.prepare = [=, whole = implementation.prepare](const Case& made, const Pass& pass,
                                                                 const PrepareOptions& options) {
      return std::make_unique<Forgetful>(whole(made, pass, options), first, left_out);
    };
    const Verdict verdict = check_large(references_.at("residual_block"), c, Pass::forward(), implementation, {});
    EXPECT_EQ(verdict.failed(), first + left_out > 0);
    return verdict.reason;
  };
  EXPECT_EQ(reason(0, 0), "");
  EXPECT_NE(reason(1, 0).find("that nothing has written"), std::string::npos);
  EXPECT_EQ(reason(0, 1), "no part writes dst");
}

}  // namespace
}  // namespace gradproof
