#include "ops/conv/local_conv.h"

#include <algorithm>
#include <numeric>

#include "ops/conv/local_conv_simd.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> local_conv_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  specs.push_back(integer_attribute("oc", "output channels"));
  for (auto& spec : kernel_attributes()) specs.push_back(spec);
  for (auto& spec : stride_attributes()) specs.push_back(spec);
  for (auto& spec : padding_attributes()) specs.push_back(spec);
  for (auto& spec : dilation_attributes()) specs.push_back(spec);
  specs.push_back(flag_attribute("bias", "add a bias", true));
  return specs;
}

std::optional<Shape> local_conv_src_shape(const Attributes& attributes) {
  const LocalConvAttributes a = local_conv_attributes(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> local_conv_dst_shape(const Attributes& attributes) {
  const LocalConvAttributes a = local_conv_attributes(attributes);
  return a.window.out_shape(a.mb, a.oc);
}

void append_outputs(const Window& window, Shape& shape) {
  for (int axis = 3 - window.rank; axis < 3; ++axis) shape.push_back(window.axes[static_cast<size_t>(axis)].out());
}

std::optional<Shape> local_conv_weights_shape(const Attributes& attributes) {
  const LocalConvAttributes a = local_conv_attributes(attributes);
  Shape shape{a.oc, a.ic};
  for (int axis = 3 - a.window.rank; axis < 3; ++axis) shape.push_back(a.window.axes[static_cast<size_t>(axis)].kernel);
  append_outputs(a.window, shape);
  return shape;
}
std::optional<Shape> local_conv_bias_shape(const Attributes& attributes) {
  const LocalConvAttributes a = local_conv_attributes(attributes);
  if (!a.bias) return {};
  Shape shape{a.oc};
  append_outputs(a.window, shape);
  return shape;
}

void local_conv_validate(const Attributes& attributes) {
  const Window window = window_of(attributes);
  if (window.rank == 3)
    refuse("local_conv: id={} asks for 3D, whose weights would have 8 axes where tensors have at most {}; leave out id",
           window.axes[0].in, kMaxRank);
  require_output("local_conv", window);
}

// Least bytes: every weight is used once a sample, so the weights are the traffic.
Cost local_conv_cost(const Attributes& attributes, const Pass& pass) {
  const LocalConvAttributes a = local_conv_attributes(attributes);
  const auto src = static_cast<double>(a.mb * a.ic * a.window.in_count());
  const auto maps = static_cast<double>(a.oc * a.outputs());  // elements of the bias, and of one sample's dst
  const double dst = static_cast<double>(a.mb) * maps;
  if (pass.slot == "bias") return {dst, 4 * (dst + maps)};
  const double weights = maps * static_cast<double>(a.terms());
  const bool bias = a.bias && pass.is_forward();
  return {2 * weights * static_cast<double>(a.mb) + (bias ? dst : 0), 4 * (src + dst + weights + (bias ? maps : 0))};
}

// A sum of n products in any order: one rounding for the product and n - 1 for the sums; one more for the bias.
double local_conv_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const LocalConvAttributes a = local_conv_attributes(attributes);
  if (pass.slot == "bias" || pass.slot == "weights") return static_cast<double>(a.mb);
  if (pass.slot == "src") return static_cast<double>(a.oc * windows_over_an_input(a.window));
  return static_cast<double>(a.terms()) + 1;
}

}  // namespace

LocalConvAttributes local_conv_attributes(const Attributes& attributes) {
  return {attributes.integer("mb"), attributes.integer("ic"), attributes.integer("oc"), attributes.flag("bias"),
          window_of(attributes)};
}

// Along an axis at most every (stride / gcd(stride, dilation))-th tap falls on one input.
Index windows_over_an_input(const Window& window) {
  Index windows = 1;
  for (const WindowAxis& w : window.axes) {
    const Index apart = w.stride / std::gcd(w.stride, w.dilation);
    windows *= std::min(w.out(), (w.kernel + apart - 1) / apart);
  }
  return windows;
}

