#include "ops/conv/conv_transpose.h"

#include <algorithm>

#include "ops/core/error.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> conv_transpose_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")};
  const auto append = [&](const std::vector<AttributeSpec>& more) {
    specs.insert(specs.end(), more.begin(), more.end());
  };
  append(input_size_attributes());
  specs.push_back(integer_attribute("oc", "output channels"));
  specs.push_back(integer_attribute("g", "groups", 1));
  append(kernel_attributes());
  append(stride_attributes());
  append(padding_attributes());
  append(output_padding_attributes());
  append(dilation_attributes());
  specs.push_back(flag_attribute("bias", "add a bias", true));
  return specs;
}

Index output_padding(const Attributes& attributes, int axis) {
  return attributes.integer(std::string("op") + kAxisNames[axis]);
}

// The window of the convolution that maps the output back: its input is our output, its windows are our input.
Window transposed_window(const Attributes& attributes) {
  Window window = window_of(attributes);
  for (int axis = 3 - window.rank; axis < 3; ++axis) {
    WindowAxis& a = window.axes[static_cast<size_t>(axis)];
    a.windows = a.in;
    a.in = (a.windows - 1) * a.stride - a.pad_lo - a.pad_hi + a.extent() + output_padding(attributes, axis);
  }
  return window;
}

std::optional<Shape> conv_transpose_src_shape(const Attributes& attributes) {
  const ConvShape s = conv_transpose_attributes(attributes).shape;
  return s.window.out_shape(s.mb, s.oc);
}
std::optional<Shape> conv_transpose_dst_shape(const Attributes& attributes) {
  const ConvShape s = conv_transpose_attributes(attributes).shape;
  return s.window.in_shape(s.mb, s.ic);
}
std::optional<Shape> conv_transpose_weights_shape(const Attributes& attributes) {
  const ConvShape s = conv_transpose_attributes(attributes).shape;
  Shape shape{s.oc, s.ic_per_group()};
  for (int axis = 3 - s.window.rank; axis < 3; ++axis) shape.push_back(s.window.axes[static_cast<size_t>(axis)].kernel);
  return shape;
}
std::optional<Shape> conv_transpose_bias_shape(const Attributes& attributes) {
  const ConvTransposeAttributes a = conv_transpose_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.shape.ic};
}

void conv_transpose_validate(const Attributes& attributes) {
  const ConvShape s = conv_transpose_attributes(attributes).shape;
  if (s.ic % s.g != 0 || s.oc % s.g != 0)
    refuse("conv_transpose: g={} must divide both ic={} and oc={}; choose another number of groups", s.g, s.oc, s.ic);
  for (int axis = 3 - s.window.rank; axis < 3; ++axis) {
    const WindowAxis& a = s.window.axes[static_cast<size_t>(axis)];
    const Index more = output_padding(attributes, axis);
    const char* name = kAxisNames[axis];
    if (more >= std::max(a.stride, a.dilation))
      refuse("conv_transpose: op{}={} must be smaller than the stride s{}={} or the dilation d{}={}", name, more, name,
             a.stride, name, a.dilation);
    if (a.in < 1)
      refuse(
          "conv_transpose: the padding leaves no output along {}: o{} = (i{} - 1) * s{} - padding + (k{} - 1) * d{} + "
          "1 + op{} = {} * {} - {} + {} + {} is not positive; take less padding",
          name, name, name, name, name, name, name, a.windows - 1, a.stride, a.pad_lo + a.pad_hi, a.extent(), more);
  }
}

double src_count(const ConvShape& s) { return static_cast<double>(s.mb * s.oc * s.window.out_count()); }
double conv_transpose_dst_count(const ConvShape& s) { return static_cast<double>(s.mb * s.ic * s.window.in_count()); }

