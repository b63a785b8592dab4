#include "bench/roof.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/roof_simd.h"

namespace gradproof {
namespace {

// The smallest working set, so that tests stay short; nothing here depends on how fast the machine is.
constexpr Index kSmall = Index{8} << 10;

TEST(Roof, EveryInstructionSetHasPositiveRoofs) {
  Roofs roofs;
  ASSERT_FALSE(roof_isas().empty());
  for (const std::string& isa : roof_isas()) {
    EXPECT_GT(roofs.fma(isa, 1), 0) << isa;
    for (Traffic traffic : {Traffic::kRead, Traffic::kTriad, Traffic::kCopy, Traffic::kWrite})
      EXPECT_GT(roofs.bandwidth(traffic, isa, 2, kSmall), 0) << isa;
  }
}

TEST(Roof, KernelsAreThoseOfTheInstructionSetAskedFor) {
  std::set<const RoofKernels*> kernels;
  for (const std::string& isa : roof_isas()) kernels.insert(&roof_kernels(isa));
  EXPECT_EQ(kernels.size(), roof_isas().size());
  EXPECT_EQ(&roof_kernels("no such thing"), &roof_kernels(roof_isas().front()));
}

TEST(Roof, KernelsTouchWhatTheySay) {
  constexpr Index kCount = 2 * kRoofGranule;
  for (const std::string& isa : roof_isas()) {
    const RoofKernels& kernels = roof_kernels(isa);
    for (bool stream : {false, true}) {
      Buffer a(Shape{kCount}), b(Shape{kCount}), out(Shape{kCount});
      for (Index i = 0; i < kCount; ++i) {
        a.ref().floats()[i] = static_cast<float>(i);
        b.ref().floats()[i] = 2;
      }
      const float* last = out.ref().floats() + kCount - 1;
      (stream ? kernels.copy_stream : kernels.copy)(a.ref().floats(), out.ref().floats(), kCount, 1);
      EXPECT_EQ(*last, kCount - 1) << isa;
      (stream ? kernels.triad_stream : kernels.triad)(a.ref().floats(), b.ref().floats(), out.ref().floats(), kCount,
                                                      1);
      EXPECT_EQ(*last, kCount) << isa;
      (stream ? kernels.write_stream : kernels.write)(out.ref().floats(), kCount, 1);
      EXPECT_EQ(*last, 1) << isa;
      EXPECT_FALSE(out.damaged_fence()) << isa;
    }
  }
}

TEST(Roof, TheLimitIsTheLargerOfArithmeticAndTraffic) {
  Roofs roofs;
  const std::string isa = roof_isas().front();
  const Limit compute = roofs.limit({isa, 1, {1e9, 1}, kSmall, 0.5});
  EXPECT_TRUE(compute.compute);
  EXPECT_GT(compute.ns, 0);
  const Limit memory = roofs.limit({isa, 1, {1, 1e9}, kSmall, 0.5});
  EXPECT_FALSE(memory.compute);
  EXPECT_DOUBLE_EQ(memory.ns, 1e9 / roofs.bandwidth(Traffic::kCopy, isa, 1, kSmall));
  EXPECT_FALSE(roofs.limit({isa, 1, {0, 1e9}, kSmall, 1}).compute);
}

TEST(Roof, BetweenTwoMixesTheTimeIsInterpolated) {
  Roofs roofs;
  const std::string isa = roof_isas().front();
  const double copy = 1e9 / roofs.bandwidth(Traffic::kCopy, isa, 1, kSmall);
  const double write = 1e9 / roofs.bandwidth(Traffic::kWrite, isa, 1, kSmall);
  EXPECT_NEAR(roofs.limit({isa, 1, {0, 1e9}, kSmall, 0.75}).ns, (copy + write) / 2, 1e-6 * (copy + write));
}

TEST(Roof, MeasuringAgainNeverLowersARoof) {
  Roofs roofs;
  const Demand demand{roof_isas().front(), 1, {1e9, 1e9}, kSmall, 0.5};
  const double before = roofs.limit(demand).ns;
  roofs.refresh(demand);
  EXPECT_LE(roofs.limit(demand).ns, before);
}

TEST(Roof, WhatIsMeasuredNowIsNeverAboveTheBest) {
  Roofs roofs;
  for (const Cost& cost : {Cost{1e9, 0}, Cost{0, 1e9}}) {
    const Demand demand{roof_isas().front(), 1, cost, kSmall, 0.5};
    const Limit now = roofs.limit_now(demand);
    EXPECT_GT(now.ns, 0);
    EXPECT_TRUE(std::isfinite(now.ns));
    EXPECT_GE(now.ns, roofs.limit(demand).ns);
  }
}

TEST(Roof, RecordsNameUnitAndLevel) {
  Roofs roofs;
  roofs.measure_fma(roof_isas().back(), 1);
  const std::vector<Record> records = roofs.records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0]["kind"], "roof");
  EXPECT_EQ(records[0]["name"], "fma");
  EXPECT_EQ(records[0]["unit"], "GFLOP/s");
  EXPECT_EQ(records[0]["isa"], roof_isas().back());
  EXPECT_GT(records[0]["value"], 0);
}

}  // namespace
}  // namespace gradproof
