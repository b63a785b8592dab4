// The oracles that question the reference: each sees a wrong truth that the others, or weaker checks, cannot.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "checks/difference.h"
#include "checks/inputs.h"
#include "checks/oracle.h"
#include "checks/self/faulty_reference.h"
#include "checks/task.h"
#include "ops/register.h"

namespace gradproof {
namespace {

// diff_src of batch_norm without xhat * mean(diff_dst * xhat).
struct MissingProjection {
  template <class T>
  static Element<T> element(const Reference& right, const Case& c, const Arrays<T>& inputs, std::string_view argument) {
    const Element<T> truth = right.element<T>(c, inputs, argument);
    if (argument != "diff_src") return truth;
    const auto dst = right.element<T>(c, inputs, "dst"), rstd = right.element<T>(c, inputs, "rstd");
    const auto sum = right.element<T>(c, inputs, "diff_gamma");
    const Array<T>*gamma = &inputs.at("gamma"), *beta = &inputs.at("beta");
    const T m(static_cast<double>(element_count(inputs.at("src").shape) / inputs.at("src").shape[1]));
    return [=](const Position& p) {
      const Position channel{p[1]};
      const T xhat = (dst(p) - beta->at(channel)) / gamma->at(channel);
      return truth(p) + gamma->at(channel) * rstd(channel) * xhat * (sum(channel) / m);
    };
  }
};

// Every gradient too large by 2^-76, in the 23rd digit.
struct TwentyThirdDigit {
  template <class T>
  static Element<T> element(const Reference& right, const Case& c, const Arrays<T>& inputs, std::string_view argument) {
    const Element<T> truth = right.element<T>(c, inputs, argument);
    if (!argument.starts_with("diff_")) return truth;
    return [=](const Position& p) { return truth(p) + T(0x1p-76) * truth(p); };
  }
};

// Tangents lost: as if the dual numbers took a maximum for a constant.
struct LostTangent {
  template <class T>
  static Element<T> element(const Reference& right, const Case& c, const Arrays<T>& inputs, std::string_view argument) {
    const Element<T> truth = right.element<T>(c, inputs, argument);
    if constexpr (std::same_as<T, Dual<Real>>)
      return [=](const Position& p) { return T(truth(p).value, Real(0)); };
    else
      return truth;
  }
};

// Forward right; the weight gradient of a strided convolution is off by one row of the kernel.
struct RowOff {
  template <class T>
  static Element<T> element(const Reference& right, const Case& c, const Arrays<T>& inputs, std::string_view argument) {
    if (argument != "diff_weights" || c.attributes.integer("sh") == 1) return right.element<T>(c, inputs, argument);
    const auto truth = right.element<T>(c, inputs, argument);
    return [=](const Position& p) { return p[2] == 0 ? truth(p) : truth(Position{p[0], p[1], p[2] - 1, p[3]}); };
  }
};

class TruthTest : public testing::Test {
 protected:
  Verdict ask(const Reference& reference, const std::string& text, const std::string& slot, const std::string& oracle) {
    for (const Oracle& candidate : oracles_) {
      if (candidate.name != oracle) continue;
      const Case c = registry_.parse_case(text);
      Memo memo;
      return candidate.run({c, Pass::vjp(slot), &reference, nullptr, 1, &memo});
    }
    return {};
  }

  Registry registry_ = register_operations();
  std::vector<Oracle> oracles_ = all_oracles();
};

TEST_F(TruthTest, AConstantCotangentWouldNotSeeWhatFdSees) {
  const Reference wrong = faulty_reference<MissingProjection>();
  const std::string text = "batch_norm:mb=2,c=3,iw=5";
  const Case c = registry_.parse_case(text);
  Arrays<float> inputs = seeded_inputs(c, Pass::vjp("src"), 1, Regime::kNormal);
  for (float& u : inputs.at("diff_dst").values) u = 1;
  const auto borrowed = borrow<Real>(inputs);
  const auto blind = wrong.evaluate<Real>(c, borrowed, "diff_src", inputs.at("src").shape);
  for (const Real& value : blind.values)
    EXPECT_LT(std::abs(static_cast<double>(value)), 1e-25) << "the gradient of the sum";
  for (const char* oracle : {"fd", "fd50", "adjoint", "second"})
    EXPECT_TRUE(ask(wrong, text, "src", oracle).failed()) << oracle;
}

TEST_F(TruthTest, OnlyFiftyDigitsSeeTheTwentyThird) {
  const Reference wrong = faulty_reference<TwentyThirdDigit>();
  const std::string text = "linear:mb=2,ic=3,oc=4";
  EXPECT_TRUE(ask(wrong, text, "src", "fd").passed());
  EXPECT_TRUE(ask(wrong, text, "src", "fd50").failed());
}

TEST_F(TruthTest, OnlyTheAdjointSeesAWrongTangent) {
  const Reference wrong = faulty_reference<LostTangent>();
  const std::string text = "relu:mb=1,c=2,iw=5";
  EXPECT_TRUE(ask(wrong, text, "src", "fd").passed());
  EXPECT_TRUE(ask(wrong, text, "src", "adjoint").failed());
}

TEST_F(TruthTest, FdSaysWhereTheGradientIsWrong) {
  const Reference wrong = faulty_reference<RowOff>();
  const Verdict verdict = ask(wrong, "conv:mb=1,ic=2,ih=9,iw=6,oc=2,kh=3,kw=2,sh=2,dh=2", "weights", "fd");
  EXPECT_TRUE(verdict.failed());
  EXPECT_NE(verdict.where.find("only the last 2 of kh"), std::string::npos) << verdict.where;
}

TEST_F(TruthTest, TheRightReferenceHoldsToMoreDigitsThanAreAsked) {
  const References references = register_references();
  const std::string text = "batch_norm:mb=2,c=3,iw=5";
  EXPECT_GE(*ask(references.at("batch_norm"), text, "src", "fd").digits, 22);
  EXPECT_GE(*ask(references.at("batch_norm"), text, "src", "fd50").digits, 33);
}

// Wrong forward and tangents, right gradients: of the function's own values `second` knows nothing.
TEST_F(TruthTest, SecondLooksAtGradientsAlone) {
  EXPECT_TRUE(ask(faulty_reference<LostTangent>(), "batch_norm:mb=2,c=3,iw=5", "src", "second").passed());
  EXPECT_TRUE(ask(faulty_reference<RowOff>(), "conv:mb=1,ic=2,ih=9,iw=6,oc=2,kh=3,kw=2,sh=2,dh=2", "weights", "second")
                  .passed());  // linear in src alone: only the pair with src is wrong
  EXPECT_TRUE(
      ask(faulty_reference<RowOff>(), "conv:mb=1,ic=2,ih=9,iw=6,oc=2,kh=3,kw=2,sh=2,dh=2", "src", "second").failed());
}

// The right kernel, but zero for what is no number.
class ZeroForOverflow final : public Kernel {
 public:
  explicit ZeroForOverflow(std::unique_ptr<Kernel> right) : right_(std::move(right)) {}
  void run(std::span<const TensorRef> arguments) override {
    right_->run(arguments);
    const TensorRef& out = arguments.back();
    for (Index i = 0; i < element_count(out.shape); ++i)
      if (!std::isfinite(out.floats()[i])) out.floats()[i] = 0;
  }
  std::string isa() const override { return right_->isa(); }

