#include "bench/shapes.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"
#include "ops/core/synthetic.h"
#include "ops/register.h"

namespace gradproof {
namespace {

// The refusal of the text, which must contain `words`.
testing::AssertionResult refuses(std::string_view text, std::string_view words) {
  const Registry registry = toy_registry();
  try {
    parse_shapes(registry, text, "net.txt");
  } catch (const UsageError& error) {
    if (std::string_view(error.what()).find(words) != std::string_view::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << error.what();
  }
  return testing::AssertionFailure() << "it was taken";
}

TEST(Shapes, ReadsNamesCasesAndMultiplicities) {
  const Registry registry = toy_registry();
  const auto layers =
      parse_shapes(registry, "# a net\n\nfirst  toy:mb=2,iw=3  # the stem\nsecond\ttoy:mb=1,i=4\tx3\r\n", "net.txt");
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].name, "first");
  EXPECT_EQ(layers[0].work, registry.parse_case("toy:mb=2,iw=3"));
  EXPECT_EQ(layers[0].multiplicity, 1);
  EXPECT_EQ(layers[1].name, "second");
  EXPECT_EQ(layers[1].multiplicity, 3);
}

TEST(Shapes, TakesEveryLayerAtEveryBatchSize) {
  const Registry registry = toy_registry();
  const auto layers = parse_shapes(registry, "batch 1 8\na toy:iw=3\nb toy:mb=5,iw=3", "net.txt");
  ASSERT_EQ(layers.size(), 3U);
  EXPECT_EQ(layers[0].name, "a/mb:1");
  EXPECT_EQ(layers[0].work, registry.parse_case("toy:mb=1,iw=3"));
  EXPECT_EQ(layers[1].name, "a/mb:8");
  EXPECT_EQ(layers[1].work, registry.parse_case("toy:mb=8,iw=3"));
  EXPECT_EQ(layers[2].name, "b");
  EXPECT_EQ(layers[2].work, registry.parse_case("toy:mb=5,iw=3"));
}

TEST(Shapes, OneBatchSizeLeavesTheNameAlone) {
  const auto registry = toy_registry();
  EXPECT_EQ(parse_shapes(registry, "batch 4\na toy:iw=3", "net.txt")[0].name, "a");
}

TEST(Shapes, RefusesWithFileAndLine) {
  EXPECT_TRUE(refuses("a toy:mb=1,iw=3\nb", "net.txt:2: a layer must be a name, a case"));
  EXPECT_TRUE(refuses("a toy:mb=1,iw=3 x2 more", "net.txt:1: a layer must be"));
  EXPECT_TRUE(refuses("a toy:mb=1,iw=3 3", "net.txt:1: '3' is not a multiplicity"));
  EXPECT_TRUE(refuses("a toy:mb=1,iw=3 x0", "'x0' is not a multiplicity"));
  EXPECT_TRUE(refuses("a toy:mb=1,iw=3 x2y", "'x2y' is not a multiplicity"));
  EXPECT_TRUE(refuses("batch", "net.txt:1: 'batch' must be followed"));
  EXPECT_TRUE(refuses("batch 0", "'0' is not a batch size"));
  EXPECT_TRUE(refuses("batch 1 two", "'two' is not a batch size"));
  EXPECT_TRUE(refuses("\na toy:mb=1,iw=3\na toy:mb=2,iw=3", "net.txt:3: the name 'a' is given twice"));
  EXPECT_TRUE(refuses("a toy:mb=0,iw=3", "net.txt:1: "));
  EXPECT_TRUE(refuses("a nothing:mb=1", "net.txt:1: "));
  EXPECT_TRUE(refuses("batch 1\na no_colon", "net.txt:2: "));
  EXPECT_TRUE(refuses("# nothing\n", "net.txt: there is no layer"));
  EXPECT_TRUE(refuses("", "net.txt: there is no layer"));
}

TEST(Shapes, UnknownListIsRefusedWithTheListsThereAre) {
  const Registry registry = toy_registry();
  try {
    load_shapes(registry, "no-such-list");
    FAIL() << "it was taken";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("no-such-list"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("standard"), std::string::npos) << error.what();
  }
  EXPECT_THROW(load_shapes(registry, "/"), UsageError);
}

TEST(Shapes, EveryListThatTheProgramCarriesIsTaken) {
  const Registry registry = register_operations();
  for (const std::string& name : embedded_shape_names()) EXPECT_NO_THROW(load_shapes(registry, name)) << name;
}

}  // namespace
}  // namespace gradproof
