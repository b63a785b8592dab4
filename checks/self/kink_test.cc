// Does the oracle of kinks know what it has tested?
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "checks/one_sided.h"
#include "checks/self/naive.h"
#include "checks/self/self.h"
#include "checks/task.h"
#include "ops/register.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// max(x, 3/8): a kink that no whole number meets.
template <class T>
struct ClipFormulas {
  ClipFormulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
  T dst(const Point& p) const { return maximum(T(0.375), src(p)); }
  T diff_src(const Point& p) const { return select(exceeds(src(p), T(0.375)), diff_dst(p), T(0.0)); }
  static FormulaTable<ClipFormulas, T> table() {
    return {{"dst", &ClipFormulas::dst}, {"diff_src", &ClipFormulas::diff_src}};
  }
  const Grid<T> src, diff_dst;
};

// relu with a derivative of kQuarters / 4 at 0.
template <int kQuarters>
struct ReluWithSlope {
  template <class T>
  struct Formulas {
    Formulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
    T dst(const Point& p) const { return maximum(T(0.0), src(p)); }
    T diff_src(const Point& p) const {
      const T otherwise = select(exceeds(T(0.0), src(p)), T(0.0), T(diff_dst(p) * T(kQuarters / 4.0)));
      return select(exceeds(src(p), T(0.0)), diff_dst(p), otherwise);
    }
    static FormulaTable<Formulas, T> table() { return {{"dst", &Formulas::dst}, {"diff_src", &Formulas::diff_src}}; }
    const Grid<T> src, diff_dst;
  };
};

// relu(x) - relu(-x) = x, with relu'(0) = 0.
template <class T>
struct SumFormulas {
  SumFormulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
  T dst(const Point& p) const { return maximum(T(0.0), src(p)) - maximum(T(0.0), -src(p)); }
  T diff_src(const Point& p) const {
    const T falling = select(exceeds(T(0.0), src(p)), diff_dst(p), T(0.0));
    return select(exceeds(src(p), T(0.0)), diff_dst(p), T(0.0)) + falling;
  }
  static FormulaTable<SumFormulas, T> table() {
    return {{"dst", &SumFormulas::dst}, {"diff_src", &SumFormulas::diff_src}};
  }
  const Grid<T> src, diff_dst;
};

class KinkTest : public testing::Test {
 protected:
  // The verdict on an elementwise operation with the Spec of relu and a kernel diff_src = slope(src) * diff_dst.
  Verdict ask(const Spec& spec, const Reference& reference, const std::function<float(float)>& slope) {
    const Implementation kernel = naive_implementation("naive", [&](const NaiveCall& call) {
      for (Index i = 0; i < call.count("src"); ++i)
        call.floats("diff_src")[i] = slope(call.floats("src")[i]) * call.floats("diff_dst")[i];
    });
    const Case c = make_case(spec, "mb=2,c=3,iw=5");
    Memo memo;
    return kink_oracle().run({c, Pass::vjp("src"), &reference, &kernel, 1, &memo});
  }

  Spec relu_with(std::vector<double> kinks) const {
    Spec spec = registry_.find("relu").spec;
    spec.slots.front().kinks = nullptr;
    if (!kinks.empty()) spec.slots.front().kinks = [kinks](const Attributes&) { return kinks; };
    spec.depth = [](const Attributes&, const Pass&, std::string_view) { return 1.0; };
    return spec;
  }

  const Registry registry_ = register_operations();
  const References references_ = register_references();
};

TEST_F(KinkTest, InputsThatMeetNoKinkAreAFailure) {
  const Reference clip = make_reference<ClipFormulas>();
  const auto slope = [](float x) { return x > 0.375F ? 1.0F : 0.0F; };
  const Verdict unknown = ask(relu_with({}), clip, slope);
  EXPECT_TRUE(unknown.failed());
  EXPECT_NE(unknown.reason.find("nothing was tested"), std::string::npos) << unknown.reason;
  const Verdict named = ask(relu_with({0.375}), clip, slope);
  EXPECT_TRUE(named.passed()) << named.reason << named.where;
  EXPECT_NE(named.reason.find("of 90 outputs on a kink"), std::string::npos) << named.reason;
  EXPECT_TRUE(ask(relu_with({0.375}), clip, [](float x) { return x >= 0.375F ? 1.0F : 0.0F; }).failed());
}

TEST_F(KinkTest, WithoutADecisionItIsASkip) {
  const Case c = registry_.parse_case("max_pool:mb=1,c=2,iw=4,kw=1");
  Memo memo;
  const Verdict verdict = kink_oracle().run(
      {c, Pass::vjp("src"), &references_.at("max_pool"), &registry_.find("max_pool").implementation("simd"), 1, &memo});
  EXPECT_TRUE(verdict.skipped()) << verdict.reason;
}

