// verify must pass what eval writes, and fail it once an element is off by more than its bound.
#include "cli/verification.h"

#include <gtest/gtest.h>

#include <cmath>

#include "checks/oracle.h"
#include "cli/npy_fixture.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

template <class T>
T& element(NpyArray& array, Index i) {
  return reinterpret_cast<T*>(array.data.data())[i];
}

// The next float32 in the direction of `sign` that is more than `distance` away.
float moved(float value, double distance, float sign) {
  const double there = static_cast<double>(value) + static_cast<double>(sign) * distance;
  auto next = static_cast<float>(there);
  while (!(std::abs(static_cast<double>(next) - static_cast<double>(value)) > distance))
    next = std::nextafter(next, sign * INFINITY);
  return next;
}

class VerificationTest : public testing::Test {
 protected:
  std::vector<JudgedTensor> verify(const Case& c, const NamedArrays& inputs, const NamedArrays& claims,
                                   const VerificationOptions& options = {}) const {
    return verify_tensors(registry_.find(c.spec->name), references_.at(c.spec->name), c, options, inputs, claims);
  }
  Verdict verdict(const Case& c, const NamedArrays& inputs, const std::string& name, const NpyArray& claim) const {
    return verify(c, inputs, {{name, claim}}).front().verdict;
  }
  std::string refusal(const std::string& text, const NamedArrays& inputs, const NamedArrays& claims,
                      const VerificationOptions& options = {}) const {
    try {
      verify(registry_.parse_case(text), inputs, claims, options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  NamedArrays outputs(const Case& c, const NamedArrays& inputs) const {
    return evaluate_implementation(c, registry_.find(c.spec->name).implementation("simd"), inputs, 1);
  }

  // Changes one element of a tensor that passes. A change of half the float32 range tells the element's bound, a change
  // of a little more than twice that bound must fail whichever error was there. False where no bound holds: within the
  // error of a computed place lies the border of a cell.
  bool change_is_seen(const Case& c, const NamedArrays& inputs, const std::string& name, NpyArray claim,
                      Index i) const {
    if (claim.type != NpyType::kFloat32) {
      ++claim.data[static_cast<size_t>(i * item_size(claim.type))];
      EXPECT_TRUE(verdict(c, inputs, name, claim).failed()) << c.to_text() << " " << name << " " << i;
      return true;
    }
    const float right = element<float>(claim, i);
    element<float>(claim, i) = 1e38F;
    const Verdict far = verdict(c, inputs, name, claim);
    if (!far.failed()) return false;
    element<float>(claim, i) = moved(right, 2 * far.bound, (i % 2) == 0 ? 1.0F : -1.0F);
    const Verdict near = verdict(c, inputs, name, claim);
    EXPECT_TRUE(near.failed()) << c.to_text() << " " << name << " " << i << ": " << near.error << " of " << near.bound;
    EXPECT_TRUE(near.where.starts_with(name + position_text(position_of(i, claim.shape)))) << near.where;
    return true;
  }

  const Registry registry_ = register_operations();
  const References references_ = register_references();
};

// The small cases of every operation, in both tiers.
std::vector<Case> small_cases(const Registry& registry) {
  std::vector<Case> cases;
  for (const auto& operation : registry.operations())
    for (const auto* texts : {&operation->spec.smoke_cases, &operation->spec.full_cases})
      for (const std::string& text : *texts)
        if (Case c = make_case(operation->spec, text); is_small(c)) cases.push_back(std::move(c));
  return cases;
}

TEST_F(VerificationTest, WhatEvalWritesPasses) {
  for (const Case& c : small_cases(registry_)) {
    const NamedArrays inputs = complete_inputs(c, {}, 1, false);
    for (const JudgedTensor& tensor : verify(c, inputs, outputs(c, inputs))) {
      EXPECT_TRUE(tensor.verdict.passed()) << c.to_text() << " " << tensor.verdict.where << tensor.verdict.reason;
      EXPECT_GE(2 * tensor.verdict.compared, tensor.elements) << c.to_text() << " " << tensor.argument;
    }
  }
}

TEST_F(VerificationTest, OneElementOffByMoreThanItsBoundFails) {
  for (const Case& c : small_cases(registry_)) {
    const NamedArrays inputs = complete_inputs(c, {}, 1, false);
    for (const auto& [name, claim] : outputs(c, inputs)) {
      const Index count = element_count(claim.shape);
      EXPECT_TRUE(change_is_seen(c, inputs, name, claim, count * 2 / 3) ||
                  change_is_seen(c, inputs, name, claim, count / 3))
          << c.to_text() << " " << name << ": no bound";
    }
  }
}

TEST_F(VerificationTest, Float64IsHeldToItsOwnRoundoff) {
  for (const auto& operation : registry_.operations()) {
    const Case c = make_case(operation->spec, operation->spec.smoke_cases.front());
    const NamedArrays inputs = complete_inputs(c, {}, 1, true);
    NamedArrays exact = evaluate_reference(c, references_.at(c.spec->name), inputs);
    NamedArrays given = complete_inputs(c, {}, 1, false);  // integers in their own type
    for (auto it = exact.begin(); it != exact.end();) {
      const Slot* slot = c.spec->find_slot(it->first);
      const bool is_integer = slot != nullptr && slot->type(c.attributes) != ElementType::kFloat32;
      it = is_integer ? exact.erase(it) : std::next(it);
    }
    for (const JudgedTensor& tensor : verify(c, given, exact))
      EXPECT_TRUE(tensor.verdict.passed()) << c.to_text() << " " << tensor.verdict.where << tensor.verdict.reason;
  }
}

TEST_F(VerificationTest, Float32ResultsAreNoFloat64Results) {
  const Case c = registry_.parse_case("linear:mb=2,ic=8,oc=3");
  const NamedArrays inputs = complete_inputs(c, {}, 1, false);
  for (const auto& [name, claim] : outputs(c, inputs)) {
    EXPECT_TRUE(verdict(c, inputs, name, claim).passed()) << name;
    if (name == "diff_bias") continue;  // sums of two float32 numbers
    const Verdict widened = verdict(c, inputs, name, doubles(claim.shape, claim.as_doubles()));
    EXPECT_TRUE(widened.failed()) << name;
    EXPECT_GT(widened.worst, 1e5) << name << ": the bound is 2^29 times smaller";
  }
}

// gamma(depth) of float64 times the mass, which is the sum of |x_i|.
TEST_F(VerificationTest, TheBoundOfFloat64IsDerived) {
  const Case c = registry_.parse_case("linear:mb=1,ic=2,oc=1,bias=0");
  const NamedArrays inputs{{"src", doubles({1, 2}, {1e10, 1})}, {"weights", doubles({1, 2}, {1, 1})}};
  const Judge judge(registry_.find("linear"), references_.at("linear"), c, Pass::forward(), Precision::kDouble, {});
  const double mass = 1e10 + 1, gamma = judge.depth_of("dst") * 0x1p-53;
  EXPECT_GE(judge.depth_of("dst"), c.spec->depth(c.attributes, Pass::forward(), "dst"));
  EXPECT_LE(judge.depth_of("dst"), 8) << "two products";
  const Verdict off = verdict(c, inputs, "dst", doubles({1, 1}, {1e10 + 2}));
  EXPECT_TRUE(off.failed());
  EXPECT_NEAR(off.bound / (gamma * mass), 1, 1e-5);
  EXPECT_TRUE(verdict(c, inputs, "dst", doubles({1, 1}, {1e10 + 1})).passed());
}

TEST_F(VerificationTest, Float64InputsThatFloat32DoesNotHold) {
  const NamedArrays inputs{{"src", doubles({1, 1, 2}, {0.1, 1})}};
  EXPECT_EQ(refusal("relu:mb=1,c=1,iw=2", inputs, {{"dst", floats({1, 1, 2}, {0.1F, 1})}}),
            "src holds 0.1 at [0,0,0], which float32 does not hold; a result in float32 was computed from another "
            "number");
  const Case c = registry_.parse_case("relu:mb=1,c=1,iw=2");
  EXPECT_TRUE(verdict(c, inputs, "dst", doubles({1, 1, 2}, {0.1, 1})).passed());
  EXPECT_TRUE(verdict(c, inputs, "dst", doubles({1, 1, 2}, {std::nextafter(0.1, 1), 1})).failed()) << "it is selected";
}

TEST_F(VerificationTest, NaNNeverPasses) {
  const Case c = registry_.parse_case("relu:mb=1,c=1,iw=2");
  const NamedArrays inputs{{"src", floats({1, 1, 2}, {3, 1})}};
  EXPECT_TRUE(verdict(c, inputs, "dst", floats({1, 1, 2}, {3, NAN})).failed());
  EXPECT_TRUE(verdict(c, inputs, "dst", doubles({1, 1, 2}, {NAN, 1})).failed());
}

TEST_F(VerificationTest, ThePatternIsTold) {
  const Case c = registry_.parse_case("relu:mb=2,c=3,ih=4,iw=5");
  const NamedArrays inputs = complete_inputs(c, {}, 1, false);
  NpyArray dst = outputs(c, inputs).at("dst");
  for (Index row = 0; row < 6; ++row) element<float>(dst, row * 20 + 13) += 1;
  const std::string where = verdict(c, inputs, "dst", dst).where;
  EXPECT_NE(where.find(": 6 of 120 elements, only oh = 2, ow = 3"), std::string::npos) << where;
}

TEST_F(VerificationTest, TimeEndsTheComparisonNotTheVerdict) {
  const Case c = registry_.parse_case("linear:mb=64,ic=64,oc=64");
  const NamedArrays inputs = complete_inputs(c, {}, 1, false);
  const std::vector<JudgedTensor> tensors = verify(c, inputs, {{"dst", outputs(c, inputs).at("dst")}}, {.seconds = 0});
  EXPECT_TRUE(tensors.front().verdict.passed());
  EXPECT_EQ(tensors.front().elements, 4096);
  EXPECT_EQ(tensors.front().verdict.compared, 8);
}

TEST_F(VerificationTest, PassesAreChosenByWhatTheyWriteOrByName) {
  const Case c = registry_.parse_case("linear:mb=2,ic=3,oc=2");
  const NamedArrays inputs = complete_inputs(c, {}, 1, false);
  const NamedArrays results = outputs(c, inputs);
  std::vector<std::string> passes;
  for (const JudgedTensor& tensor : verify(c, inputs, results)) passes.push_back(tensor.pass.to_text());
  EXPECT_EQ(passes, (std::vector<std::string>{"vjp:bias", "vjp:src", "vjp:weights", "forward"}));
  const NamedArrays src{{"diff_src", results.at("diff_src")}};
  EXPECT_EQ(verify(c, inputs, src, {.pass = "vjp:src"}).front().pass.to_text(), "vjp:src");
  EXPECT_NE(refusal(c.to_text(), inputs, src, {.pass = "forward"}), "");
  EXPECT_EQ(refusal(c.to_text(), inputs, src, {.pass = "sideways"}).substr(0, 15), "--pass sideways");
}

TEST_F(VerificationTest, WhatDoesNotFitIsRefused) {
  const std::string relu = "relu:mb=1,c=1,iw=2";
  const Shape shape{1, 1, 2};
  const NpyArray numbers = floats(shape, {3, 1});
  const NamedArrays src{{"src", numbers}};
  EXPECT_EQ(refusal(relu, {}, {{"dst", numbers}}),
            "forward of relu:mb=1,c=1,iw=2 reads src, too; give it with --in src=FILE.npy");
  EXPECT_EQ(refusal(relu, src, {{"diff_src", numbers}}),
            "vjp:src of relu:mb=1,c=1,iw=2 reads diff_dst, too; give it with --in diff_dst=FILE.npy");
  EXPECT_EQ(refusal(relu, src, {{"diff_weights", numbers}}), "relu:mb=1,c=1,iw=2 does not write 'diff_weights'");
  EXPECT_EQ(refusal(relu, src, {{"dst", floats({2, 1, 1}, {3, 1})}}),
            "dst has shape 2x1x1, but the case asks for 1x1x2");
  EXPECT_EQ(refusal(relu, {{"src", floats({2}, {3, 1})}}, {{"dst", numbers}}),
            "src has shape 2, but the case asks for 1x1x2");
  EXPECT_EQ(refusal(relu, src, {{"dst", array_of<std::int32_t>(NpyType::kInt32, shape, {3, 1})}}),
            "dst holds int32, but it takes float32 or float64; convert it with astype");
  EXPECT_EQ(refusal(relu, {{"src", floats(shape, {3, INFINITY})}}, {{"dst", numbers}}),
            "src holds inf at [0,0,1], but errors are bounded for finite numbers only");
  EXPECT_EQ(
      refusal("relu:mb=100,c=1000,iw=1000", {}, {}),
      "relu:mb=100,c=1000,iw=1000 has 200000000 input elements, but verify holds 16777216 at most (80 bytes each); "
      "choose a smaller case");
}

}  // namespace
}  // namespace gradproof
