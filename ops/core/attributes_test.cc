#include "ops/core/attributes.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"
#include "ops/core/random_attributes.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> window_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch")};
  for (const auto& group :
       {input_size_attributes(), kernel_attributes(), stride_attributes(), padding_attributes(), dilation_attributes()})
    specs.insert(specs.end(), group.begin(), group.end());
  specs.push_back(flag_attribute("bias", "add a bias", true));
  specs.push_back(real_attribute("eps", "added to the variance", 1e-5, 0));
  return specs;
}

const std::vector<AttributeSpec>& specs() {
  static const std::vector<AttributeSpec> list = window_specs();
  return list;
}

Attributes parse(std::string_view text) { return Attributes::parse("op", specs(), text); }
std::string canonical(std::string_view text) { return parse(text).to_text(); }

// The sentence of the refusal, or nothing when the text is accepted.
std::string refusal(std::string_view text) {
  try {
    parse(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Attributes, RoundTripIsExactForRandomSpellings) {
  AttributeGenerator generator(specs(), 1);
  std::set<int> ranks;
  for (int trial = 0; trial < 5000; ++trial) {
    const RandomAttributes random = generator.next(trial % 2 == 0 ? 4 : 1000000);
    const Attributes parsed = parse(random.text);
    for (const auto& [key, value] : random.values) ASSERT_EQ(parsed.real(key), value) << key << " in " << random.text;
    const Attributes again = parse(parsed.to_text());
    ASSERT_EQ(again, parsed) << random.text << " became " << parsed.to_text();
    ASSERT_EQ(again.to_text(), parsed.to_text());
    ranks.insert(parsed.rank());
  }
  EXPECT_EQ(ranks, (std::set<int>{1, 2, 3}));
}

TEST(Attributes, TextIsCanonical) {
  EXPECT_EQ(canonical("kw=3,iw=5,mb=2"), "mb=2,iw=5,kw=3");
  EXPECT_EQ(canonical("mb=2,iw=5,kw=3,sw=1,pw=0,dw=1,bias=1,eps=0.00001"), "mb=2,iw=5,kw=3");
  EXPECT_EQ(canonical("mb=2,iw=5,kw=3,pw_lo=2,pw_hi=2"), "mb=2,iw=5,kw=3,pw=2");
  EXPECT_EQ(canonical("mb=2,iw=5,kw=3,pw=2,pw_hi=0"), "mb=2,iw=5,kw=3,pw_lo=2");
  EXPECT_EQ(canonical("mb=2,iw=5,kw=3,pw_hi=1"), "mb=2,iw=5,kw=3,pw_hi=1");
  EXPECT_EQ(canonical("mb=2,ih=6,iw=5,kh=2,kw=3,pw_lo=1,ph_hi=2"), "mb=2,ih=6,iw=5,kh=2,kw=3,ph_hi=2,pw_lo=1");
}

TEST(Attributes, ShorthandsMeanEveryAxis) {
  EXPECT_EQ(canonical("mb=1,i=8,k=3,s=2,p=1,d=2"), "mb=1,ih=8,iw=8,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1,dh=2,dw=2");
  EXPECT_EQ(canonical("mb=1,i=8,id=4,k=3"), "mb=1,id=4,ih=8,iw=8,kd=3,kh=3,kw=3");
  EXPECT_EQ(canonical("mb=1,i=8,kd=2,k=3"), "mb=1,id=8,ih=8,iw=8,kd=2,kh=3,kw=3");
  EXPECT_EQ(canonical("mb=1,i=8,pd=1,k=3"), "mb=1,id=8,ih=8,iw=8,kd=3,kh=3,kw=3,pd=1");
  EXPECT_EQ(canonical("mb=1,iw=8,k=3,p=1"), "mb=1,iw=8,kw=3,pw=1");
  EXPECT_EQ(canonical("mb=1,i=8,iw=5,k=3,kh=2"), "mb=1,ih=8,iw=5,kh=2,kw=3");
}

TEST(Attributes, MostSpecificSpellingWins) {
  const Attributes a = parse("p=1,mb=1,ih=9,iw=9,k=3,ph=2,ph_hi=0");
  EXPECT_EQ(a.integer("ph_lo"), 2);
  EXPECT_EQ(a.integer("ph_hi"), 0);
  EXPECT_EQ(a.integer("pw_lo"), 1);
  EXPECT_EQ(a.integer("pw_hi"), 1);
}

TEST(Attributes, RealsKeepEveryBit) {
  EXPECT_EQ(canonical("mb=1,iw=5,kw=1,eps=1e-05"), "mb=1,iw=5,kw=1");
  EXPECT_EQ(canonical("mb=1,iw=5,kw=1,eps=1e-07"), "mb=1,iw=5,kw=1,eps=1e-07");
  EXPECT_EQ(canonical("mb=1,iw=5,kw=1,eps=0.1"), "mb=1,iw=5,kw=1,eps=0.1");
  EXPECT_EQ(parse("mb=1,iw=5,kw=1,eps=0.1").real("eps"), 0.1);
  EXPECT_EQ(canonical("mb=1,iw=5,kw=1,eps=0.30000000000000004"), "mb=1,iw=5,kw=1,eps=0.30000000000000004");
}

TEST(Attributes, LargestIntegersAreWrittenInFull) {
  EXPECT_EQ(canonical("mb=1000000000,iw=1e9,kw=1"), "mb=1000000000,iw=1000000000,kw=1");
}

TEST(Attributes, EveryRefusalSaysWhatIsWrongAndWhatIsRight) {
  EXPECT_EQ(
      refusal("mb=1,iw=5,kw=1,banana=1"),
      "op: unknown key 'banana'; known are mb id ih iw kd kh kw sd sh sw pd_lo pd_hi ph_lo ph_hi pw_lo pw_hi dd dh "
      "dw bias eps");
  EXPECT_EQ(refusal("iw=5,kw=1"), "op: mb (batch) is missing; add mb=...");
  EXPECT_EQ(refusal("mb=1,ih=5,kh=1,kw=1"), "op: iw (input width) is missing; add iw=...");
  EXPECT_EQ(refusal("mb=1,kw=1"), "op: iw (input width) is missing; add iw=...");
  EXPECT_EQ(refusal(""), "op: mb (batch) is missing; add mb=...");
  EXPECT_EQ(refusal("mb=1,iw=5,mb=1,kw=1"), "op: key 'mb' is given twice; give it once");
  EXPECT_EQ(refusal("mb=two,iw=5,kw=1"), "op: mb=two is not a number; write for instance mb=2");
  EXPECT_EQ(refusal("mb=,iw=5,kw=1"), "op: mb= is not a number; write for instance mb=2");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,eps=nan"), "op: eps=nan is not a number; write for instance eps=2");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,eps=inf"), "op: eps=inf is not a number; write for instance eps=2");
  EXPECT_EQ(refusal("mb=1 ,iw=5,kw=1"), "op: mb=1  is not a number; write for instance mb=2");
  EXPECT_EQ(refusal("mb=0x10,iw=5,kw=1"), "op: mb=0x10 is not a number; write for instance mb=2");
  EXPECT_EQ(refusal("mb=1.5,iw=5,kw=1"), "op: mb=1.5 must be a whole number");
  EXPECT_EQ(refusal("mb=0,iw=5,kw=1"), "op: mb=0 must be between 1 and 1000000000");
  EXPECT_EQ(refusal("mb=1000000001,iw=5,kw=1"), "op: mb=1000000001 must be between 1 and 1000000000");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,pw=-1"), "op: pw_lo=-1 must be between 0 and 1000000000");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,bias=2"), "op: bias=2 must be 0 or 1");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,eps=-1"), "op: eps=-1 must be 0 or more");
}

