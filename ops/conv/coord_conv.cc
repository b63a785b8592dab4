#include "ops/conv/coord_conv.h"

#include "ops/conv/coord_conv_kernels.h"
#include "ops/conv/image_conv.h"

namespace gradproof {
namespace {

std::optional<Shape> coord_conv_src_shape(const Attributes& attributes) {
  const CoordConvAttributes a = coord_conv_attributes(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> coord_conv_weights_shape(const Attributes& attributes) {
  const CoordConvAttributes a = coord_conv_attributes(attributes);
  return Shape{a.oc, a.channels(), a.window.axes[1].kernel, a.window.axes[2].kernel};
}
std::optional<Shape> coord_conv_bias_shape(const Attributes& attributes) {
  const CoordConvAttributes a = coord_conv_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}
std::optional<Shape> coord_conv_dst_shape(const Attributes& attributes) {
  const CoordConvAttributes a = coord_conv_attributes(attributes);
  return a.window.out_shape(a.mb, a.oc);
}

void coord_conv_validate(const Attributes& attributes) {
  require_image("coord_conv", coord_conv_attributes(attributes).window);
}

// The coordinates are constants, which nobody needs to read; their gradient is not asked for.
Cost coord_conv_cost(const Attributes& attributes, const Pass& pass) {
  const CoordConvAttributes a = coord_conv_attributes(attributes);
  const auto taps = static_cast<double>(a.window.taps());
  const auto src = static_cast<double>(a.mb * a.ic * a.window.in_count());
  const auto dst = static_cast<double>(a.mb * a.oc * a.window.out_count());
  const auto oc = static_cast<double>(a.oc);
  if (pass.slot == "bias") return {dst, 4 * (dst + oc)};
  const double channels = static_cast<double>(pass.slot == "src" ? a.ic : a.channels());
  const bool bias = a.bias && pass.is_forward();
  return {2 * dst * channels * taps + (bias ? dst : 0), 4 * (src + dst + oc * channels * taps + (bias ? oc : 0))};
}

// Roundings in a coordinate: one of the quotient; five of sqrt(i * i + j * j), where a product adds those of its
// operands: 1, 1 + 1 + 1, 1 + 3, 1 + 4.
double coordinate_depth(const CoordConvAttributes& a) { return a.radius ? 5 : 1; }

// As for conv: a sum of n products is n roundings deep, and those of a coordinate come on top.
double coord_conv_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const CoordConvAttributes a = coord_conv_attributes(attributes);
  const auto outputs = static_cast<double>(a.mb * a.window.out_count());
  if (pass.slot == "bias") return outputs;
  if (pass.slot == "weights") return outputs + coordinate_depth(a);
  if (pass.slot == "src") return static_cast<double>(a.oc * a.window.taps());
  return static_cast<double>(a.channels() * a.window.taps()) + coordinate_depth(a) + 1;
}

// As for conv: weights may meet the zeros of the padding.
bool coord_conv_contains_nan(const Pass& pass, std::string_view slot) {
  return (pass.is_forward() && slot != "weights") || (pass.slot == "src" && slot == "diff_dst") || pass.slot == "bias";
}

}  // namespace

CoordConvAttributes coord_conv_attributes(const Attributes& attributes) {
  return {attributes.integer("mb"),  attributes.integer("ic"), attributes.integer("oc"),
          attributes.flag("radius"), attributes.flag("bias"),  window_of(attributes)};
}

Operation coord_conv_operation() {
  Operation op;
  op.spec.name = "coord_conv";
  op.spec.family = "conv";
  op.spec.summary =
      "dst = conv of src with the channels i, j (and r = sqrt(i^2 + j^2) with radius=1) appended, i and j running from "
      "-1 to 1 over rows and columns (Liu et al. 2018, arXiv:1807.03247)";
  op.spec.attributes = image_conv_attributes({flag_attribute("radius", "append the distance from the centre", false)});
  op.spec.slots = {{"src", Role::kInput, coord_conv_src_shape},
                   {"weights", Role::kInput, coord_conv_weights_shape},
                   {"bias", Role::kInput, coord_conv_bias_shape},
                   {"dst", Role::kOutput, coord_conv_dst_shape}};
  op.spec.validate = coord_conv_validate;
  op.spec.cost = coord_conv_cost;
  op.spec.depth = coord_conv_depth;
  op.spec.exact_on_integers = false;  // coordinates are fractions, most of which float32 cannot hold
  op.spec.contains_nan = coord_conv_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,ic=3,ih=8,iw=7,oc=4,kh=3,kw=3,ph=1,pw=1",
      "mb=2,ic=2,ih=9,iw=6,oc=3,radius=1,kh=3,kw=2,sh=2,sw=3,bias=0",
      "mb=1,ic=2,ih=5,iw=17,oc=3,radius=1,kh=3,kw=3,ph=1,pw=2",
  };
  op.spec.full_cases = {
      "mb=2,ic=2,ih=6,iw=8,oc=5,kh=1,kw=1",
      "mb=1,ic=1,ih=5,iw=7,oc=3,radius=1,kh=1,kw=1,sh=2,sw=2",
      "mb=1,ic=3,ih=8,iw=1,oc=2,radius=1,kh=3,kw=1,ph=1",
      "mb=2,ic=2,ih=1,iw=9,oc=3,kh=1,kw=3,pw=1",
      "mb=1,ic=2,ih=1,iw=1,oc=3,radius=1,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=2,iw=3,oc=2,radius=1,kh=2,kw=2,ph_hi=1,pw_lo=1",
      "mb=1,ic=2,ih=9,iw=10,oc=3,kh=3,kw=3,ph=2,pw=2,dh=2,dw=2",
      "mb=1,ic=2,ih=11,iw=10,oc=3,radius=1,kh=3,kw=2,sh=2,sw=3,ph=3,pw=1,dh=3,dw=2",
      "mb=1,ic=2,ih=6,iw=7,oc=2,radius=1,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",
      "mb=1,ic=1,ih=3,iw=4,oc=2,kh=5,kw=5,ph=2,pw=2",
      "mb=1,ic=15,ih=5,iw=6,oc=17,kh=3,kw=3,ph=1,pw=1",
      "mb=3,ic=1,ih=5,iw=4,oc=2,radius=1,kh=3,kw=4,sh=3,sw=2,ph=1,pw=2",
  };
  op.spec.invalid_cases = {
      {"mb=0,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "mb"},
      {"mb=1,ic=3,iw=8,oc=4,kw=3", "1 spatial axis"},
      {"mb=1,ic=3,id=4,ih=8,iw=8,oc=4,kh=3,kw=3", "unknown key 'id'"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,radius=2,kh=3,kw=3", "radius"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=3,kh=3,kw=3", "unknown key 'g'"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=7,kw=3", "larger than the padded input"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3", "kw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sw=0", "sw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,pw=-1", "pw_lo"},
  };
  op.implementations = coord_conv_simd_implementations();
  return op;
}

}  // namespace gradproof