Operation local_conv_operation() {
  Operation op;
  op.spec.name = "local_conv";
  op.spec.family = "conv";
  op.spec.summary =
      "dst[n,o,p] = bias[o,p] + sum over i,k of weights[o,i,k,p] * src[n,i,p*s-pad+k*d]: a convolution with weights of "
      "its own at every output position p (Taigman et al., DeepFace, CVPR 2014)";
  op.spec.attributes = local_conv_attribute_specs();
  op.spec.slots = {{"src", Role::kInput, local_conv_src_shape},
                   {.name = "weights", .shape = local_conv_weights_shape, .axes = {"oc", "ic", "kh", "kw", "oh", "ow"}},
                   {.name = "bias", .shape = local_conv_bias_shape, .axes = {"oc", "oh", "ow"}},
                   {"dst", Role::kOutput, local_conv_dst_shape}};
  op.spec.validate = local_conv_validate;
  op.spec.cost = local_conv_cost;
  op.spec.depth = local_conv_depth;
  op.spec.exact_on_integers = true;
  // Padding is zeros that take part, for a NaN weight in dst and for a NaN cotangent in diff_weights, as the formula
  // says; nothing else may meet a NaN.
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,ic=3,ih=6,iw=5,oc=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=9,iw=6,oc=3,kh=3,kw=2,sh=2,sw=3,bias=0",
      "mb=3,ic=2,iw=17,oc=2,kw=4,sw=2,pw=1",
  };
  op.spec.full_cases = {
      "mb=2,ic=3,ih=3,iw=4,oc=5,kh=1,kw=1",                 // no neighbours: a linear layer at every pixel
      "mb=9,ic=2,ih=4,iw=3,oc=2,kh=2,kw=2",                 // more than one block of samples
      "mb=1,ic=2,ih=5,iw=9,oc=2,kh=3,kw=1,ph=1",            // a vector and one
      "mb=1,ic=1,ih=4,iw=16,oc=2,kh=2,kw=3,pw=1",           // vectors and nothing more
      "mb=1,ic=1,ih=4,iw=19,oc=2,kh=2,kw=3",                // two vectors and one
      "mb=2,ic=1,iw=35,oc=1,kw=3",                          // four vectors and one
      "mb=2,ic=2,ih=8,iw=7,oc=2,kh=3,kw=2,sh=2,sw=3,ph=1",  // strides unlike each other, neither divides
      "mb=1,ic=2,ih=7,iw=8,oc=2,kh=2,kw=3,sh=3,sw=2,pw=2",  // the other way round
      "mb=2,ic=2,ih=5,iw=6,oc=2,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",  // one-sided padding, beyond the kernel
      "mb=1,ic=1,ih=7,iw=8,oc=2,kh=3,kw=3,ph=2,pw=2,dh=2,dw=2",              // dilation
      "mb=1,ic=2,ih=9,iw=10,oc=2,kh=3,kw=2,sh=2,sw=3,ph=3,pw=1,dh=3,dw=2",   // dilation with stride
      "mb=1,ic=2,ih=2,iw=3,oc=2,kh=4,kw=5,ph=2,pw=2",                        // a kernel larger than the input
      "mb=2,ic=2,ih=9,iw=1,oc=3,kh=3,kw=1,ph=1",                             // 1-wide images
      "mb=2,ic=2,ih=6,iw=1,oc=2,kh=2,kw=3,pw=1",
      "mb=1,ic=2,ih=1,iw=9,oc=3,kh=1,kw=3,sw=2,pw=1",
      "mb=3,ic=3,ih=4,iw=3,oc=5,kh=4,kw=3",  // one window: a linear layer
      "mb=1,ic=5,ih=4,iw=4,oc=2,k=3,p=1",    // a sum of 45 products
      "mb=1,ic=2,ih=3,iw=2,oc=19,kh=2,kw=2,sh=1,bias=0",
      "mb=2,ic=130,iw=2,oc=1,kw=2,pw_hi=1",  // a sum of 260 products: more than one block
      "mb=1,ic=1,iw=2,oc=258,kw=2,pw=1",     // the same for the data gradient
      "mb=1,ic=3,iw=12,oc=2,kw=3,sw=2,pw_lo=2,dw=3",
      "mb=5,ic=3,ih=12,iw=11,oc=17,kh=3,kw=4,ph=1,pw=1",  // enough weights for several threads
      "mb=1,ic=20,ih=20,iw=21,oc=1,kh=3,kw=3,ph=1,pw=1",  // which share the pixels of one channel
  };
  op.spec.invalid_cases = {
      {"mb=0,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "mb"},
      {"mb=1,ic=3,id=4,ih=8,iw=8,oc=4,k=3", "leave out id"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=3,kh=3,kw=3", "unknown key 'g'"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=7,kw=3", "larger than the padded input"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=3,kw=3,dh=2", "larger than the padded input"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3", "kw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sw=0", "sw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,pw=-1", "pw_lo"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,bias=2", "bias"},
      {"mb=1,ic=512,ih=256,iw=256,oc=512,kh=3,kw=3", "weights"},  // 1.5e11 weights
  };
  op.implementations = local_conv_simd_implementations();
  return op;
}

}  // namespace gradproof
