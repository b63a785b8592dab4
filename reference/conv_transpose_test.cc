// conv_transpose by hand, and as what it is: a stride-1 convolution of the input with zeros inserted between its
// elements and excess padding around it, by the flipped kernel.
#include <gtest/gtest.h>

#include "reference/fixture.h"

namespace gradproof::testing {
namespace {

Values whole(Index count, std::uint64_t seed) {
  Values values;
  for (Index i = 0; i < count; ++i)
    values.push_back(static_cast<double>(seeded_value(seed, "whole", Position{i}, Regime::kInteger, Domain::kReal)));
  return values;
}

TEST(ConvTranspose, PlacesKernelsAtTheStride) {
  Example e("conv_transpose:mb=1,ic=1,iw=3,oc=1,kw=3,sw=2");
  e.with("src", {1, 10, 100}).with("weights", {1, 2, 3}).with("bias", {1000});
  EXPECT_EQ(e.output("dst"), (Values{1001, 1002, 1013, 1020, 1130, 1200, 1300}));
  e.with("diff_dst", {1, 0, 0, 0, 0, 1, 1});
  EXPECT_EQ(e.output("diff_src"), (Values{1, 0, 5}));
  EXPECT_EQ(e.output("diff_weights"), (Values{1, 100, 100}));
  EXPECT_EQ(e.output("diff_bias"), (Values{3}));
}

// Padding cuts the output on the left, output padding lengthens it on the right: that strip is only what falls on it.
TEST(ConvTranspose, PaddingCutsAndOutputPaddingAdds) {
  Example e("conv_transpose:mb=1,ic=1,iw=2,oc=1,kw=2,sw=3,pw_lo=1,opw=2,bias=0");
  e.with("src", {1, 10}).with("weights", {2, 3});
  EXPECT_EQ(e.output("dst"), (Values{3, 0, 20, 30, 0, 0}));
}

TEST(ConvTranspose, GroupsWriteTheirOwnChannels) {
  Example e("conv_transpose:mb=1,ic=2,iw=1,oc=4,g=2,kw=1,bias=0");
  e.with("src", {1, 10}).with("weights", {1, 2, 3, 4});
  EXPECT_EQ(e.output("dst"), (Values{1, 2, 30, 40}));
}

// conv over the input with stride - 1 zeros between neighbours, padded by the kernel's extent - 1 - pad (here at least
// 0), the kernel flipped and its channels exchanged.
TEST(ConvTranspose, IsConvOfTheSpreadInputByTheFlippedKernel) {
  constexpr Index kIc = 2, kOc = 3, kH = 3, kW = 4, kKh = 3, kKw = 2, kSh = 2, kSw = 3, kDw = 2;
  const Values src = whole(kIc * kH * kW, 1), weights = whole(kIc * kOc * kKh * kKw, 2), bias = whole(kOc, 3);
  Example here("conv_transpose:mb=1,ic=2,ih=3,iw=4,oc=3,kh=3,kw=2,sh=2,sw=3,dw=2,ph=1,pw_lo=2,pw_hi=1,oph=1,opw=2");
  here.with("src", src).with("weights", weights).with("bias", bias);

  constexpr Index kSpreadH = (kH - 1) * kSh + 1, kSpreadW = (kW - 1) * kSw + 1;
  Values spread(static_cast<size_t>(kIc * kSpreadH * kSpreadW), 0);
  for (Index c = 0; c < kIc; ++c)
    for (Index h = 0; h < kH; ++h)
      for (Index w = 0; w < kW; ++w)
        spread[static_cast<size_t>((c * kSpreadH + h * kSh) * kSpreadW + w * kSw)] =
            src[static_cast<size_t>((c * kH + h) * kW + w)];
  Values flipped(weights.size());
  for (Index i = 0; i < kIc; ++i)
    for (Index o = 0; o < kOc; ++o)
      for (Index h = 0; h < kKh; ++h)
        for (Index w = 0; w < kKw; ++w)
          flipped[static_cast<size_t>(((o * kIc + i) * kKh + kKh - 1 - h) * kKw + kKw - 1 - w)] =
              weights[static_cast<size_t>(((i * kOc + o) * kKh + h) * kKw + w)];
  // Extents 3 and 3: excess padding 2 - 1 above, 2 - 1 + 1 below, 2 - 2 left and 2 - 1 + 2 right.
  Example there(fmt::format("conv:mb=1,ic=2,ih={},iw={},oc=3,kh=3,kw=2,dw={},ph_lo=1,ph_hi=2,pw_lo=0,pw_hi=3", kSpreadH,
                            kSpreadW, kDw));
  there.with("src", spread).with("weights", flipped).with("bias", bias);
  EXPECT_EQ(here.output("dst"), there.output("dst"));
}

}  // namespace
}  // namespace gradproof::testing
