#include "ops/conv/conv.h"

#include "ops/conv/conv_kernels.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> conv_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  specs.push_back(integer_attribute("oc", "output channels"));
  specs.push_back(integer_attribute("g", "groups", 1));
  for (auto& spec : kernel_attributes()) specs.push_back(spec);
  for (auto& spec : stride_attributes()) specs.push_back(spec);
  for (auto& spec : padding_attributes()) specs.push_back(spec);
  for (auto& spec : dilation_attributes()) specs.push_back(spec);
  specs.push_back(flag_attribute("bias", "add a bias", true));
  return specs;
}

std::optional<Shape> conv_src_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> conv_dst_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  return a.window.out_shape(a.mb, a.oc);
}
std::optional<Shape> conv_weights_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  Shape shape{a.oc, a.ic_per_group()};
  for (int axis = 3 - a.window.rank; axis < 3; ++axis) shape.push_back(a.window.axes[static_cast<size_t>(axis)].kernel);
  return shape;
}
std::optional<Shape> conv_bias_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}

void conv_validate(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  if (a.ic % a.g != 0 || a.oc % a.g != 0)
    refuse("conv: g={} must divide both ic={} and oc={}; choose another number of groups", a.g, a.ic, a.oc);
  require_output("conv", a.window);
}

double weight_count(const ConvAttributes& a) { return static_cast<double>(a.oc * a.ic_per_group() * a.window.taps()); }
double conv_dst_count(const ConvAttributes& a) { return static_cast<double>(a.mb * a.oc * a.window.out_count()); }

Cost conv_cost(const Attributes& attributes, const Pass& pass) {
  const ConvAttributes a = conv_attributes(attributes);
  const double src = static_cast<double>(a.mb * a.ic * a.window.in_count());
  const double dst = conv_dst_count(a);
  if (pass.slot == "bias") return {dst, 4 * (dst + static_cast<double>(a.oc))};
  const auto macs = static_cast<double>(a.mb * a.oc * a.ic_per_group() * a.window.products());
  const double bias = a.bias && pass.is_forward() ? static_cast<double>(a.oc) : 0;
  return {2 * macs + (bias > 0 ? dst : 0), 4 * (src + dst + weight_count(a) + bias)};
}

// A sum of n products in any order: one rounding for the product and n - 1 for the sums; one more for the bias.
double conv_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const ConvAttributes a = conv_attributes(attributes);
  const auto outputs = static_cast<double>(a.mb * a.window.out_count());
  if (pass.slot == "bias") return outputs;
  if (pass.slot == "weights") return outputs;
  if (pass.slot == "src") return static_cast<double>(a.oc_per_group() * a.window.taps());
  return static_cast<double>(a.ic_per_group() * a.window.taps()) + 1;
}

// Engines that pad with zeros multiply them by the weights, and sum weight gradients along rows with their gaps: a NaN
// may spread there. Data must stay within the windows that see it.
bool conv_contains_nan(const Pass& pass, std::string_view slot) {
  return (pass.is_forward() && slot != "weights") || (pass.slot == "src" && slot == "diff_dst") || pass.slot == "bias";
}

}  // namespace

ConvAttributes conv_attributes(const Attributes& attributes) {
  return {{.mb = attributes.integer("mb"),
           .ic = attributes.integer("ic"),
           .oc = attributes.integer("oc"),
           .g = attributes.integer("g"),
           .window = window_of(attributes)},
          attributes.flag("bias")};
}

