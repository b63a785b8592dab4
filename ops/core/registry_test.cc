#include "ops/core/registry.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"
#include "ops/core/synthetic.h"

namespace gradproof {
namespace {

class RegistryTest : public testing::Test {
 protected:
  std::string refusal(std::string_view text) const {
    try {
      registry_.parse_case(text);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  const Registry registry_ = toy_registry();
};

TEST_F(RegistryTest, CaseTextRoundTrips) {
  const Case c = registry_.parse_case("toy:bias=1,iw=3,mb=4");
  EXPECT_EQ(c.to_text(), "toy:mb=4,iw=3");
  EXPECT_EQ(registry_.parse_case(c.to_text()), c);
  EXPECT_FALSE(registry_.parse_case("toy:mb=4,iw=3,bias=0") == c);
  EXPECT_FALSE(registry_.parse_case("toy:mb=4,ih=1,iw=3") == c) << "another rank is another case";
}

TEST_F(RegistryTest, RefusalsNameWhatThereIs) {
  EXPECT_EQ(refusal("conf:mb=1"), "unknown operation 'conf'; known are toy");
  EXPECT_EQ(refusal("toy"), "'toy' is not a case; write op:key=value,key=value, for instance relu:mb=2,c=3,i=8");
  EXPECT_EQ(refusal("toy:mb=0,iw=1"), "toy: mb=0 must be between 1 and 1000000000");
  EXPECT_EQ(refusal("toy:mb=1,id=1000000000,ih=1000000000,iw=1000000000"),
            "toy: src of 1x2x1000000000x1000000000x1000000000 has 2e+27 elements; at most 2147483647 are allowed");
  try {
    registry_.find("toy").implementation("fast");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "toy has no implementation 'fast'; there are ");
  }
}

TEST_F(RegistryTest, ImplementationsCanBeAddedLater) {
  Registry registry = toy_registry();
  Implementation theirs;
  theirs.name = "theirs";
  theirs.peer = true;
  registry.add_implementation("toy", theirs);
  EXPECT_TRUE(registry.find("toy").implementation("theirs").peer);
  EXPECT_THROW(registry.add_implementation("toy", theirs), std::logic_error);
  EXPECT_THROW(registry.add_implementation("conf", theirs), UsageError);
}

TEST_F(RegistryTest, ValidationIsPartOfParsing) {
  Spec spec = toy_spec();
  spec.validate = [](const Attributes& a) {
    if (a.integer("mb") % 2 == 1) refuse("toy: mb must be even");
  };
  Registry registry;
  registry.add({std::move(spec), {}});
  EXPECT_NO_THROW(registry.parse_case("toy:mb=2,iw=1"));
  EXPECT_THROW(registry.parse_case("toy:mb=3,iw=1"), UsageError);
}

// The first input has sizes whose product no Index holds, which validation must not meet.
TEST_F(RegistryTest, WhatCannotBeCountedIsRefusedBeforeValidation) {
  Spec spec = toy_spec();
  spec.validate = [](const Attributes&) { FAIL() << "validated"; };
  Registry registry;
  registry.add({std::move(spec), {}});
  try {
    registry.parse_case("toy:mb=1000000000,ih=1000000000,iw=1000000000");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("2e+27 elements"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace gradproof
