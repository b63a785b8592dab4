// What a Comparison says about where errors lie, and what it must never let pass.
#include "checks/comparison.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradproof {
namespace {

Spec spec_with_slots() {
  Spec spec;
  spec.name = "toy";
  const auto shape = [](const Attributes&) { return Shape{1}; };
  spec.slots = {{.name = "src", .role = Role::kInput, .shape = shape},
                {.name = "dst", .role = Role::kOutput, .shape = shape}};
  return spec;
}

TEST(Location, NamesTheAxisThatFailingElementsShare) {
  const Shape shape{2, 3, 8, 6};
  const std::vector<std::string> axes{"n", "c", "oh", "ow"};
  EXPECT_EQ(location_text({{0, 0, 6, 0}, {1, 2, 6, 5}, {0, 1, 6, 3}}, 288, shape, axes),
            "3 of 288 elements, only oh = 6");
}

double ulps_of(double expected, double got, double bound) {
  Comparison comparison;
  comparison.enter(spec_with_slots(), "dst", Shape{2});
  comparison.add(Position{0}, expected, got, bound);
  return comparison.verdict().ulps;
}

TEST(Ulps, AreThoseOfTheExpectedFloat) {
  EXPECT_EQ(ulps_of(1, 1 + 0x3p-23, 1e-3), 3);
  EXPECT_EQ(ulps_of(-1.99, -1.99 + 0x0.8p-23, 1e-3), 0.5);
  EXPECT_EQ(ulps_of(0x1p-140, 0x1p-140 + 0x1p-149, 0x1p-148), 1) << "below the normal numbers places stay as they are";
  EXPECT_EQ(ulps_of(0, 0, 0), 0);
}

TEST(Ulps, AreNotCountedWhereTheSignIsOpen) {
  EXPECT_TRUE(std::isnan(ulps_of(1e-9, 5e-7, 1e-6)));
  EXPECT_TRUE(std::isnan(ulps_of(0, 1e-7, 1e-6)));
}

TEST(Ulps, TheLargestIsKeptWhateverItsBound) {
  Comparison comparison;
  comparison.enter(spec_with_slots(), "dst", Shape{3});
  comparison.add(Position{0}, 1.0, 1 + 0x1p-23, 0x1p-23);
  comparison.add(Position{1}, 1.0, 1 + 0x4p-23, 0x1p-3);
  comparison.add(Position{2}, 1.0, 1 + 0x2p-23, 0x1p-3);
  EXPECT_EQ(comparison.verdict().ulps, 4);
  EXPECT_EQ(comparison.verdict().worst, 1);
}

TEST(Undecided, IsCountedInTheReason) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "dst", Shape{4});
  comparison.leave_undecided();
  for (Index i = 1; i < 4; ++i) comparison.add(Position{i}, 1.0, 1.0, 0.0);
  const Verdict verdict = comparison.verdict();
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.compared, 3);
  EXPECT_TRUE(verdict.reason.starts_with("1 of 4 elements undecided")) << verdict.reason;
}

TEST(Undecided, MoreThanAThirdNeverPasses) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "dst", Shape{5});
  comparison.add(Position{0}, 1.0, 1.0, 0.0);
  comparison.add(Position{1}, 1.0, 1.0, 0.0);
  comparison.leave_undecided();
  EXPECT_TRUE(comparison.verdict().passed());
  comparison.leave_undecided();
  EXPECT_TRUE(comparison.verdict().skipped());
  comparison.add(Position{4}, 1.0, 2.0, 0.0);
  EXPECT_TRUE(comparison.verdict().failed()) << "what is wrong stays wrong";
}

TEST(Undecided, WithNothingElseNeverPasses) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "dst", Shape{1});
  comparison.leave_undecided();
  EXPECT_TRUE(comparison.verdict().skipped());
  EXPECT_NE(comparison.verdict().reason.find("1 of 1 elements undecided"), std::string::npos);
}

// Neither verdict where no bound holds; but a NaN or an infinity for a number is wrong whatever the bound.
TEST(Undecided, IsWhatHasNoFiniteBound) {
  const Spec spec = spec_with_slots();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto add = [&](double expected, double got) {
    Comparison comparison;
    comparison.enter(spec, "dst", Shape{4});
    for (Index i = 0; i < 3; ++i) comparison.add(Position{i}, 1.0, 1.0, 0.0);
    comparison.add(Position{3}, expected, got, kInfinity);
    return comparison;
  };
  EXPECT_TRUE(add(1, 1e9).verdict().passed());
  EXPECT_EQ(add(1, 1e9).undecided(), 1);
  EXPECT_EQ(add(1, 1e9).compared(), 3);
  EXPECT_TRUE(add(1, std::nan("")).verdict().failed());
  EXPECT_TRUE(add(1, kInfinity).verdict().failed());
  EXPECT_TRUE(add(std::nan(""), 1).verdict().failed());
}

TEST(Location, SaysNothingAboutAnAxisThatIsCovered) {
  EXPECT_EQ(location_text({{0}, {1}, {2}}, 3, Shape{3}, {"c"}), "3 of 3 elements");
}

TEST(Location, FindsRangesAndParity) {
  EXPECT_EQ(location_text({{4}, {5}, {6}}, 9, Shape{9}, {"c"}), "3 of 9 elements, only c in 4..6");
  EXPECT_EQ(location_text({{6}, {7}, {8}}, 9, Shape{9}, {"ow"}), "3 of 9 elements, only the last 3 of ow");
  EXPECT_EQ(location_text({{1}, {4}, {7}}, 9, Shape{9}, {"ow"}), "3 of 9 elements, only ow = 1 mod 3");
  EXPECT_EQ(location_text({{1}, {3}, {5}}, 9, Shape{9}, {"c"}), "3 of 9 elements, only c odd");
  EXPECT_EQ(location_text({{0}, {4}, {8}}, 9, Shape{9}, {"c"}), "3 of 9 elements, only c = 0 mod 4");
  EXPECT_EQ(location_text({{0}, {2}, {8}}, 9, Shape{9}, {"c"}), "3 of 9 elements, only c even");
}

