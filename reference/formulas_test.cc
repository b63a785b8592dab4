// What holds for every formula: two independent truths agree, gradients are adjoint to tangents, bad input is refused.
#include "reference/formulas.h"

#include <gtest/gtest.h>

#include "reference/fixture.h"
#include "reference/jvp.h"

namespace gradproof::testing {
namespace {

// A Real in Precise, exactly: 128 bits are three doubles, once the exponent, which may be too small for any, is split
// off.
Precise exactly(const Real& x) {
  int exponent = 0;
  Real rest = frexp(x, &exponent);
  Precise result(0);
  while (rest != 0) {
    const auto part = static_cast<double>(rest);
    result += Precise(part);
    rest -= Real(part);
  }
  return ldexp(result, exponent);
}

TEST(Formulas, TwoTruthsAgreeTo30Digits) {
  Index compared = 0;
  for_each_output([&](const Case& c, const Pass& pass, const Argument& argument) {
    if (!pass.is_forward() && pass.slot.empty()) return;  // by the same formulas from the same inputs as one by one
    const Reference& reference = references().at(c.spec->name);
    const auto real = reference.evaluate<Mass<Real>>(c, seeded<Mass<Real>>(c, pass, 3), argument.name, argument.shape);
    const auto precise = reference.evaluate<Precise>(c, seeded<Precise>(c, pass, 3), argument.name, argument.shape);
    for (size_t i = 0; i < precise.values.size(); ++i, ++compared) {
      const auto error = static_cast<double>(Precise(abs(Precise(exactly(real.values[i].value) - precise.values[i]))));
      ASSERT_LE(error, 1e-30 * real.values[i].mass) << c.to_text() << " " << argument.name << " element " << i;
    }
  });
  EXPECT_GT(compared, 10000);
}

// <J v, u> = <v, J^T u> for each input: the gradient by its formula against the tangent by Dual.
TEST(Formulas, GradientsAreAdjointToTangents) {
  int checked = 0;
  for_each_output([&](const Case& c, const Pass& pass, const Argument& argument) {
    if (pass.is_forward() || pass.slot.empty()) return;
    const Reference& reference = references().at(c.spec->name);
    const Arrays<Real> inputs = seeded<Real>(c, pass, 4);
    Arrays<Real> direction;
    Array<Real>& v = direction.emplace(pass.slot, Array<Real>(argument.shape)).first->second;
    for (Index i = 0; i < element_count(v.shape); ++i)
      v[i] = static_cast<double>(seeded_value(5, "tangent", position_of(i, v.shape), Regime::kNormal, Domain::kReal));
    const Array<Real> vjp = reference.evaluate<Real>(c, inputs, argument.name, argument.shape);
    Real backward(0), forward(0), mass(0);
    for (size_t i = 0; i < vjp.values.size(); ++i) {
      backward += vjp.values[i] * v.values[i];
      mass += abs(Real(vjp.values[i] * v.values[i]));
    }
    for (const Slot& slot : c.spec->slots) {
      if (slot.role != Role::kOutput || !slot.differentiable) continue;
      const Array<Real>& u = inputs.at("diff_" + slot.name);
      const Array<Real> tangent = jvp(reference, c, inputs, direction, c.spec->differentiated(slot.name), u.shape);
      for (size_t i = 0; i < u.values.size(); ++i) forward += tangent.values[i] * u.values[i];
    }
    EXPECT_LE(abs(Real(forward - backward)), 1e-28 * mass) << c.to_text() << " " << argument.name;
    ++checked;
  });
  EXPECT_GT(checked, 100);
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Formulas, RefusesWhatTheCaseDoesNotHave) {
  const Case c = registry().parse_case("conv:mb=1,ic=1,iw=3,oc=1,kw=2,bias=0");
  const Reference& reference = references().at("conv");
  Arrays<Real> inputs = seeded<Real>(c, Pass::forward(), 1);
  const auto ask = [&](const char* argument) { return refusal([&] { reference.element<Real>(c, inputs, argument); }); };
  EXPECT_EQ(ask("dst"), "not refused");
  EXPECT_NE(ask("diff_bias").find("'diff_bias' is not an output"), std::string::npos) << ask("diff_bias");
  EXPECT_NE(ask("banana").find("'banana' is not an output"), std::string::npos);
  EXPECT_NE(ask("src").find("'src' is not an output"), std::string::npos);
  EXPECT_NE(ask("diff_src").find("needs the tensor 'diff_dst' of shape 1x1x2"), std::string::npos) << ask("diff_src");
  inputs.at("weights") = Array<Real>(Shape{1, 1, 3});
  EXPECT_NE(ask("dst").find("'weights' has shape 1x1x3, but the case asks for 1x1x2"), std::string::npos) << ask("dst");
}

TEST(Formulas, EveryOutputOfEveryOperationHasOne) {
  for_each_output([](const Case& c, const Pass& pass, const Argument& argument) {
    const Arrays<float> inputs = seeded<float>(c, pass, 1);
    EXPECT_NO_THROW(references().at(c.spec->name).element<float>(c, inputs, argument.name)) << c.to_text();
  });
}

// Borrowed float32 numbers and owned scalars are the same input.
TEST(Formulas, BorrowedInputsGiveTheSame) {
  const Case c = registry().parse_case("conv:mb=1,ic=2,ih=5,iw=4,oc=3,kh=3,kw=2,pw=1");
  const Arrays<float> numbers = seeded<float>(c, Pass::forward(), 2);
  Arrays<Real> borrowed;
  for (const auto& [name, array] : numbers) borrowed.emplace(name, Array<Real>(array.shape, array.values.data()));
  const Shape shape = outputs_of(c, Pass::forward()).at(0).shape;
  const Reference& reference = references().at("conv");
  EXPECT_EQ(reference.evaluate<Real>(c, borrowed, "dst", shape).values,
            reference.evaluate<Real>(c, seeded<Real>(c, Pass::forward(), 2), "dst", shape).values);
}

// Of a network: with the results that a moved input leaves as they are, its result is the same as without.
TEST(Formulas, AMovedInputLeavesWhatIsFixed) {
  const Case c = registry().parse_case("gap_net:mb=2,ih=5,iw=4,ic=2,c1=3,c2=4,classes=3");
  const Reference& reference = references().at("gap_net");
  const Shape shape = outputs_of(c, Pass::forward()).at(0).shape;
  Arrays<Real> inputs = seeded<Real>(c, Pass::forward(), 1);
  size_t most_fixed = 0;
  for (const Pass& pass : c.spec->passes()) {
    if (pass.slot.empty()) continue;
    Arrays<Real> fixed = reference.with_fixed(c, inputs, pass.slot);
    most_fixed = std::max(most_fixed, fixed.size() - inputs.size());
    inputs.at(pass.slot)[0] += Real(1);
    fixed.at(pass.slot) = inputs.at(pass.slot);
    EXPECT_EQ(reference.evaluate<Real>(c, fixed, "dst", shape).values,
              reference.evaluate<Real>(c, inputs, "dst", shape).values)
        << pass.slot;
  }
  EXPECT_GT(most_fixed, 3U) << "of the last layer's weights all layers before it are";
}

}  // namespace
}  // namespace gradproof::testing
