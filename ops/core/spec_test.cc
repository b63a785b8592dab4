#include "ops/core/spec.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "ops/core/synthetic.h"

namespace gradproof {
namespace {

class SpecTest : public testing::Test {
 protected:
  // "src scale > dst": names in order, what is written behind the arrow.
  std::string arguments(const Pass& pass, const char* text = "mb=1,iw=3") const {
    std::vector<std::string> parts;
    bool written = false;
    for (const Argument& argument : arguments_of(spec_, make_case(spec_, text).attributes, pass)) {
      if (argument.written && !written) parts.emplace_back(">");
      EXPECT_TRUE(argument.written || !written) << "an input after an output";
      written = argument.written;
      parts.push_back(argument.name);
    }
    return fmt::format("{}", fmt::join(parts, " "));
  }

  const Spec spec_ = toy_spec();
};

TEST_F(SpecTest, ArgumentsComeInTheirFixedOrder) {
  EXPECT_EQ(arguments(Pass::forward()), "src scale table bias > dst count argmax");
  EXPECT_EQ(arguments(Pass::vjp("src")), "src scale table bias argmax diff_dst > diff_src");
  EXPECT_EQ(arguments(Pass::vjp()), "src scale table bias argmax diff_dst > diff_src diff_scale diff_bias");
}

TEST_F(SpecTest, GradientsReadOutputsThatAreKept) {
  Spec spec = toy_spec();
  spec.slots[4].kept = true;
  std::string names;
  for (const Argument& argument : arguments_of(spec, make_case(spec, "mb=1,iw=3").attributes, Pass::vjp("src")))
    names += argument.name + (argument.written ? "> " : " ");
  EXPECT_EQ(names, "src scale table bias dst argmax diff_dst diff_src> ");
  EXPECT_TRUE(spec.slots[4].from_forward());
  EXPECT_TRUE(spec.slots[6].from_forward());
  EXPECT_FALSE(spec.slots[5].from_forward());
}

TEST_F(SpecTest, AbsentSlotsAreLeftOut) {
  EXPECT_EQ(arguments(Pass::forward(), "mb=1,iw=3,bias=0"), "src scale table > dst count argmax");
  EXPECT_EQ(arguments(Pass::vjp(), "mb=1,iw=3,bias=0"), "src scale table argmax diff_dst > diff_src diff_scale");
}

TEST_F(SpecTest, ArgumentsCarryShapeTypeAndDomain) {
  const Attributes attributes = make_case(spec_, "mb=4,ih=5,iw=3").attributes;
  const std::vector<Argument> forward = arguments_of(spec_, attributes, Pass::forward());
  EXPECT_EQ(forward[0].shape, (Shape{4, 2, 5, 3}));
  EXPECT_EQ(forward[1].domain, Domain::kPositive);
  EXPECT_EQ(forward[6].type, ElementType::kUint8);
  const std::vector<Argument> backward = arguments_of(spec_, attributes, Pass::vjp("scale"));
  EXPECT_EQ(backward.back().name, "diff_scale");
  EXPECT_EQ(backward.back().shape, (Shape{2}));
  EXPECT_EQ(backward.back().domain, Domain::kReal) << "a gradient has any sign, whatever its tensor's domain";
  EXPECT_EQ(backward[4].type, ElementType::kUint8);
}

TEST_F(SpecTest, IntegerInputsCarryTheirChoices) {
  Spec spec = toy_spec();
  spec.slots[2].type = [](const Attributes&) { return ElementType::kInt32; };
  spec.slots[2].choices = [](const Attributes& a) { return a.integer("mb"); };
  const Attributes attributes = make_case(spec, "mb=4,iw=3").attributes;
  const std::vector<Argument> forward = arguments_of(spec, attributes, Pass::forward());
  EXPECT_EQ(forward[2].type, ElementType::kInt32);
  EXPECT_EQ(forward[2].choices, 4);
  EXPECT_EQ(forward[0].choices, 0);
}

TEST_F(SpecTest, PassesAndTheirNames) {
  std::vector<std::string> names;
  for (const Pass& pass : spec_.passes()) names.push_back(pass.to_text());
  EXPECT_EQ(names, (std::vector<std::string>{"forward", "vjp:src", "vjp:scale", "vjp:bias"}));
  Spec whole = toy_spec();
  whole.whole_vjp = true;
  EXPECT_EQ(whole.passes().back().to_text(), "vjp");
}

TEST_F(SpecTest, OnlyPassesOfTheCaseExist) {
  const Attributes with_bias = make_case(spec_, "mb=1,iw=3").attributes;
  const Attributes without = make_case(spec_, "mb=1,iw=3,bias=0").attributes;
  EXPECT_TRUE(has_pass(spec_, with_bias, Pass::vjp("bias")));
  EXPECT_FALSE(has_pass(spec_, without, Pass::vjp("bias")));
  EXPECT_FALSE(has_pass(spec_, with_bias, Pass::vjp("table")));
  EXPECT_FALSE(has_pass(spec_, with_bias, Pass::vjp("dst")));
  EXPECT_FALSE(has_pass(spec_, with_bias, Pass::vjp("nothing")));
  EXPECT_FALSE(has_pass(spec_, with_bias, Pass::vjp()));
  EXPECT_TRUE(has_pass(spec_, without, Pass::forward()));
}

}  // namespace
}  // namespace gradproof
