#include "mutants/catalogue.h"

#include <gtest/gtest.h>

#include "mutants/catalogue_fixture.h"

namespace gradproof {
namespace {

TEST(Catalogue, EntriesComeWithAllTheirLines) {
  const auto bugs = parse_entry(
      "  after void f(\n  - a +\n  - b\n  + a - b\n\n# a remark\nnorm.x\n  file ops/b.cc\n"
      "  asks batch_norm lrn\n  wrong Forgets [Caffe 1864].\n  - f();\n  +\n");
  ASSERT_EQ(bugs.size(), 2U);
  EXPECT_EQ(bugs[0].id, "pool.tie");
  EXPECT_EQ(bugs[0].family(), "pool");
  EXPECT_EQ(bugs[0].anchor, "void f(");
  EXPECT_EQ(bugs[0].original, "a + b");
  EXPECT_EQ(bugs[0].mutated, "a - b");
  EXPECT_EQ(bugs[1].patterns, (std::vector<std::string>{"batch_norm", "lrn"}));
  EXPECT_EQ(bugs[1].mutated, "");
}

TEST(Catalogue, RefusesWhatIsNoEntryAndSaysWhy) {
  EXPECT_TRUE(
      says(complaint([] { parse_entry("  - a\n  + b\n  colour red\n"); }), "here:7: pool.tie has a line 'colour'"));
  EXPECT_TRUE(says(complaint([] { parse_entry("  + b\n"); }), "pool.tie has no line '-'"));
  EXPECT_TRUE(says(complaint([] { parse_entry("  - a\n  + a\n"); }), "pool.tie changes nothing"));
  EXPECT_TRUE(says(complaint([] { parse_entry("  - a\n"); }), "only a statement"));
  EXPECT_TRUE(says(complaint([] { parse_entry("  - a\n  + b\npool.tie\n"); }), "pool.tie is there twice"));
  EXPECT_TRUE(says(complaint([] { parse_catalogue("  - a\n", "here"); }), "belongs to no entry"));
}

TEST(Catalogue, EntriesAreReadAsTheyAreWritten) {
  const auto bugs = parse_entry("  - a();\n  + b();\n  +\n");
  ASSERT_EQ(bugs.size(), 1U);
  EXPECT_EQ(bugs[0].mutated, "b();") << "an empty line adds nothing";
  EXPECT_EQ(to_text(parse_catalogue(to_text(bugs[0]), "here")[0]), to_text(bugs[0]));
}

}  // namespace
}  // namespace gradproof
