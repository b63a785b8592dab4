#include "mutants/mechanical.h"

#include <gtest/gtest.h>

#include "mutants/catalogue_fixture.h"
#include "mutants/planting.h"

namespace gradproof {
namespace {

std::vector<std::string> changes(const std::string& source) {
  std::vector<std::string> result;
  for (const PlantedBug& bug : mechanical_mutants("a.cc", source))
    result.push_back(bug.original + " => " + bug.mutated);
  return result;
}

using Changes = std::vector<std::string>;

TEST(Mechanical, OperatorsChangeWithinTheirWholeExpression) {
  EXPECT_EQ(changes("x = f(a + b, c);"), (Changes{"a + b => a - b"}));
  EXPECT_EQ(changes("return a * b + c;"), (Changes{"a * b + c => a + b + c", "a * b + c => a * b - c"}));
  EXPECT_EQ(changes("for (i = k; i < n; ++i)"), (Changes{"i < n => i <= n"}));
  EXPECT_EQ(changes("if (a == b && c)"), (Changes{"a == b => a != b", "a == b && c => a == b || c"}));
}

TEST(Mechanical, CallsChangeTheirNameAndNumbersAreOneMore) {
  EXPECT_EQ(changes("v = hn::Add(a, b(c));"), (Changes{"hn::Add(a, b(c)) => hn::Sub(a, b(c))"}));
  EXPECT_EQ(changes("x = f(3, y);"), (Changes{"3 => 4"}));
}

TEST(Mechanical, CommentsTextsAndConstantsStay) {
  EXPECT_EQ(changes("// a + b\nx = \"a + b\";\nconstexpr int k = a + b;\n#define F a + b\n"), Changes());
  EXPECT_EQ(changes("std::vector<int> v; float* a = b;"), Changes());
}

TEST(Mechanical, WhatAnImplementationPromisesStays) {
  EXPECT_EQ(changes("double conv_depth(const Case& c) {\n  if (c)\n    return a + b;\n}\n"), Changes());
  EXPECT_EQ(changes("double conv_depth(const Case& c) {\n  return a + b;\n}\n\nint f() {\n  return a + b;\n}\n"),
            (Changes{"a + b => a - b"}));
}

TEST(Mechanical, TheirPlacesAreWhereTheyArePlanted) {
  const std::string source = "int f() {\n  return a +\n      b - c;\n}\n";
  const auto bugs = mechanical_mutants("a.cc", source);
  ASSERT_EQ(bugs.size(), 1U);  // an operator at the end of a line has no blank behind it
  EXPECT_EQ(bugs[0].place.line, 2);
  EXPECT_EQ(bugs[0].place.column, 10);
  EXPECT_EQ(planted(source, {{7, &bugs[0]}}),
            "int f() {\n  return (gradproof_mutant(7) ? (a + b + c) : (a +\n      b - c));\n}\n");
}

TEST(Mechanical, TheirTextIsACatalogue) {
  auto bugs = mechanical_mutants("a.cc", "x = f(a + b);");
  bugs[0].patterns = {"conv"};
  const auto again = parse_catalogue(to_text(bugs[0]), "here");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].id, bugs[0].id);
  EXPECT_EQ(again[0].place.column, bugs[0].place.column);
  EXPECT_EQ(again[0].original, "a + b");
  EXPECT_EQ(again[0].mutated, "a - b");
}

}  // namespace
}  // namespace gradproof