TEST(Attributes, MalformedListsAreRefused) {
  for (const char* text : {"mb", "=1", "mb=1,,iw=5,kw=1", "mb=1,iw=5,kw=1,", ",mb=1,iw=5,kw=1", "mb=1;iw=5"})
    EXPECT_NE(refusal(text), "") << text;
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,"), "op: '' is not key=value; write for instance mb=2");
}

TEST(Attributes, KeysOfAnAxisThatIsNotThereAreRefused) {
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,kh=3"), "op: kh is given but ih is not; give the input size of every axis");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,ph=1"), "op: ph is given but ih is not; give the input size of every axis");
  EXPECT_EQ(refusal("mb=1,iw=5,kw=1,ph_lo=1"), "op: ph_lo is given but ih is not; give the input size of every axis");
  EXPECT_EQ(refusal("mb=1,ih=5,iw=5,k=1,dd=1"), "op: dd is given but id is not; give the input size of every axis");
}

TEST(Attributes, UndeclaredKeysAreFaultsOfOurs) {
  const Attributes a = parse("mb=1,iw=5,kw=1");
  EXPECT_FALSE(a.has("oc"));
  EXPECT_TRUE(a.has("kd"));
  EXPECT_THROW(a.integer("oc"), std::out_of_range);
  EXPECT_EQ(a.integer_or("oc", 7), 7);
  EXPECT_EQ(a.integer_or("iw", 7), 5);
}

TEST(Attributes, WithChangesOneAndKeepsTheRest) {
  const Attributes a = parse("mb=1,iw=5,kw=3,pw=1");
  EXPECT_EQ(a.with("iw", 7).to_text(), "mb=1,iw=7,kw=3,pw=1");
  EXPECT_EQ(a.to_text(), "mb=1,iw=5,kw=3,pw=1");
  EXPECT_NE(a.with("pw_lo", 0), a);
}

TEST(Attributes, OperationsWithoutAxesHaveRankZero) {
  const std::vector<AttributeSpec> flat{integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")};
  const Attributes a = Attributes::parse("flat", flat, "ic=3,mb=2");
  EXPECT_EQ(a.rank(), 0);
  EXPECT_EQ(a.to_text(), "mb=2,ic=3");
}

}  // namespace
}  // namespace gradproof
