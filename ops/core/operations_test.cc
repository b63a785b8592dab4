// What every registered operation owes, whatever it computes: texts that round trip, cases that parse, refusals that
// say why.
#include <gtest/gtest.h>

#include "ops/core/error.h"
#include "ops/core/random_attributes.h"
#include "ops/register.h"

namespace gradproof {
namespace {

const Registry& registry() {
  static const Registry instance = register_operations();
  return instance;
}

class EveryOperation : public testing::TestWithParam<const Operation*> {
 protected:
  const Spec& spec() const { return GetParam()->spec; }
};

TEST_P(EveryOperation, CaseTextRoundTripsForRandomAttributes) {
  AttributeGenerator generator(spec().attributes, 3);
  int valid = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    // Networks need images of some size.
    const RandomAttributes random = generator.next(trial % 4 == 0 ? 1000000 : trial % 4 == 1 ? 40 : 6);
    const Attributes parsed = Attributes::parse(spec().name, spec().attributes, random.text);
    for (const auto& [key, value] : random.values) ASSERT_EQ(parsed.real(key), value) << key << " in " << random.text;
    ASSERT_EQ(Attributes::parse(spec().name, spec().attributes, parsed.to_text()), parsed) << random.text;
    try {
      const Case c = make_case(spec(), random.text);
      ASSERT_EQ(registry().parse_case(c.to_text()), c) << random.text;
      ++valid;
    } catch (const UsageError&) {
      EXPECT_THROW(make_case(spec(), parsed.to_text()), UsageError) << "the canonical text must be refused as well";
    }
  }
  EXPECT_GT(valid, 40) << "of 4000 random cases";
}

TEST_P(EveryOperation, CasesAreValidCanonicalAndDifferent) {
  std::set<std::string> seen;
  for (const auto* cases : {&spec().smoke_cases, &spec().full_cases}) {
    EXPECT_FALSE(cases->empty());
    for (const std::string& text : *cases) {
      const Case c = make_case(spec(), text);
      EXPECT_EQ(registry().parse_case(c.to_text()), c) << text;
      EXPECT_TRUE(seen.insert(c.to_text()).second) << c.to_text() << " is listed twice";
    }
  }
}

TEST_P(EveryOperation, InvalidCasesAreRefusedInOneSentenceThatSaysWhy) {
  EXPECT_FALSE(spec().invalid_cases.empty());
  for (const InvalidCase& invalid : spec().invalid_cases) {
    try {
      make_case(spec(), invalid.text);
      ADD_FAILURE() << spec().name << ":" << invalid.text << " is accepted";
    } catch (const UsageError& error) {
      const std::string sentence = error.what();
      EXPECT_NE(sentence.find(invalid.mentions), std::string::npos) << sentence;
      EXPECT_TRUE(sentence.starts_with(spec().name + ": ")) << sentence;
      EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
    }
  }
}

TEST_P(EveryOperation, PassesHaveArgumentsCostAndDepth) {
  for (const std::string& text : spec().smoke_cases) {
    const Case c = make_case(spec(), text);
    for (const Pass& pass : spec().passes()) {
      if (!has_pass(spec(), c.attributes, pass)) continue;
      const Cost cost = spec().cost(c.attributes, pass);
      EXPECT_GT(cost.bytes, 0) << c.to_text() << " " << pass.to_text();
      EXPECT_GE(cost.flops, 0) << c.to_text() << " " << pass.to_text();
      int written = 0;
      for (const Argument& argument : arguments_of(spec(), c.attributes, pass)) {
        EXPECT_GT(element_count(argument.shape), 0) << argument.name;
        if (!argument.written) continue;
        ++written;
        EXPECT_GE(spec().depth(c.attributes, pass, argument.name), 0) << argument.name;
      }
      EXPECT_GT(written, 0) << c.to_text() << " " << pass.to_text();
    }
  }
}

TEST_P(EveryOperation, ImplementationsHaveNamesOfTheirOwnAndCanPrepare) {
  std::set<std::string> names;
  for (const Implementation& implementation : GetParam()->implementations) {
    EXPECT_TRUE(names.insert(implementation.name).second) << implementation.name << " is listed twice";
    EXPECT_TRUE(implementation.unsupported && implementation.prepare) << implementation.name;
  }
  EXPECT_FALSE(names.empty());
}

std::vector<const Operation*> all_operations() {
  std::vector<const Operation*> operations;
  for (const auto& operation : registry().operations()) operations.push_back(operation.get());
  return operations;
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryOperation, testing::ValuesIn(all_operations()),
                         [](const auto& instance) { return instance.param->spec.name; });

TEST(Registered, NamesAreDifferentAndFit) {
  std::set<std::string> names;
  for (const auto& operation : registry().operations()) {
    EXPECT_TRUE(names.insert(operation->spec.name).second) << operation->spec.name;
    EXPECT_FALSE(operation->spec.family.empty());
    EXPECT_FALSE(operation->spec.summary.empty());
  }
  EXPECT_GE(names.size(), 5U);
}

}  // namespace
}  // namespace gradproof