Cost conv_transpose_cost(const Attributes& attributes, const Pass& pass) {
  const ConvTransposeAttributes a = conv_transpose_attributes(attributes);
  const ConvShape& s = a.shape;
  const double dst = conv_transpose_dst_count(s);
  if (pass.slot == "bias") return {dst, 4 * (dst + static_cast<double>(s.ic))};
  const auto macs = static_cast<double>(s.mb * s.oc * s.ic_per_group() * s.window.products());
  const auto weights = static_cast<double>(s.oc * s.ic_per_group() * s.window.taps());
  const double bias = a.bias && pass.is_forward() ? static_cast<double>(s.ic) : 0;
  return {2 * macs + (bias > 0 ? dst : 0), 4 * (src_count(s) + dst + weights + bias)};
}

// A sum of n products in any order: one rounding for the product and n - 1 for the sums; one more for the bias. An
// output element receives from at most one input position a tap.
double conv_transpose_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const ConvShape s = conv_transpose_attributes(attributes).shape;
  if (pass.slot == "bias") return static_cast<double>(s.mb * s.window.in_count());
  if (pass.slot == "weights") return static_cast<double>(s.mb * s.window.out_count());
  if (pass.slot == "src") return static_cast<double>(s.ic_per_group() * s.window.taps());
  return static_cast<double>(s.oc_per_group() * s.window.taps()) + 1;
}

// Positions between the strides multiply nothing, so nothing spreads from there; but padding and gaps of a packed copy
// may meet weights, and the weight gradient sums along rows with their padding.
bool conv_transpose_contains_nan(const Pass& pass, std::string_view slot) {
  return (pass.is_forward() && slot != "weights") || (pass.slot == "src" && slot == "diff_dst") || pass.slot == "bias";
}

std::unique_ptr<Kernel> prepare(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const ConvShape s = conv_transpose_attributes(c.attributes).shape;
  const std::vector<Argument> arguments = arguments_of(*c.spec, c.attributes, pass);
  if (pass.slot == "src")
    return make_conv_kernel(plan_conv_forward(s, options.threads), arguments, {"diff_dst", "weights", "", "diff_src"});
  if (pass.slot == "weights")
    return make_conv_kernel(plan_conv_weights_gradient(s, options.threads), arguments,
                            {"diff_dst", "src", "", "diff_weights"});
  if (pass.slot == "bias")
    return make_conv_kernel(plan_channel_sums(s.mb, s.ic, s.window.in_count(), options.threads), arguments,
                            {"diff_dst", "", "", "diff_bias"});
  return make_conv_kernel(plan_conv_data_gradient(s, options.threads), arguments, {"src", "weights", "bias", "dst"});
}

double simd_depth(const Case& c, const Pass& pass, std::string_view) {
  const ConvTransposeAttributes a = conv_transpose_attributes(c.attributes);
  if (pass.slot == "src") return conv_forward_depth(a.shape);
  if (pass.slot == "weights") return conv_weights_gradient_depth(a.shape);
  if (pass.slot == "bias") return channel_sums_depth();
  return conv_data_gradient_depth(a.shape) + (a.bias ? 1 : 0);
}

std::vector<Implementation> implementations() {
  return simd_implementations(
      {[](const Case& c, const Pass&) { return conv_engine_limit(conv_transpose_attributes(c.attributes).shape); },
       prepare, simd_depth});
}

}  // namespace

ConvTransposeAttributes conv_transpose_attributes(const Attributes& attributes) {
  return {{.mb = attributes.integer("mb"),
           .ic = attributes.integer("oc"),
           .oc = attributes.integer("ic"),
           .g = attributes.integer("g"),
           .window = transposed_window(attributes)},
          attributes.flag("bias")};
}

