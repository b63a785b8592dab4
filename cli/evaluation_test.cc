#include "cli/evaluation.h"

#include <gtest/gtest.h>

#include "cli/npy_fixture.h"
#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

std::vector<std::string> names(const NamedArrays& arrays) {
  std::vector<std::string> result;
  for (const auto& [name, array] : arrays) result.push_back(name);
  return result;
}

class EvaluationTest : public testing::Test {
 protected:
  const Implementation& simd(const Case& c) const { return registry_.find(c.spec->name).implementation("simd"); }
  NamedArrays implementation(const Case& c, const NamedArrays& given) const {
    return evaluate_implementation(c, simd(c), complete_inputs(c, given, 1, false), 1);
  }
  NamedArrays reference(const Case& c, const NamedArrays& given) const {
    return evaluate_reference(c, references_.at(c.spec->name), complete_inputs(c, given, 1, true));
  }
  std::string refusal(const Case& c, const NamedArrays& given, bool for_reference) const {
    try {
      complete_inputs(c, given, 1, for_reference);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  const Registry registry_ = register_operations();
  const References references_ = register_references();
};

TEST_F(EvaluationTest, LinearByHand) {
  const Case c = registry_.parse_case("linear:mb=1,ic=2,oc=2");
  const NamedArrays given{{"src", floats({1, 2}, {3, 5})},
                          {"weights", floats({2, 2}, {1, 2, -1, 4})},
                          {"bias", floats({2}, {10, 20})},
                          {"diff_dst", floats({1, 2}, {1, 100})}};
  for (const NamedArrays& results : {implementation(c, given), reference(c, given)}) {
    EXPECT_EQ(names(results), (std::vector<std::string>{"diff_bias", "diff_src", "diff_weights", "dst"}));
    EXPECT_EQ(results.at("dst").as_doubles(), (std::vector<double>{23, 37}));
    EXPECT_EQ(results.at("diff_src").as_doubles(), (std::vector<double>{-99, 402}));
    EXPECT_EQ(results.at("diff_weights").as_doubles(), (std::vector<double>{3, 5, 300, 500}));
    EXPECT_EQ(results.at("diff_bias").as_doubles(), (std::vector<double>{1, 100}));
  }
}

TEST_F(EvaluationTest, SavedTensorsAreWrittenAndUsed) {
  const Case c = registry_.parse_case("max_pool:mb=1,c=1,iw=4,kw=2,sw=2");
  const NamedArrays given{{"src", floats({1, 1, 4}, {3, 1, 2, 7})}, {"diff_dst", floats({1, 1, 2}, {10, 20})}};
  for (const NamedArrays& results : {implementation(c, given), reference(c, given)}) {
    EXPECT_EQ(results.at("dst").as_doubles(), (std::vector<double>{3, 7}));
    EXPECT_EQ(results.at("argmax").as_doubles(), (std::vector<double>{0, 1}));
    EXPECT_EQ(results.at("diff_src").as_doubles(), (std::vector<double>{10, 0, 0, 20}));
  }
  EXPECT_EQ(implementation(c, given).at("argmax").type, NpyType::kUint8);
  EXPECT_EQ(reference(c, given).at("argmax").type, NpyType::kFloat64);
}

TEST_F(EvaluationTest, IntegerInputsHoldTheirOwnType) {
  const Case c = registry_.parse_case("max_unpool:mb=1,c=1,iw=4,kw=2,sw=2");
  const NpyArray argmax{NpyType::kUint8, {1, 1, 2}, std::string("\1\0", 2)};
  const NamedArrays given{{"src", floats({1, 1, 2}, {10, 20})}, {"argmax", argmax}};
  for (const NamedArrays& results : {implementation(c, given), reference(c, given)})
    EXPECT_EQ(results.at("dst").as_doubles(), (std::vector<double>{0, 10, 20, 0}));
  EXPECT_EQ(complete_inputs(c, {}, 1, false).at("argmax").type, NpyType::kUint8);
  EXPECT_EQ(refusal(c, {{"argmax", floats({1, 1, 2}, {1, 0})}}, true),
            "argmax holds float32, but the reference takes uint8; convert it with astype");
}

TEST_F(EvaluationTest, ReferenceAndImplementationAgreeOnEveryOperation) {
  for (const auto& operation : registry_.operations()) {
    const Case c = make_case(operation->spec, operation->spec.smoke_cases.front());
    const NamedArrays got = implementation(c, {});
    const NamedArrays expected = reference(c, {});
    ASSERT_EQ(names(got), names(expected));
    for (const auto& [name, array] : got) {
      const std::vector<double> a = array.as_doubles();
      const std::vector<double> b = expected.at(name).as_doubles();
      // The oracles hold the bounds; this only sees tensors that were mixed up.
      for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-3) << c.to_text() << " " << name << " " << i;
    }
  }
}

TEST_F(EvaluationTest, SlotsNotGivenAreSeededAlikeForBoth) {
  const Case c = registry_.parse_case("linear:mb=2,ic=3,oc=2");
  const NamedArrays mine = complete_inputs(c, {}, 7, false);
  const NamedArrays exact = complete_inputs(c, {}, 7, true);
  EXPECT_EQ(names(mine), (std::vector<std::string>{"bias", "diff_dst", "src", "weights"}));
  for (const auto& [name, array] : mine) {
    EXPECT_EQ(array.type, NpyType::kFloat32);
    EXPECT_EQ(exact.at(name).type, NpyType::kFloat64);
    EXPECT_EQ(exact.at(name).as_doubles(), array.as_doubles());
  }
  EXPECT_NE(complete_inputs(c, {}, 8, false).at("src").data, mine.at("src").data);
}

TEST_F(EvaluationTest, WhatDoesNotFitIsRefused) {
  const Case c = registry_.parse_case("linear:mb=1,ic=2,oc=2");
  EXPECT_EQ(refusal(c, {{"src", floats({2, 1}, {3, 5})}}, false), "src has shape 2x1, but the case asks for 1x2");
  EXPECT_EQ(refusal(c, {{"src", floats({1, 2, 1, 1}, {3, 5})}}, false), "");
  EXPECT_EQ(refusal(c, {{"dst", floats({1, 2}, {3, 5})}}, false),
            "linear:mb=1,ic=2,oc=2 takes no input 'dst'; it takes src weights bias diff_dst");
  const NpyArray doubles{NpyType::kFloat64, {1, 2}, std::string(16, '\0')};
  EXPECT_EQ(refusal(c, {{"src", doubles}}, false),
            "src holds float64, but an implementation takes float32; convert it with astype");
  EXPECT_EQ(refusal(c, {{"src", doubles}}, true), "");
  const NpyArray ints{NpyType::kInt32, {1, 2}, std::string(8, '\0')};
  EXPECT_NE(refusal(c, {{"src", ints}}, true), "");
  const Case without = registry_.parse_case("linear:mb=1,ic=2,oc=2,bias=0");
  EXPECT_NE(refusal(without, {{"bias", floats({2}, {1, 2})}}, false), "");
}

}  // namespace
}  // namespace gradproof
