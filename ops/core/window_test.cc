#include "ops/core/window.h"

#include <gtest/gtest.h>

#include "ops/core/error.h"

namespace gradproof {
namespace {

// Windows that lie within the padded input, counted one by one.
Index windows_inside(const WindowAxis& a) {
  Index count = 0;
  for (Index begin = 0; begin + (a.kernel - 1) * a.dilation < a.in + a.pad_lo + a.pad_hi; begin += a.stride) ++count;
  return count;
}

// With ceil_mode a window may overhang: it is needed as long as the one before it does not reach the padded end, and
// dropped when it begins beyond the input and the padding before it (PyTorch, pooling_output_shape).
Index windows_overhanging(const WindowAxis& a) {
  const Index padded = a.in + a.pad_lo + a.pad_hi;
  Index count = 0;
  for (Index begin = 0;; begin += a.stride) {
    const Index end_before = begin - a.stride + (a.kernel - 1) * a.dilation;
    if (end_before >= padded - 1 || begin >= a.in + a.pad_lo) return count;
    ++count;
  }
}

TEST(Window, OutputSizeIsTheNumberOfWindows) {
  int empty = 0;
  int dropped = 0;
  for (Index in = 1; in <= 7; ++in)
    for (Index kernel = 1; kernel <= 4; ++kernel)
      for (Index stride = 1; stride <= 4; ++stride)
        for (Index pad_lo = 0; pad_lo <= 3; ++pad_lo)
          for (Index pad_hi = 0; pad_hi <= 3; ++pad_hi)
            for (Index dilation = 1; dilation <= 3; ++dilation) {
              WindowAxis a{in, kernel, stride, pad_lo, pad_hi, dilation, false};
              ASSERT_EQ(a.out(), windows_inside(a)) << in << kernel << stride << pad_lo << pad_hi << dilation;
              empty += a.out() == 0;
              const Index floored = a.out();
              a.ceil_mode = true;
              ASSERT_EQ(a.out(), windows_overhanging(a)) << in << kernel << stride << pad_lo << pad_hi << dilation;
              dropped += a.out() < floored;
            }
  EXPECT_GT(empty, 0);
  EXPECT_GT(dropped, 0);
}

TEST(Window, KnownSizes) {
  EXPECT_EQ((WindowAxis{224, 7, 2, 3, 3, 1, false}.out()), 112);  // ResNet-50, first layer
  EXPECT_EQ((WindowAxis{112, 3, 2, 1, 1, 1, false}.out()), 56);   // its pooling
  EXPECT_EQ((WindowAxis{112, 3, 2, 0, 0, 1, true}.out()), 56);    // the same without padding
  EXPECT_EQ((WindowAxis{2, 3, 2, 0, 0, 1, true}.out()), 1);       // the only window overhangs
  EXPECT_EQ((WindowAxis{2, 3, 2, 0, 0, 1, false}.out()), 0);
}

std::vector<AttributeSpec> specs_of(const std::vector<std::vector<AttributeSpec>>& groups) {
  std::vector<AttributeSpec> specs;
  for (const auto& group : groups) specs.insert(specs.end(), group.begin(), group.end());
  return specs;
}

TEST(Window, ReadsEveryAttributeOfEveryAxis) {
  const auto specs = specs_of(
      {input_size_attributes(), kernel_attributes(), stride_attributes(), padding_attributes(), dilation_attributes()});
  const Window w = window_of(Attributes::parse("op", specs,
                                               "id=10,ih=11,iw=12,kd=2,kh=3,kw=4,sd=5,sh=6,sw=7,pd_lo=1,pd_hi=2,"
                                               "ph_lo=3,ph_hi=4,pw_lo=5,pw_hi=6,dd=2,dh=3,dw=1"));
  const WindowAxis expected[] = {{10, 2, 5, 1, 2, 2}, {11, 3, 6, 3, 4, 3}, {12, 4, 7, 5, 6, 1}};
  EXPECT_EQ(w.rank, 3);
  for (size_t axis = 0; axis < 3; ++axis) {
    const WindowAxis& got = w.axes[axis];
    const WindowAxis& want = expected[axis];
    EXPECT_EQ((std::array{got.in, got.kernel, got.stride, got.pad_lo, got.pad_hi, got.dilation}),
              (std::array{want.in, want.kernel, want.stride, want.pad_lo, want.pad_hi, want.dilation}));
  }
  EXPECT_EQ(w.taps(), 24);
  EXPECT_EQ(w.in_count(), 1320);
  EXPECT_EQ(w.in_shape(2, 3), (Shape{2, 3, 10, 11, 12}));
  EXPECT_EQ(w.out_shape(2, 3), (Shape{2, 3, 3, 2, 3}));
}

TEST(Window, ProductsLeaveOutPaddingAlongTheDepthAxisOnly) {
  const Window window{3, {WindowAxis{2, 3, 1, 1, 1}, WindowAxis{4, 3, 1, 1, 1}, WindowAxis{5}}};
  EXPECT_EQ(window.products(), (2 + 2) * (4 * 3) * 5);
}

TEST(Window, MissingAxesHaveSizeOne) {
  const auto specs = specs_of({input_size_attributes(), kernel_attributes()});
  const Window w = window_of(Attributes::parse("op", specs, "iw=9,kw=3"));
  EXPECT_EQ(w.in_shape(2, 5), (Shape{2, 5, 9}));
  EXPECT_EQ(w.out_shape(2, 5), (Shape{2, 5, 7}));
  EXPECT_EQ(w.out_count(), 7);
  EXPECT_EQ(spatial_shape(Attributes::parse("op", input_size_attributes(), "ih=4,iw=9"), 2, 5), (Shape{2, 5, 4, 9}));
}

TEST(Window, KernelLargerThanPaddedInputIsRefusedWithTheFormula) {
  const auto specs = specs_of(
      {input_size_attributes(), kernel_attributes(), stride_attributes(), padding_attributes(), dilation_attributes()});
  const auto require = [&](const char* text) { require_output("op", window_of(Attributes::parse("op", specs, text))); };
  EXPECT_NO_THROW(require("ih=5,iw=5,kh=3,kw=3,dh=2"));
  EXPECT_NO_THROW(require("ih=5,iw=1,kh=3,kw=3,pw_hi=2"));
  try {
    require("ih=5,iw=5,kh=4,kw=3,dh=2,sh=2,ph_lo=1");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(
        error.what(),
        "op: the kernel is larger than the padded input along h: oh = floor((ih + padding - ((kh - 1) * dh + 1)) "
        "/ sh) + 1 = floor((5 + 1 - 7) / 2) + 1 is not positive; enlarge ih or the padding");
  }
}

TEST(Window, KernelsOfMoreTapsThanATensorHasElementsAreRefused) {
  const auto specs = specs_of({input_size_attributes(), kernel_attributes(), padding_attributes()});
  const Window window = window_of(Attributes::parse("op", specs, "i=1,k=1000000000,p=500000000"));
  EXPECT_THROW(require_output("op", window), UsageError);
}

TEST(Window, TapsInsideAreThoseThatReadInputs) {
  for (const WindowAxis& axis :
       {WindowAxis{7, 3, 2, 2, 1, 1}, WindowAxis{4, 5, 1, 9, 9, 3}, WindowAxis{2, 3, 5, 6, 7, 2}})
    for (Index o = 0; o < axis.out(); ++o) {
      Index inside = 0;
      for (Index k = 0; k < axis.kernel; ++k) {
        const Index i = o * axis.stride - axis.pad_lo + k * axis.dilation;
        inside += i >= 0 && i < axis.in;
      }
      EXPECT_EQ(axis.taps_inside(o), inside) << "window " << o << " of " << axis.out();
    }
}

}  // namespace
}  // namespace gradproof
