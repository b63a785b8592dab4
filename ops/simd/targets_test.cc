// A forced target must really be the one that runs: a kernel is asked how wide the vectors are that it was compiled
// for.
#include "ops/simd/targets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ops/activation/activations.h"
#include "ops/activation/prelu.h"
#include "ops/norm/batch_norm.h"
#include "ops/norm/group_norm.h"
#include "ops/norm/layer_norm.h"
#include "ops/norm/lrn.h"
#include "ops/pool/adaptive_max_pool.h"
#include "ops/pool/max_pool.h"
#include "ops/pool/max_unpool.h"
#include "ops/pool/mixed_pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/simd/targets_test.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gradproof {
namespace HWY_NAMESPACE {
namespace {

// Writes the number of float32 lanes into its only argument.
class LaneCounter final : public Kernel {
 public:
  void run(std::span<const TensorRef> arguments) override {
    *arguments[0].ints() =
        static_cast<std::int32_t>(hwy::HWY_NAMESPACE::Lanes(hwy::HWY_NAMESPACE::ScalableTag<float>()));
  }
  std::string isa() const override { return hwy::TargetName(HWY_TARGET); }
};

std::unique_ptr<Kernel> Prepare(const Case&, const Pass&, const PrepareOptions&) {
  return std::make_unique<LaneCounter>();
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace gradproof
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradproof {
namespace {

HWY_EXPORT(Prepare);

int expected_lanes(const std::string& target) {
  if (target == "AVX3") return 16;
  if (target == "AVX2") return 8;
  if (target == "EMU128") return 4;
  return target == "SCALAR" ? 1 : 0;
}

std::vector<Implementation> lane_counters() {
  return simd_implementations({.prepare = [](auto&&... plan) { return HWY_DYNAMIC_DISPATCH(Prepare)(plan...); }});
}

std::string target_of(const Implementation& implementation) {
  std::string target = implementation.name.substr(implementation.name.find('@') + 1);
  std::transform(target.begin(), target.end(), target.begin(), [](unsigned char c) { return std::toupper(c); });
  return target;
}

std::int32_t lanes_of(Kernel& kernel) {
  std::int32_t lanes = -1;
  const TensorRef argument{&lanes, ElementType::kInt32, {1}, {1}};
  kernel.run({&argument, 1});
  return lanes;
}

TEST(Targets, ForcedTargetsRunTheirOwnCode) {
  const std::vector<Implementation> implementations = lane_counters();
  ASSERT_EQ(implementations.size(), compiled_targets().size() + 1);
  size_t run = 0;
  for (const Implementation& implementation : implementations) {
    if (implementation.name == "simd" || implementation.unsupported({}, {})) continue;
    const auto kernel = implementation.prepare({}, {}, {});
    EXPECT_EQ(kernel->isa(), target_of(implementation));
    EXPECT_EQ(lanes_of(*kernel), expected_lanes(kernel->isa())) << implementation.name;
    ++run;
  }
  EXPECT_EQ(run, supported_targets().size());
}

TEST(Targets, ForcingDoesNotOutliveThePlan) {
  const std::vector<Implementation> implementations = lane_counters();
  const auto forced = implementations.back().prepare({}, {}, {});
  const auto best = implementations.front().prepare({}, {}, {});
  EXPECT_EQ(best->isa(), supported_targets().front());
  EXPECT_EQ(lanes_of(*forced), expected_lanes(compiled_targets().back()));
}

TEST(Targets, KernelsReportTheForcedTarget) {
  for (const Operation& operation :
       {activation_operation("relu"), activation_operation("gelu"), prelu_operation(), max_pool_operation(),
        min_pool_operation(), mixed_pool_operation(), adaptive_max_pool_operation(), max_unpool_operation(),
        batch_norm_operation(), group_norm_operation(), layer_norm_operation(), lrn_operation()}) {
    const Case c = make_case(operation.spec, operation.spec.smoke_cases.front());
    for (const Implementation& implementation : operation.implementations)
      for (const Pass& pass : operation.spec.passes()) {
        if (implementation.name == "simd" || implementation.unsupported(c, pass)) continue;
        EXPECT_EQ(implementation.prepare(c, pass, {})->isa(), target_of(implementation)) << c.to_text();
      }
  }
}

}  // namespace
}  // namespace gradproof
#endif