TEST(Location, NamesTheGroupOfChannels) {
  const auto text = [](const std::vector<Position>& positions, Index channels, Index groups) {
    return location_text(positions, channels, Shape{channels}, {"oc"}, groups);
  };
  EXPECT_EQ(text({{2}, {3}}, 6, 3), "2 of 6 elements, only group 1 of oc");
  EXPECT_EQ(text({{4}, {5}}, 6, 3), "2 of 6 elements, only group 2 of oc");
  EXPECT_EQ(text({{4}, {6}}, 8, 2), "2 of 8 elements, only group 1 of oc (oc in 4..6)");
  EXPECT_EQ(text({{1}, {2}}, 6, 3), "2 of 6 elements, only oc in 1..2");
  EXPECT_EQ(text({{0}, {1}, {2}}, 4, 1), "3 of 4 elements, only oc in 0..2");
}

TEST(AxisNames, FollowTheSlotAndTheRank) {
  const Spec spec = spec_with_slots();
  EXPECT_EQ(axis_names(spec, "dst", 4), (std::vector<std::string>{"n", "c", "oh", "ow"}));
  EXPECT_EQ(axis_names(spec, "diff_src", 3), (std::vector<std::string>{"n", "c", "iw"}));
  EXPECT_EQ(axis_names(spec, "diff_weights", 5), (std::vector<std::string>{"oc", "ic", "kd", "kh", "kw"}));
  EXPECT_EQ(axis_names(spec, "bias", 1), (std::vector<std::string>{"c"}));
}

// Unshared weights: six axes in two dimensions, four in one.
TEST(AxisNames, AreThoseThatTheSlotDeclares) {
  Spec spec = spec_with_slots();
  spec.slots.push_back({.name = "weights", .shape = nullptr, .axes = {"oc", "ic", "kh", "kw", "oh", "ow"}});
  spec.slots.push_back({.name = "bias", .shape = nullptr, .axes = {"oc", "oh", "ow"}});
  EXPECT_EQ(axis_names(spec, "weights", 6), (std::vector<std::string>{"oc", "ic", "kh", "kw", "oh", "ow"}));
  EXPECT_EQ(axis_names(spec, "diff_weights", 4), (std::vector<std::string>{"oc", "ic", "kw", "ow"}));
  EXPECT_EQ(axis_names(spec, "bias", 2), (std::vector<std::string>{"oc", "ow"}));
}

TEST(Comparison, KeepsTheWorstElementAndItsNumbers) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "dst", Shape{1, 1, 4}, "normal");
  comparison.add(Position{0, 0, 0}, 1.0, 1.0, 0.5);
  comparison.add(Position{0, 0, 1}, 1.0, 3.0, 0.5);
  comparison.add(Position{0, 0, 2}, 1.0, 2.0, 0.5);
  comparison.add(Position{0, 0, 3}, 1.0, 1.0, 0.5);
  const Verdict verdict = comparison.verdict();
  EXPECT_TRUE(verdict.failed());
  EXPECT_EQ(verdict.compared, 4);
  EXPECT_EQ(verdict.worst, 4);
  EXPECT_EQ(verdict.error, 2);
  EXPECT_EQ(verdict.bound, 0.5);
  EXPECT_EQ(verdict.where, "dst[0,0,1] (normal): 2 of 4 elements, only ow in 1..2");
  EXPECT_EQ(verdict.expected, "1");
  EXPECT_EQ(verdict.got, "3");
}

TEST(Comparison, OneFailureAmongManyIsAFailure) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "src", Shape{1, 1, 1});
  comparison.add(Position{0, 0, 0}, 1.0, 1.25, 0.125);
  comparison.enter(spec, "dst", Shape{1000});
  for (Index i = 0; i < 1000; ++i) comparison.add(Position{i}, 1.0, 1.0, 1.0);
  EXPECT_TRUE(comparison.verdict().failed());
}

TEST(Comparison, ABoundThatBoundsNothingDoesNotPass) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "dst", Shape{1});
  comparison.add(Position{0}, 1.0, 1.0, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(comparison.verdict().skipped());
}

TEST(Comparison, ABoundOfZeroAsksForEquality) {
  const Spec spec = spec_with_slots();
  Comparison equal, unequal;
  for (Comparison* comparison : {&equal, &unequal}) comparison->enter(spec, "dst", Shape{1});
  equal.add(Position{0}, 3.0, 3.0, 0);
  unequal.add(Position{0}, 3.0, std::nextafter(3.0, 4.0), 0);
  EXPECT_TRUE(equal.verdict().passed());
  EXPECT_EQ(equal.verdict().worst, 0);
  EXPECT_TRUE(unequal.verdict().failed());
}

TEST(Comparison, AfterANanThereIsNoWayBack) {
  const Spec spec = spec_with_slots();
  Comparison comparison;
  comparison.enter(spec, "dst", Shape{2});
  comparison.add(Position{0}, std::nan(""), std::nan(""), 1.0);
  comparison.add(Position{1}, 1.0, 1.0, 1.0);
  EXPECT_TRUE(comparison.verdict().failed());
}

}  // namespace
}  // namespace gradproof