// Kernel and reference agree; what is between the one-sided derivatives is a convention, what is not is no gradient.
TEST_F(KinkTest, AgreementIsNotEnough) {
  const auto with_slope = [](float at_zero) { return [=](float x) { return x > 0 ? 1.0F : x < 0 ? 0.0F : at_zero; }; };
  const Spec spec = relu_with({0});
  EXPECT_TRUE(ask(spec, make_reference<ReluWithSlope<2>::Formulas>(), with_slope(0.5F)).passed());
  const Verdict beyond = ask(spec, make_reference<ReluWithSlope<6>::Formulas>(), with_slope(1.5F));
  EXPECT_TRUE(beyond.failed());
  EXPECT_NE(beyond.where.find("one-sided"), std::string::npos) << beyond.where;
  EXPECT_TRUE(ask(spec, make_reference<ReluWithSlope<2>::Formulas>(), with_slope(0)).failed()) << "another convention";
  EXPECT_TRUE(ask(spec, make_reference<ReluWithSlope<2>::Formulas>(), with_slope(std::nanf(""))).failed());
}

// Theirs are wrong at kinks alone, so that no oracle that compares the two, or stays away from kinks, tells.
TEST_F(KinkTest, WhatKernelAndReferenceAgreeOnIsSeenByNoOther) {
  const std::vector<Oracle> oracles = all_oracles();
  for (const Mutant& mutant : agreed_mutants()) {
    const Trial trial(registry_, references_, mutant);
    CheckOptions options;
    options.patterns = {mutant.operation};
    options.tier = CheckTier::kSmoke;
    options.oracles = {"fd", "fd50", "adjoint", "vjp", "fd-direct", "exact"};
    Memo memo;
    for (const Task& task : plan_tasks(trial.registry, trial.references, oracles, options)) {
      if (task.pass.is_forward()) continue;
      const Verdict verdict = run_task(task, memo);
      EXPECT_TRUE(verdict.passed()) << check_record(task, verdict, 0).dump();
    }
  }
}

TEST_F(KinkTest, KinksThatAddUpHaveNoHull) {
  const Reference sum = make_reference<SumFormulas>();
  const auto slope = [](float x) { return x != 0 ? 1.0F : 0.0F; };
  Spec spec = relu_with({0});
  EXPECT_TRUE(ask(spec, sum, slope).failed());
  spec.slots.front().kinks_add_up = true;
  EXPECT_TRUE(ask(spec, sum, slope).passed());
  EXPECT_TRUE(ask(spec, sum, [](float) { return 1.0F; }).failed()) << "another convention";
}

// Two windows of two zeros: moved alone, an element of a tie has slope 0 or 1; together they have slope 1.
TEST_F(KinkTest, OneSidedDerivativesOfTies) {
  const Case c = registry_.parse_case("max_pool:mb=1,c=1,iw=4,kw=2,sw=2");
  Memo memo;
  const Subject subject{c, Pass::vjp("src"), &references_.at("max_pool"), nullptr, 1, &memo};
  const Data zeros = kinked_data(subject).at(1);
  const OneSided& sides = one_sided(subject, zeros);
  EXPECT_TRUE(sides.decides);
  EXPECT_EQ(sides.rows, 2);
  EXPECT_EQ(sides.at_kinks, 2);
  EXPECT_EQ(sides.two_sided, 4);
  ASSERT_EQ(sides.hulls.size(), 4U);
  const Array<float>& u = zeros.inputs.at("diff_dst");
  for (const OneSided::Hull& hull : sides.hulls) {
    const double received = static_cast<double>(u[hull.column / 2]);
    EXPECT_EQ(static_cast<double>(hull.low), std::min(0.0, received));
    EXPECT_EQ(static_cast<double>(hull.high), std::max(0.0, received));
  }
  EXPECT_EQ(static_cast<float>(sides.along), u[0] + u[1]);
  EXPECT_EQ(sides.together.inputs.at("diff_dst")[0], u[0]) << "no row has two derivatives when ties move together";
}

// A sample on the border of two cells: to the left the slope of one cell, to the right that of the other.
TEST_F(KinkTest, OneSidedDerivativesOfBorders) {
  const Case c = registry_.parse_case("deform_conv:mb=1,ic=1,ih=3,iw=3,oc=1,kh=1,kw=1,mask=0,bias=0");
  Memo memo;
  const Subject subject{c, Pass::vjp("offset"), &references_.at("deform_conv"), nullptr, 1, &memo};
  const Data zeros = kinked_data(subject).at(1);
  const OneSided& sides = one_sided(subject, zeros);
  const Array<float>&src = zeros.inputs.at("src"), &u = zeros.inputs.at("diff_dst");
  ASSERT_EQ(sides.hulls.size(), 18U);
  const OneSided::Hull& hull = sides.hulls[9 + 4];  // the x offset of the pixel in the middle
  const double scale = static_cast<double>(u[4]) * static_cast<double>(zeros.inputs.at("weights")[0]);
  const double left = scale * (static_cast<double>(src[4]) - static_cast<double>(src[3]));
  const double right = scale * (static_cast<double>(src[5]) - static_cast<double>(src[4]));
  EXPECT_NEAR(static_cast<double>(hull.low), std::min(left, right), 1e-12);
  EXPECT_NEAR(static_cast<double>(hull.high), std::max(left, right), 1e-12);
}

}  // namespace
}  // namespace gradproof
