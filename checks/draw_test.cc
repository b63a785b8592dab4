#include "checks/draw.h"

#include <gtest/gtest.h>

#include <set>

#include "ops/core/error.h"
#include "ops/register.h"

namespace gradproof {
namespace {

const Registry& registry() {
  static const Registry instance = register_operations();
  return instance;
}

class DrawTest : public testing::TestWithParam<const Operation*> {
 protected:
  const Spec& spec() const { return GetParam()->spec; }
};

TEST_P(DrawTest, GivesValidCasesThatNobodyListed) {
  std::set<std::string> listed, drawn;
  for (const auto* texts : {&spec().smoke_cases, &spec().full_cases})
    for (const std::string& text : *texts) listed.insert(make_case(spec(), text).to_text());
  Index new_cases = 0, refused = 0;
  constexpr Index kDrawings = 60;
  for (Index number = 0; number < kDrawings; ++number) {
    const Drawing drawing = draw_case(spec(), 5, number);
    EXPECT_EQ(registry().parse_case(drawing.c.to_text()), drawing.c);
    for (const Complaint& complaint : drawing.complaints)
      ADD_FAILURE() << complaint.text << ": " << complaint.got << " instead of " << complaint.expected;
    drawn.insert(drawing.c.to_text());
    new_cases += listed.contains(drawing.c.to_text()) ? 0 : 1;
    refused += drawing.refused;
  }
  EXPECT_GT(new_cases, kDrawings / 3);
  EXPECT_GT(static_cast<Index>(drawn.size()), kDrawings / 4);
  EXPECT_GT(refused, kDrawings) << "two texts outside of the valid space with every case";
}

TEST_P(DrawTest, IsTheSameForTheSameNumber) {
  for (Index number : {0, 7, 1000000}) {
    const Drawing one = draw_case(spec(), 3, number), other = draw_case(spec(), 3, number);
    EXPECT_EQ(one.c, other.c);
    EXPECT_EQ(one.seed, other.seed);
  }
}

std::vector<const Operation*> drawn_operations() {
  std::vector<const Operation*> operations;
  for (const auto& operation : registry().operations()) operations.push_back(operation.get());
  return operations;
}

INSTANTIATE_TEST_SUITE_P(Registered, DrawTest, testing::ValuesIn(drawn_operations()),
                         [](const auto& instance) { return instance.param->spec.name; });

// Every attribute comes to hold something else than its default, and so do unlikely pairs.
TEST(Draw, ReachesAttributesThatHangTogether) {
  const Spec& spec = registry().find("conv").spec;
  std::set<std::string> met;
  for (Index number = 0; number < 600; ++number) {
    const Case c = draw_case(spec, 2, number).c;
    const auto has = [&](const char* key, Index least) { return c.attributes.integer(key) >= least; };
    const bool groups = has("g", 2), padded = has("pw_lo", 1), dilated = has("dw", 2) && has("kw", 2);
    if (dilated && has("sw", 2)) met.insert("dilated and strided");
    if (groups && padded) met.insert("groups and padded");
    if (c.attributes.integer("iw") == 1 && padded) met.insert("one wide and padded");
    if (groups && c.attributes.rank() == 3) met.insert("groups in 3D");
    if (c.attributes.integer("pw_hi") > 0 && !padded) met.insert("one-sided");
  }
  EXPECT_EQ(met.size(), 5U);
}

Index complaints_about(const Spec& spec) {
  Index complaints = 0;
  for (Index number = 0; number < 20; ++number)
    complaints += static_cast<Index>(draw_case(spec, 1, number).complaints.size());
  return complaints;
}

TEST(Draw, ComplainsAboutWhatIsNoSentence) {
  Spec spec = registry().find("relu").spec;
  EXPECT_EQ(complaints_about(spec), 0);
  spec.validate = [](const Attributes& a) {
    if (a.integer("c") == 4) refuse("four is too many");
  };
  EXPECT_GT(complaints_about(spec), 0) << "it does not name the operation";
  spec.validate = [](const Attributes& a) {
    if (a.integer("c") == 4) throw std::out_of_range("vector");
  };
  EXPECT_GT(complaints_about(spec), 0) << "it is no refusal";
}

TEST(Draw, ComplainsAboutEmptyTensorsThatAreAccepted) {
  Spec spec = registry().find("relu").spec;
  const auto shape = spec.slots.front().shape;
  spec.slots.front().shape = [shape](const Attributes& a) {
    std::optional<Shape> result = shape(a);
    if (a.integer("c") == 4) (*result)[0] = 0;
    return result;
  };
  EXPECT_GT(complaints_about(spec), 0);
}

}  // namespace
}  // namespace gradproof
