// local_conv by hand, and against conv: a convolution is an unshared one whose positions all hold the same weights.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

// Three windows of two taps, each with weights of its own: weights[k][o].
TEST(LocalConv, OneDimension) {
  Example e("local_conv:mb=2,ic=1,iw=4,oc=1,kw=2");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8}).with("weights", {1, 10, 100, 2, 20, 200}).with("bias", {1000, 2000, 3000});
  EXPECT_EQ(e.output("dst"), (Values{1005, 2080, 4100, 1017, 2200, 5300}));
  e.with("diff_dst", {1, 10, 100, -1, 0, 2});
  EXPECT_EQ(e.output("diff_src"), (Values{1, 102, 10200, 20000, -1, -2, 200, 400}));
  EXPECT_EQ(e.output("diff_weights"), (Values{1 - 5, 20, 300 + 14, 2 - 6, 30, 400 + 16}));
  EXPECT_EQ(e.output("diff_bias"), (Values{0, 10, 102}));
}

// 2x3 outputs and 2x1 taps, weights[oc][kh][oh][ow]: each axis has its own size, so none is mistaken for another.
TEST(LocalConv, TwoDimensions) {
  Example e("local_conv:mb=1,ic=1,ih=3,iw=3,oc=2,kh=2,kw=1");
  e.with("src", {1, 2, 3, 4, 5, 6, 7, 8, 9});
  e.with("weights", {1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6});
  e.with("bias", {0, 0, 0, 0, 0, 100, 10, 20, 30, 40, 50, 60});
  EXPECT_EQ(e.output("dst"), (Values{1, 4, 9, 16, 25, 136, 14, 30, 48, 68, 90, 114}));
  e.with("diff_dst", {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  EXPECT_EQ(e.output("diff_src"), (Values{1, 0, 0, 0, 0, 0, 0, 0, 6}));
  EXPECT_EQ(e.output("diff_weights"), (Values{1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 9}));
  EXPECT_EQ(e.output("diff_bias"), (Values{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
}

// Windows of two taps two apart, starting at -1, 1 and 3; tap -1 and tap 5 are padding. Two input channels.
TEST(LocalConv, StridePaddingDilation) {
  Example e("local_conv:mb=1,ic=2,iw=5,oc=1,kw=2,sw=2,pw=1,dw=2,bias=0");
  e.with("src", {1, 2, 3, 4, 5, 10, 20, 30, 40, 50}).with("weights", {9, 1, 2, 1, 2, 9, 9, 3, 4, 5, 6, 9});
  EXPECT_EQ(e.output("dst"), (Values{2 + 100, 2 + 8 + 60 + 240, 8 + 160}));
}

// Padding is zeros that are multiplied: a NaN weight or cotangent shows there.
TEST(LocalConv, PaddingTakesPart) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Example e("local_conv:mb=1,ic=1,iw=1,oc=1,kw=3,pw=1,bias=0");
  e.with("src", {1}).with("weights", {nan, 1, 1}).with("diff_dst", {nan});
  EXPECT_TRUE(std::isnan(e.output("dst").at(0)));
  for (double diff : e.output("diff_weights")) EXPECT_TRUE(std::isnan(diff));
}

// The same convolution, shared and unshared, on whole numbers.
struct Twins {
  Case shared, local;
  Arrays<Real> shared_inputs, local_inputs;
  Index positions;

  explicit Twins(const std::string& attributes)
      : shared(registry().parse_case("conv:" + attributes)), local(registry().parse_case("local_conv:" + attributes)) {
    shared_inputs = seeded<Real>(shared, Pass::vjp("weights"), 6, Regime::kInteger);
    const Shape& dst = shared_inputs.at("diff_dst").shape;
    positions = element_count(dst) / (dst[0] * dst[1]);
    for (const Argument& argument : inputs_of(local, Pass::vjp("weights"))) {
      const Array<Real>& given = shared_inputs.at(argument.name);
      Array<Real> array(argument.shape);
      const bool repeated = argument.name == "weights" || argument.name == "bias";
      for (Index i = 0; i < element_count(argument.shape); ++i) array[i] = given[repeated ? i / positions : i];
      local_inputs.emplace(argument.name, std::move(array));
    }
  }

  Array<Real> of_shared(std::string_view argument) const {
    return references().at("conv").evaluate<Real>(shared, shared_inputs, argument, shape_in(shared, argument));
  }
  Array<Real> of_local(std::string_view argument) const {
    return references().at("local_conv").evaluate<Real>(local, local_inputs, argument, shape_in(local, argument));
  }
  // Summed over positions.
  std::vector<Real> of_local_summed(std::string_view argument) const {
    const Array<Real> all = of_local(argument);
    std::vector<Real> sums(all.values.size() / static_cast<size_t>(positions));
    for (Index i = 0; i < element_count(all.shape); ++i) sums[static_cast<size_t>(i / positions)] += all[i];
    return sums;
  }

 private:
  static Shape shape_in(const Case& c, std::string_view argument) {
    for (const Pass& pass : c.spec->passes())
      for (const Argument& candidate : outputs_of(c, pass))
        if (candidate.name == argument) return candidate.shape;
    throw std::logic_error("the case has no such output");
  }
};

TEST(LocalConv, WithEqualWeightsIsAConvolution) {
  for (const char* attributes : {"mb=2,ic=3,ih=6,iw=5,oc=4,kh=3,kw=2,ph=1,pw=1", "mb=3,ic=2,iw=9,oc=3,kw=3,sw=2,pw=1",
                                 "mb=1,ic=2,ih=9,iw=8,oc=2,kh=3,kw=2,sh=2,sw=3,ph=3,pw_lo=1,dh=3,dw=2"}) {
    const Twins twins(attributes);
    EXPECT_EQ(twins.of_local("dst").values, twins.of_shared("dst").values) << attributes;
    EXPECT_EQ(twins.of_local("diff_src").values, twins.of_shared("diff_src").values) << attributes;
  }
}

// Shared weights receive the sum of the gradients of all their uses.
TEST(LocalConv, GradientsSummedOverPositionsAreThoseOfSharedWeights) {
  for (const char* attributes : {"mb=2,ic=3,ih=6,iw=5,oc=4,kh=3,kw=2,ph=1,pw=1", "mb=3,ic=2,iw=9,oc=3,kw=3,sw=2,pw=1",
                                 "mb=1,ic=2,ih=9,iw=8,oc=2,kh=3,kw=2,sh=2,sw=3,ph=3,pw_lo=1,dh=3,dw=2"}) {
    const Twins twins(attributes);
    EXPECT_EQ(twins.of_local_summed("diff_weights"), twins.of_shared("diff_weights").values) << attributes;
    EXPECT_EQ(twins.of_local_summed("diff_bias"), twins.of_shared("diff_bias").values) << attributes;
  }
}

}  // namespace
}  // namespace gradproof::testing