Operation conv_transpose_operation() {
  Operation op;
  op.spec.name = "conv_transpose";
  op.spec.family = "conv";
  op.spec.summary =
      "dst[n,o,q] = bias[o] + sum over i,p,k with p*s-pad+k*d = q of src[n,i,p] * weights[i,o,k] (Dumoulin and Visin "
      "2016, arXiv:1603.07285, chapter 4)";
  op.spec.attributes = conv_transpose_attribute_specs();
  op.spec.slots = {{"src", Role::kInput, conv_transpose_src_shape},
                   {"weights", Role::kInput, conv_transpose_weights_shape},
                   {"bias", Role::kInput, conv_transpose_bias_shape},
                   {"dst", Role::kOutput, conv_transpose_dst_shape}};
  op.spec.validate = conv_transpose_validate;
  op.spec.cost = conv_transpose_cost;
  op.spec.depth = conv_transpose_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = conv_transpose_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,ic=3,ih=4,iw=5,oc=4,kh=3,kw=4,sh=2,sw=2,ph=1,pw=1",
      "mb=1,ic=2,ih=5,iw=3,oc=3,kh=3,kw=2,sh=2,sw=3,oph=1,opw=2,bias=0",
      "mb=2,ic=4,ih=3,iw=4,oc=6,g=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=3,iw=9,oc=2,kw=4,sw=2,pw=1",
      "mb=1,ic=2,id=2,ih=3,iw=4,oc=3,kd=2,kh=3,kw=3,sd=2,sh=2,sw=1,pd=1,ph=1,pw=1,opd=1",
  };
  op.spec.full_cases = {
      "mb=2,ic=3,ih=6,iw=8,oc=5,kh=1,kw=1",
      "mb=2,ic=5,ih=3,iw=4,oc=3,kh=1,kw=1,sh=2,sw=3,opw=2",
      "mb=1,ic=2,ih=5,iw=4,oc=3,kh=3,kw=3,ph=2,pw=2,dh=2,dw=2",
      "mb=1,ic=2,ih=4,iw=3,oc=3,kh=3,kw=2,sh=2,sw=3,ph=3,pw=1,dh=3,dw=2,oph=2,opw=1",
      "mb=1,ic=2,ih=4,iw=5,oc=2,kh=2,kw=3,dh=3,dw=2,oph=2,opw=1",
      "mb=1,ic=2,ih=6,iw=7,oc=2,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",
      "mb=1,ic=1,ih=1,iw=1,oc=2,kh=5,kw=3,sh=2,sw=2,ph=1",
      "mb=1,ic=2,ih=8,iw=1,oc=3,kh=3,kw=1,ph=1",
      "mb=1,ic=1,ih=1,iw=9,oc=1,kh=1,kw=3,sw=4",
      "mb=2,ic=6,ih=4,iw=3,oc=6,g=6,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1,oph=1,opw=1",
      "mb=1,ic=3,ih=4,iw=3,oc=6,g=3,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=2,ic=18,ih=3,iw=4,oc=18,g=18,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1,oph=1",
      "mb=1,ic=17,ih=3,iw=4,oc=19,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=1,ic=3,ih=3,iw=17,oc=2,kh=3,kw=3,sh=1,sw=2,ph=1,pw=1,opw=1",
      "mb=2,ic=4,iw=5,oc=4,g=4,kw=3,pw=2,dw=2,sw=2,opw=1",
      "mb=3,ic=2,ih=3,iw=3,oc=2,kh=2,kw=2,sh=3,sw=4,oph=2,opw=3",
      "mb=1,ic=4,ih=5,iw=6,oc=2,g=2,kh=3,kw=3,ph=1,pw=1",  // two channels a group go into one, with a bias
  };
  op.spec.invalid_cases = {
      {"mb=0,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "mb"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,banana=1", "banana"},
      {"mb=1,ic=3,ih=2,iw=8,oc=4,kh=3,kw=3,ph=2", "no output along h"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=2,kh=3,kw=3", "divide"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,oph=1", "oph=1"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sh=2,sw=2,op=2", "smaller than the stride"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3", "kw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sh=0", "sh"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,opd=1", "id"},
  };
  op.implementations = implementations();
  return op;
}

}  // namespace gradproof
