#include "cli/selection.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

class SelectionTest : public testing::Test {
 protected:
  bool takes(const std::vector<std::string>& words, const char* text) const {
    return select(registry_, words).takes(registry_.parse_case(text));
  }
  std::string refusal(const std::string& word) const {
    try {
      select(registry_, {word});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  const Registry registry_ = register_operations();
  const char* conv_ = "conv:mb=1,ic=2,ih=4,iw=4,oc=2,g=2,kh=1,kw=1";
  const char* pool_ = "max_pool:mb=1,c=2,ih=4,iw=4,kh=2,kw=2";
};

TEST_F(SelectionTest, NoWordsTakeEverything) {
  EXPECT_TRUE(takes({}, conv_));
  EXPECT_TRUE(takes({}, pool_));
}

TEST_F(SelectionTest, PatternsMatchOperationsFamiliesAndCaseTexts) {
  EXPECT_TRUE(takes({"conv"}, conv_));
  EXPECT_FALSE(takes({"conv"}, pool_));
  EXPECT_TRUE(takes({"pool"}, pool_)) << "the family";
  EXPECT_FALSE(takes({"conv"}, "coord_conv:mb=1,ic=2,ih=4,iw=4,oc=2,kh=1,kw=1")) << "the operation, not its family";
  EXPECT_TRUE(takes({"*_pool"}, pool_));
  EXPECT_TRUE(takes({"relu", "max_*"}, pool_));
  EXPECT_TRUE(takes({"conv:*g=2*"}, conv_));
  EXPECT_FALSE(takes({"conv:*g=3*"}, conv_));
}

TEST_F(SelectionTest, CasesStandForThemselves) {
  const Selection selection = select(registry_, {conv_});
  ASSERT_EQ(selection.cases.size(), 1U);
  EXPECT_EQ(selection.cases[0].to_text(), conv_);
  EXPECT_FALSE(selection.takes(registry_.parse_case(pool_)));
}

TEST_F(SelectionTest, WordsThatMatchNothingAreRefused) {
  std::string names;
  for (const auto& operation : registry_.operations()) names += " " + operation->spec.name;
  EXPECT_EQ(refusal("conf"), "no operation matches 'conf'; there are" + names);
  EXPECT_EQ(refusal(""), "no operation matches ''; there are" + names);
  EXPECT_NE(refusal("conv:mb=0"), "");
  EXPECT_THROW(select_operations(registry_, {"conv", "nothing*"}), UsageError);
}

TEST_F(SelectionTest, OperationsAreListedOnceInTheirOrder) {
  const auto operations = select_operations(registry_, {"linear", "relu", "lin*"});
  ASSERT_EQ(operations.size(), 2U);
  EXPECT_EQ(operations[0]->spec.name, "relu");
  EXPECT_EQ(operations[1]->spec.name, "linear");
  EXPECT_EQ(select_operations(registry_, {}).size(), registry_.operations().size());
}

}  // namespace
}  // namespace gradproof
