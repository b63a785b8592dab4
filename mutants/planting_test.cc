#include "mutants/planting.h"

#include <gtest/gtest.h>

#include "mutants/catalogue_fixture.h"

namespace gradproof {
namespace {

std::string planted_in(const std::string& source, const std::vector<PlantedBug>& bugs) {
  std::vector<Numbered> numbered;
  for (size_t i = 0; i < bugs.size(); ++i) numbered.push_back({static_cast<int>(i) + 1, &bugs[i]});
  return planted(source, numbered);
}

TEST(Planting, AnExpressionBecomesAConditionalOne) {
  const auto bugs = parse_entry("  - a + b\n  + a - b\n");
  EXPECT_EQ(planted_in("x = a +\n    b;", bugs), "x = (gradproof_mutant(1) ? (a - b) : (a +\n    b));");
}

TEST(Planting, AStatementBecomesABranch) {
  const auto bugs = parse_entry("  - f();\n  +\n");
  EXPECT_EQ(planted_in("if (x) f();", bugs), "if (x) if (gradproof_mutant(1)) {  } else { f(); }");
}

TEST(Planting, AnAnchorChoosesAmongEqualTexts) {
  const auto bugs = parse_entry("  after void g(\n  - a\n  + b\n");
  EXPECT_EQ(planted_in("f(a); void g(a); a", bugs), "f(a); void g((gradproof_mutant(1) ? (b) : (a))); a");
}

TEST(Planting, BugsMayShareAPlaceOrLieWithinAnother) {
  auto bugs = parse_entry("  - a * b\n  + a\n");
  bugs.push_back(bugs[0]);
  bugs[1].mutated = "b";
  bugs.push_back(bugs[0]);
  bugs[2].original = "b";
  bugs[2].mutated = "c";
  EXPECT_EQ(planted_in("a * b", bugs),
            "(gradproof_mutant(1) ? (a) : ((gradproof_mutant(2) ? (b) : (a * (gradproof_mutant(3) ? (c) : (b))))))");
}

TEST(Planting, RefusesAnEntryThatDoesNotMatchOnce) {
  EXPECT_TRUE(
      says(complaint([] { planted_in("x", parse_entry("  - a\n  + b\n")); }), "pool.tie does not match ops/a.cc"));
  EXPECT_TRUE(says(complaint([] { planted_in("a a", parse_entry("  - a\n  + b\n")); }), "more than once"));
  auto bugs = parse_entry("  - a + b\n  + a\n");
  bugs.push_back(bugs[0]);
  bugs[1].original = "b + c";
  EXPECT_TRUE(says(complaint([&] { planted_in("a + b + c", bugs); }), "overlaps another entry"));
}

}  // namespace
}  // namespace gradproof