Operation conv_operation() {
  Operation op;
  op.spec.name = "conv";
  op.spec.family = "conv";
  op.spec.summary =
      "dst[n,o,p] = bias[o] + sum over i,k of weights[o,i,k] * src[n,i,p*s-pad+k*d] (cross-correlation; Dumoulin and "
      "Visin 2016, arXiv:1603.07285)";
  op.spec.attributes = conv_attribute_specs();
  op.spec.slots = {{"src", Role::kInput, conv_src_shape},
                   {"weights", Role::kInput, conv_weights_shape},
                   {"bias", Role::kInput, conv_bias_shape},
                   {"dst", Role::kOutput, conv_dst_shape}};
  op.spec.validate = conv_validate;
  op.spec.cost = conv_cost;
  op.spec.depth = conv_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = conv_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,ic=3,ih=8,iw=7,oc=4,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=9,iw=6,oc=3,kh=3,kw=2,sh=2,sw=3,bias=0",
      "mb=2,ic=4,ih=7,iw=5,oc=6,g=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=3,iw=17,oc=2,kw=4,sw=2,pw=1",
      "mb=1,ic=2,id=4,ih=5,iw=6,oc=3,kd=2,kh=3,kw=3,pd=1,ph=1,pw=1",
      "mb=2,ic=2,ih=6,iw=13,oc=4,g=2,kh=3,kw=3,ph=1,pw_lo=2",
  };
  op.spec.full_cases = {
      "mb=2,ic=3,ih=6,iw=8,oc=5,kh=1,kw=1",
      "mb=2,ic=5,ih=6,iw=7,oc=3,kh=1,kw=1,sh=2,sw=2",
      "mb=1,ic=2,ih=9,iw=10,oc=3,kh=3,kw=3,ph=2,pw=2,dh=2,dw=2",
      "mb=1,ic=2,ih=11,iw=10,oc=3,kh=3,kw=2,sh=2,sw=3,ph=3,pw=1,dh=3,dw=2",
      "mb=1,ic=2,ih=6,iw=7,oc=2,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",
      "mb=1,ic=1,ih=3,iw=3,oc=2,kh=5,kw=5,ph=2,pw=2",
      "mb=1,ic=2,ih=8,iw=1,oc=3,kh=3,kw=1,ph=1",
      "mb=1,ic=1,ih=1,iw=9,oc=1,kh=1,kw=3",
      "mb=2,ic=6,ih=6,iw=5,oc=6,g=6,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=133,iw=8,oc=2,g=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,id=2,ih=4,iw=9,oc=2,g=2,kd=1,kh=3,kw=3,pd=1,ph=1,pw=1",
      "mb=1,ic=3,ih=7,iw=6,oc=6,g=3,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=2,ic=2,ih=9,iw=21,oc=4,g=2,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=1,ic=2,ih=11,iw=20,oc=2,g=2,kh=5,kw=5,sh=2,sw=2,ph=2,pw_lo=1",
      "mb=1,ic=2,ih=5,iw=9,oc=2,g=2,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=1,ic=2,ih=5,iw=20,oc=2,g=2,kh=5,kw=5,sh=2,sw=2,ph=1,pw=2",
      "mb=1,ic=17,ih=5,iw=6,oc=19,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=3,ih=5,iw=34,oc=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=3,ih=13,iw=12,oc=4,kh=7,kw=5,sh=2,sw=2,ph=3,pw=2",
      "mb=2,ic=4,iw=9,oc=4,g=4,kw=3,pw=2,dw=2",
      "mb=2,ic=17,ih=7,iw=7,oc=17,g=17,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=16,ih=20,iw=14,oc=16,g=16,kh=3,kw=3,sh=1,sw=1,ph_lo=1,pw=1,bias=0",
      "mb=2,ic=19,ih=6,iw=10,oc=19,g=19,kh=5,kw=3,sh=2,sw=3,ph=2,pw_lo=1",
      "mb=1,ic=18,id=5,ih=4,iw=3,oc=18,g=18,kd=3,kh=2,kw=2,sd=2,pd=1,ph=1,dh=2",
      "mb=1,ic=2,id=5,ih=4,iw=5,oc=2,g=2,kd=3,kh=2,kw=3,sd=2,sh=1,sw=2,pd=1,ph=1,pw=2,dd=1,dh=2,dw=1",
      "mb=3,ic=2,ih=5,iw=4,oc=2,kh=3,kw=4,sh=3,sw=2,ph=1,pw=2",
      "mb=1,ic=15,ih=5,iw=10,oc=5,kh=3,kw=3,ph=1,pw=1",
      "mb=2,ic=22,ih=3,iw=3,oc=6,kh=3,kw=3",
      // Rows so short that a vector of columns is gathered from more than two places.
      "mb=5,ic=2,ih=7,iw=3,oc=5,kh=5,kw=5,ph=2,pw=2",
      // Pointwise, a few pixels behind whole vectors, and nothing but them: in the data gradient sums of their own.
      "mb=1,ic=131,ih=3,iw=6,oc=5,kh=1,kw=1",
      "mb=1,ic=99,ih=1,iw=2,oc=195,kh=1,kw=1",
      // Output for which the weight gradient goes a stretch of pixels at a time, across images.
      "mb=2,ic=2,iw=160,oc=210,kw=2,pw_lo=1",
      // Images that are read in place, whose last tile would end behind them; sums that go on from image to image.
      "mb=2,ic=3,ih=13,iw=15,oc=9,kh=1,kw=1",
      // As large, but with a kernel that leaves no tile of columns.
      "mb=1,ic=1,iw=198,oc=4,kw=197",
      // The last element of the tensor is the first of a pair.
      "mb=1,ic=2,ih=3,iw=31,oc=3,kh=1,kw=1,sh=2,sw=2",
      // Two blocks of terms, with a bias.
      "mb=1,ic=22,ih=5,iw=5,oc=2,kh=3,kw=3",
      // Tiles enough that a data gradient packs its weights, a cache line of rows together.
      "mb=1,ic=17,ih=35,iw=34,oc=2,kh=1,kw=1",
      // Images that do not fill the last stack.
      "mb=3,ic=16,ih=80,iw=81,oc=1,kh=1,kw=2,pw_lo=1",
      // Several tiles, and so many rows that the first of them copy the columns for the others.
      "mb=1,ic=3,ih=5,iw=23,oc=65,kh=1,kw=1",
      // Pointwise weight gradients with exchanged roles, in two tiles of columns.
      "mb=1,ic=50,ih=20,iw=21,oc=51,kh=1,kw=1",
      // Depthwise planes that keep their size: vectors of a row and bands of rows, whole ones and a part; a channel
      // multiplier; fewer rows than a band.
      "mb=2,ic=2,ih=6,iw=35,oc=2,g=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=5,iw=16,oc=4,g=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=3,iw=11,oc=2,g=2,kh=3,kw=3,ph=1,pw=1,bias=0",
      // Few output channels of small images: two images between their padding; groups, of two vectors each, in place;
      // two blocks of terms.
      "mb=2,ic=3,ih=6,iw=7,oc=16,kh=3,kw=2,ph=1",
      "mb=1,ic=4,ih=5,iw=6,oc=64,g=2,kh=2,kw=2,bias=0",
      "mb=1,ic=23,ih=5,iw=4,oc=16,kh=3,kw=3,sw=2,pw=1",
      // Stacked images whose borders are left to sums of fewer taps, in both directions.
      "mb=10,ic=1,ih=7,iw=7,oc=50,kh=3,kw=3,ph=1,pw=1",
      "mb=6,ic=50,ih=5,iw=7,oc=2,kh=3,kw=3,ph=1,pw=1,bias=0",
      // Rows of padding that are left out.
      "mb=1,ic=2,ih=14,iw=14,oc=5,kh=3,kw=3,ph=1,pw=1",
      // A channel multiplier, and channels enough to fill vectors.
      "mb=1,ic=16,ih=4,iw=5,oc=32,g=16,kh=3,kw=3,ph=1,pw=1",
  };
  op.spec.invalid_cases = {
      {"mb=0,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "mb"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,banana=1", "banana"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=7,kw=3", "larger than the padded input"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=3,kw=3,dh=2", "larger than the padded input"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=2,kh=3,kw=3", "divide"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3", "kw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sh=0", "sh"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,ph=-1", "ph_lo"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,kd=2", "id"},
      {"mb=1,mb=2,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "twice"},
      {"mb=1.5,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "whole"},
      {"mb=two,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "number"},
  };
  op.implementations = conv_simd_implementations();
  return op;
}

}  // namespace gradproof
