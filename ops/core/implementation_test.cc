#include "ops/core/implementation.h"

#include <gtest/gtest.h>

#include "ops/core/buffer.h"
#include "ops/core/seeded.h"
#include "ops/core/synthetic.h"

namespace gradproof {
namespace {

// dst = src + 10 * scale[c]; demands dense inputs, as every kernel may.
class ToyKernel final : public Kernel {
 public:
  explicit ToyKernel(std::vector<Argument> arguments) : arguments_(std::move(arguments)) {}
  void run(std::span<const TensorRef> tensors) override {
    for (const TensorRef& tensor : tensors) ASSERT_TRUE(tensor.is_dense());
    const auto of = [&](std::string_view name) {
      return tensors[static_cast<size_t>(argument_index(arguments_, name))];
    };
    const Shape& shape = of("src").shape;
    for (Index i = 0; i < element_count(shape); ++i)
      of("dst").floats()[i] = of("src").floats()[i] + 10 * of("scale").floats()[position_of(i, shape)[1]];
  }
  std::string isa() const override { return "toy"; }

 private:
  std::vector<Argument> arguments_;
};

Implementation toy_implementation() {
  Implementation implementation;
  implementation.name = "toy";
  implementation.prepare = [](const Case& c, const Pass& pass, const PrepareOptions&) -> std::unique_ptr<Kernel> {
    return std::make_unique<ToyKernel>(arguments_of(*c.spec, c.attributes, pass));
  };
  return implementation;
}

class StridedTest : public testing::Test {
 protected:
  StridedTest() {
    for (const Argument& argument : arguments_) {
      buffers_.emplace_back(argument.shape, argument.type);
      tensors_.push_back(buffers_.back().ref());
      strides_.push_back(dense_strides(argument.shape));
      if (!argument.written) fill_seeded(tensors_.back(), 1, argument.name, Regime::kNormal, argument.domain);
    }
  }

  void give(size_t argument, void* data, const Strides& strides) {
    strides_[argument] = strides;
    tensors_[argument] = {data, ElementType::kFloat32, arguments_[argument].shape, strides};
  }

  void expect_right() {
    const auto kernel = prepare_strided(toy_implementation(), case_, Pass::forward(), {}, strides_);
    EXPECT_EQ(kernel->isa(), "toy");
    for (int repetition = 0; repetition < 2; ++repetition) {
      buffers_[4].poison();
      kernel->run(tensors_);
      Position position = Position::filled(4, 0);
      do {
        const float src = static_cast<float>(tensors_[0].value_at(position));
        const float scale = static_cast<float>(tensors_[1].value_at({position[1]}));
        ASSERT_EQ(static_cast<float>(tensors_[4].value_at(position)), src + 10 * scale) << position_text(position);
      } while (advance(position, tensors_[0].shape));
    }
  }

  Registry registry_ = toy_registry();
  Case case_ = registry_.parse_case("toy:mb=3,ih=4,iw=5");
  std::vector<Argument> arguments_ = arguments_of(*case_.spec, case_.attributes, Pass::forward());
  std::vector<Buffer> buffers_;
  std::vector<TensorRef> tensors_;
  std::vector<Strides> strides_;
};

TEST_F(StridedTest, DenseInputsAreHandedOnAsTheyAre) { expect_right(); }

TEST_F(StridedTest, AnyAxisMayHaveGaps) {
  std::vector<float> memory(10000);
  for (size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  give(0, memory.data(), {1000, 300, 40, 7});
  give(1, memory.data() + 5000, {13});
  expect_right();
}

TEST_F(StridedTest, AxesMayBePermutedAndRunBackwards) {
  std::vector<float> memory(120);
  for (size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  give(0, memory.data(), {1, 3, 6, 24});  // [iw][ih][2][mb]
  expect_right();
  give(0, memory.data() + 119, {-40, -20, -5, -1});
  expect_right();
}

TEST_F(StridedTest, LayoutStrideZeroBroadcasts) {
  float memory[] = {0, 1, 2, 3, 4};
  give(0, memory, {0, 0, 0, 1});
  expect_right();
  give(0, memory + 3, {0, 0, 0, 0});
  give(1, memory + 2, {0});
  expect_right();
}

TEST(Implementation, DepthIsItsOwnOrTheSpecs) {
  const Registry registry = toy_registry();
  const Case c = registry.parse_case("toy:mb=1,iw=2");
  Implementation implementation = toy_implementation();
  EXPECT_EQ(implementation.depth_of(c, Pass::forward(), "dst"), 3);
  implementation.depth = [](const Case&, const Pass& pass, std::string_view) { return pass.is_forward() ? 2.0 : 5.0; };
  EXPECT_EQ(implementation.depth_of(c, Pass::forward(), "dst"), 2);
  EXPECT_EQ(implementation.depth_of(c, Pass::vjp("src"), "diff_src"), 5);
}

TEST(Implementation, ArgumentIndexFindsByName) {
  const std::vector<Argument> arguments{{"src", {2}}, {"dst", {2}}};
  EXPECT_EQ(argument_index(arguments, "dst"), 1);
  EXPECT_EQ(argument_index(arguments, "bias"), -1);
}

}  // namespace
}  // namespace gradproof
