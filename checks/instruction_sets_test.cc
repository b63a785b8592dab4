// Kernels that promise the same bits on every instruction set with a fused multiply-add: the convolution engine's.
#include <gtest/gtest.h>

#include "checks/draw.h"
#include "checks/execution.h"
#include "checks/inputs.h"
#include "ops/register.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

// A byte string for each vector target that the processor has.
std::vector<std::vector<unsigned char>> outputs_by_target(const Operation& operation, const Case& c, const Pass& pass) {
  const auto inputs = seeded_inputs(c, pass, 1, Regime::kNormal);
  std::vector<std::vector<unsigned char>> outputs;
  for (const char* name : {"simd@avx2", "simd@avx3"}) {
    const Implementation& implementation = operation.implementation(name);
    if (implementation.unsupported && implementation.unsupported(c, pass)) continue;
    Execution execution(c, pass, implementation, inputs, {});
    execution.run();
    outputs.push_back(execution.output_bytes());
  }
  return outputs;
}

class InstructionSets : public testing::TestWithParam<const char*> {
 protected:
  static const Operation& operation() {
    static const Registry registry = register_operations();
    return registry.find(GetParam());
  }

  // All passes of a case.
  void compare(const Case& c) {
    for (const Pass& pass : operation().spec.passes()) {
      if (!has_pass(operation().spec, c.attributes, pass)) continue;
      const auto outputs = outputs_by_target(operation(), c, pass);
      if (outputs.size() < 2) continue;
      EXPECT_EQ(outputs[0], outputs[1]) << c.to_text() << " " << pass.to_text();
      ++compared_;
    }
  }

  void TearDown() override {
    if (compared_ == 0) GTEST_SKIP() << "the processor has fewer than two vector instruction sets";
  }

 private:
  Index compared_ = 0;
};

TEST_P(InstructionSets, AgreeBitForBit) {
  for (const auto* cases : {&operation().spec.smoke_cases, &operation().spec.full_cases})
    for (const std::string& text : *cases) compare(make_case(operation().spec, text));
}

// Shapes that nobody thought of.
TEST_P(InstructionSets, AgreeOnDrawnCases) {
  constexpr Index kDraws = 4000;
  for (Index number = 0; number < kDraws; ++number) compare(draw_case(operation().spec, 1, number).c);
}

INSTANTIATE_TEST_SUITE_P(Engine, InstructionSets, testing::Values("conv", "conv_transpose", "coord_conv", "linear"),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace gradproof