 private:
  std::unique_ptr<Kernel> right_;
};

// A gradient of 4e42, of terms of which a kernel makes infinity - infinity.
TEST_F(TruthTest, WhatIsBeyondFloat32IsNoNumber) {
  const References references = register_references();
  const Case c = registry_.parse_case("lrn:mb=1,c=1,iw=1,size=1,beta=15.5,k=0.00189208984375");
  Implementation implementation = registry_.find("lrn").implementation("simd");
  const auto verdict = [&] {
    Memo memo;
    return vjp_oracle().run({c, Pass::vjp("src"), &references.at("lrn"), &implementation, 813623, &memo});
  };
  EXPECT_TRUE(verdict().passed());
  implementation.prepare = [right = implementation.prepare](const Case& made, const Pass& pass,
                                                            const PrepareOptions& options) {
    return std::make_unique<ZeroForOverflow>(right(made, pass, options));
  };
  EXPECT_TRUE(verdict().failed());
}

// At seed 1008 an element of src is 0 in this case: the tangent there is 1, the gradient 0 by convention.
TEST_F(TruthTest, AKinkIsLeftOutAndSaidSo) {
  const References references = register_references();
  const Case c = registry_.parse_case("relu:mb=2,c=3,ih=5,iw=7");
  for (const Oracle& oracle : oracles_) {
    if (oracle.asks != Oracle::Asks::kReference || oracle.name == "second") continue;  // that one samples others
    Memo memo;
    const Verdict verdict = oracle.run({c, Pass::vjp("src"), &references.at("relu"), nullptr, 1008, &memo});
    EXPECT_TRUE(verdict.passed()) << oracle.name;
    EXPECT_EQ(verdict.reason, "1 of 210 outputs left out, a kink is too near") << oracle.name;
  }
}

// Rows whose maximum nearly ties are left out, the others are compared.
TEST_F(TruthTest, DifferencesDoNotCrossKinks) {
  const References references = register_references();
  const Case c = registry_.parse_case("max_pool:mb=1,c=1,iw=8,kw=2,sw=2");
  Memo memo;
  const Subject subject{c, Pass::vjp("src"), &references.at("max_pool"), nullptr, 1, &memo};
  const DifferencePlan plan = plan_differences(subject, 1e6);
  EXPECT_EQ(plan.withdrawn, 0);
  EXPECT_EQ(plan.columns.size(), 8U);
  EXPECT_EQ(plan.colors.size(), 2U);
  const auto gradient = difference_gradient<Real>(subject, plan);
  int routed = 0;
  for (const Real& value : gradient.columns) routed += value != 0 ? 1 : 0;
  EXPECT_EQ(routed, 4);
}

TEST_F(TruthTest, ColumnsBeyondTheBudgetAreSampledWithBothEnds) {
  const References references = register_references();
  const Case c = registry_.parse_case("conv:mb=1,ic=3,ih=8,iw=7,oc=4,kh=3,kw=3,ph=1,pw=1");
  Memo memo;
  const Subject subject{c, Pass::vjp("src"), &references.at("conv"), nullptr, 1, &memo};
  const DifferencePlan all = plan_differences(subject, 1e9), some = plan_differences(subject, 3e4);
  EXPECT_EQ(all.columns.size(), 168U);
  EXPECT_LT(all.colors.size(), 40U);
  EXPECT_LT(some.columns.size(), 100U);
  EXPECT_GT(some.columns.size(), 10U);
  EXPECT_EQ(some.columns.front(), 0);
  EXPECT_EQ(some.columns.back(), 167);
}

}  // namespace
}  // namespace gradproof
