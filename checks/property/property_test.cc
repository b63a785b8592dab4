// Are numbers known as well as they say, and is what does not hold seen?
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "checks/property/images.h"
#include "checks/property/lab.h"
#include "checks/runner.h"
#include "ops/register.h"

namespace gradproof {
namespace {

class PropertyTest : public testing::Test {
 protected:
  // A lab that has relu to ask.
  Verdict verdict_after(void (*show)(Lab&)) {
    Memo memo;
    const Operation& relu = registry_.find("relu");
    const Case c = registry_.parse_case("relu:mb=1,c=1,iw=3");
    const Subject subject{
        c,          Pass::forward(), &references_.at("relu"), &relu.implementations.front(), 1, &memo, {},
        &registry_, &references_};
    Lab lab(subject);
    show(lab);
    return lab.verdict();
  }

  Registry registry_ = register_operations();
  References references_ = register_references();
};

Array<Known> one(double value, double bound) {
  Array<Known> array(Shape{1});
  array[0] = Known(Real(value), bound);
  return array;
}

TEST(KnownTest, ProductsHoldWhateverTheFactorsReallyAre) {
  const Known a(Real(3), 0.5), b(Real(-2), 0.25), product = a * b;
  for (double x : {2.5, 3.0, 3.5})
    for (double y : {-2.25, -2.0, -1.75})
      EXPECT_LE(std::abs(x * y - static_cast<double>(product.value)), product.bound) << x << " " << y;
  EXPECT_EQ((a + b).bound, 0.75);
  EXPECT_EQ((a - b).bound, 0.75);
}

TEST_F(PropertyTest, SidesAgreeWithinBothBoundsAndNoFurther) {
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.agree("", one(1, 0.25), one(1.5, 0.25)); }).passed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.agree("", one(1, 0.25), one(1.75, 0.25)); }).failed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.agree("", one(1, 0), one(1.0000001, 0)); }).failed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.agree("", one(NAN, 1), one(1, 1)); }).failed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.agree("", one(1, 1), Array<Known>(Shape{2})); }).failed());
}

TEST_F(PropertyTest, SidesDifferOnlyBeyondBothBounds) {
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.differ("", one(1, 0.25), one(1.75, 0.25)); }).passed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.differ("", one(1, 0.25), one(1.5, 0.25)); }).failed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.differ("", one(1, NAN), one(2, 0)); }).failed());
}

TEST_F(PropertyTest, WhatShowsNothingDoesNotPass) {
  EXPECT_FALSE(verdict_after([](Lab&) {}).passed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.at_most("", NAN, 1); }).failed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.at_most("", 1.5, 1); }).failed());
  EXPECT_TRUE(verdict_after([](Lab& lab) { lab.equal("", NAN, NAN); }).failed());
}

TEST_F(PropertyTest, WhatKernelsDoNotSupportIsSkipped) {
  const Operation& real = registry_.find("max_pool");
  Operation reluctant{real.spec, {real.implementations.front()}};
  reluctant.implementations.front().unsupported = [](const Case&, const Pass&) { return "not today"; };
  Registry registry;
  registry.add(std::move(reluctant));
  const std::vector<Oracle> oracles = all_oracles();
  Memo memo;
  for (const Task& task : plan_tasks(registry, references_, oracles, {.oracles = {"property"}})) {
    const Verdict verdict = run_task(task, memo);
    EXPECT_TRUE(verdict.skipped()) << task.property->name;
    EXPECT_NE(verdict.reason.find("not today"), std::string::npos) << verdict.reason;
  }
}

TEST_F(PropertyTest, NamesAreUnique) {
  std::set<std::string> names;
  for (const Property& property : all_properties()) EXPECT_TRUE(names.insert(property.name).second) << property.name;
}

TEST_F(PropertyTest, TrainingRepeatsItselfToTheLastBit) {
  const std::vector<Oracle> oracles = all_oracles();
  const std::vector<Task> tasks =
      plan_tasks(registry_, references_, oracles, {.patterns = {"lenet5-learns-digits"}, .oracles = {"property"}});
  ASSERT_EQ(tasks.size(), 1U);
  Memo memo;
  const auto record = [&] { return check_record(tasks.front(), run_task(tasks.front(), memo), 0).dump(); };
  const std::string first = record();
  EXPECT_NE(first.find("\"curves\""), std::string::npos);
  EXPECT_EQ(first, record());
}

TEST(Images, PlacesThatAreHeldOutAreNeverLearned) {
  const auto places = [](bool held_out) {
    std::set<std::pair<float, float>> result;
    const Examples examples = squares(3, "places", 2000, held_out);
    for (Index n = 0; n < 2000; ++n) result.emplace(examples.targets[2 * n], examples.targets[2 * n + 1]);
    return result;
  };
  const auto learned = places(false), held_out = places(true);
  for (const auto& place : held_out) EXPECT_FALSE(learned.contains(place));
  EXPECT_EQ(learned.size() + held_out.size(), 144U) << "every place belongs to either";
}

TEST(Images, DigitsDependOnSeedStreamAndNumberOnly) {
  const Examples batch = digits(1, "a", 0, 4), later = digits(1, "a", 2, 2);
  constexpr Index kPixels = 784;
  for (Index i = 0; i < kPixels; ++i) ASSERT_EQ(batch.images[2 * kPixels + i], later.images[i]);
  EXPECT_NE(batch.images.values, digits(2, "a", 0, 4).images.values);
  EXPECT_NE(batch.images.values, digits(1, "b", 0, 4).images.values);
}

}  // namespace
}  // namespace gradproof
