// Real kernels that lose exactness within their bound, where no check fails: the exactness gate must see it every time.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "checks/runner.h"
#include "checks/self/naive.h"
#include "gate/exact/exactness.h"
#include "ops/register.h"

namespace gradproof {
namespace {

using Kind = ExactnessChange::Kind;

const Registry& registry() {
  static const Registry operations = register_operations();
  return operations;
}

ExactnessRun exactness_run(const Registry& operations, const std::string& op, std::uint64_t seed, int jobs) {
  static const References truths = register_references();
  CheckOptions options;
  options.patterns = {op};
  options.tier = CheckTier::kSmoke;
  options.implementation = "simd@*";
  options.oracles = {"forward", "vjp"};
  options.seed = seed;
  options.jobs = jobs;
  Records records;
  parse_records(line_of(environment_record(1, {"AVX3", "AVX2", "SCALAR"})), "the environment", records);
  run_checks(operations, truths, options, [&](const Record& record, double) {
    EXPECT_NE(record["status"], "fail") << record.dump();
    parse_records(line_of(record), "a check", records);
  });
  return exactness_of(records);
}

ExactnessFile blessed(const ExactnessRun& run) {
  return bless_exactness({run.scope, {}, {}}, run, "the better kernel", "2026-11-27");
}

// The operation with nothing but this kernel, which stands for its scalar one.
ExactnessRun run_of(const std::string& op, const Implementation& kernel, std::uint64_t seed) {
  Operation operation{registry().find(op).spec, {kernel}};
  Registry operations;
  operations.add(std::move(operation));
  return exactness_run(operations, op, seed, 1);
}

enum class Sum { kCompensated, kPlain };

float sum_of(Sum how, const float* values, Index count) {
  float sum = 0, lost = 0;
  for (Index i = 0; i < count; ++i) {
    const float term = how == Sum::kCompensated ? values[i] - lost : values[i];
    const float next = sum + term;
    lost = (next - sum) - term;
    sum = next;
  }
  return sum;
}

Implementation global_sum(Sum how) {
  return naive_implementation("simd@scalar", [how](const NaiveCall& call) {
    const Index channels = call.attributes.integer("mb") * call.attributes.integer("c");
    const Index space = call.count(call.pass.is_forward() ? "src" : "diff_src") / channels;
    for (Index c = 0; c < channels; ++c) {
      if (call.pass.is_forward())
        call.floats("dst")[c] = sum_of(how, call.floats("src") + c * space, space);
      else
        std::fill_n(call.floats("diff_src") + c * space, space, call.floats("diff_dst")[c]);
    }
  });
}

// exp(x) by a Taylor series of so many terms behind the multiples of ln 2.
template <int kTerms>
double exp_by_series(double x) {
  const double multiple = std::nearbyint(x / std::log(2.0));
  const double rest = x - multiple * std::log(2.0);
  double sum = 1;
  for (int term = kTerms - 1; term > 0; --term) sum = 1 + rest / term * sum;
  return std::ldexp(sum, static_cast<int>(std::clamp(multiple, -2000.0, 2000.0)));
}

template <int kTerms>
double logistic(double x, const Attributes&) {
  return 1 / (1 + exp_by_series<kTerms>(-x));
}
template <int kTerms>
double logistic_slope(double x, const Attributes& a) {
  return logistic<kTerms>(x, a) * logistic<kTerms>(-x, a);
}
template <int kTerms>
Implementation logistic_kernel() {
  return naive_function("simd@scalar", {logistic<kTerms>, logistic_slope<kTerms>});
}

constexpr std::uint64_t kSeeds = 20;

void expect_caught(const std::string& op, const Implementation& better, const Implementation& worse) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const ExactnessFile baseline = blessed(run_of(op, better, seed));
    EXPECT_TRUE(compare_exactness(baseline, run_of(op, better, seed)).held()) << seed;
    const ExactnessComparison result = compare_exactness(baseline, run_of(op, worse, seed));
    EXPECT_GT(result.count(Kind::kWorse), 0U) << "seed " << seed;
    EXPECT_FALSE(result.held()) << "seed " << seed;
  }
}

TEST(ExactnessRegression, ACompensatedSumRemovedIsCaught) {
  expect_caught("global_sum_pool", global_sum(Sum::kCompensated), global_sum(Sum::kPlain));
}

TEST(ExactnessRegression, AnExpWithFewerTermsIsCaught) {
  expect_caught("sigmoid", logistic_kernel<16>(), logistic_kernel<8>());
}

TEST(ExactnessRegression, TheSameBuildSaysTheSameWithAnyNumberOfJobs) {
  for (const char* op : {"softmax", "conv", "lp_pool"}) {
    const ExactnessRun once = exactness_run(registry(), op, 1, 1);
    EXPECT_EQ(once.values, exactness_run(registry(), op, 1, 1).values) << op;
    EXPECT_EQ(once.values, exactness_run(registry(), op, 1, 3).values) << op;
  }
}

}  // namespace
}  // namespace gradproof
