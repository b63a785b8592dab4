#include "ops/conv/separable_conv.h"

#include <algorithm>

#include "ops/conv/image_conv.h"
#include "ops/conv/separable_conv_kernels.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

std::optional<Shape> separable_conv_src_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> vertical_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  return Shape{a.oc, a.ic_per_group(), a.window.axes[1].kernel};
}
std::optional<Shape> horizontal_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  return Shape{a.oc, a.ic_per_group(), a.window.axes[2].kernel};
}
std::optional<Shape> separable_conv_bias_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}
std::optional<Shape> separable_conv_dst_shape(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  return a.window.out_shape(a.mb, a.oc);
}

void separable_conv_validate(const Attributes& attributes) {
  const ConvAttributes a = conv_attributes(attributes);
  require_image("separable_conv", a.window);
  if (a.ic % a.g != 0 || a.oc % a.g != 0)
    refuse("separable_conv: g={} must divide both ic={} and oc={}; choose another number of groups", a.g, a.ic, a.oc);
}

// The cheaper of two ways to compute all of it: expand the kernels and convolve, or pass along one axis and then
// along the other. Every pair of channels has its own two vectors, so a second pass shares nothing between them.
double least_macs(const ConvAttributes& a) {
  const WindowAxis& h = a.window.axes[1];
  const WindowAxis& w = a.window.axes[2];
  const auto pairs = static_cast<double>(a.oc * a.ic_per_group());
  const auto images = static_cast<double>(a.mb);
  const double expanded =
      pairs * static_cast<double>(h.kernel * w.kernel) * (1 + images * static_cast<double>(a.window.out_count()));
  const double two_passes =
      pairs * images * static_cast<double>(h.out()) * static_cast<double>(w.in * h.kernel + w.out() * w.kernel);
  return std::min(expanded, two_passes);
}

Cost separable_conv_cost(const Attributes& attributes, const Pass& pass) {
  const ConvAttributes a = conv_attributes(attributes);
  const auto src = static_cast<double>(a.mb * a.ic * a.window.in_count());
  const auto dst = static_cast<double>(a.mb * a.oc * a.window.out_count());
  const auto oc = static_cast<double>(a.oc);
  if (pass.slot == "bias") return {dst, 4 * (dst + oc)};
  const double vectors =
      oc * static_cast<double>(a.ic_per_group() * (a.window.axes[1].kernel + a.window.axes[2].kernel));
  const bool bias = a.bias && pass.is_forward();
  return {2 * least_macs(a) + (bias ? dst : 0), 4 * (src + dst + vectors + (bias ? oc : 0))};
}

// A sum of n products of three factors, in any order: n + 1 roundings; one more for the bias.
double separable_conv_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const ConvAttributes a = conv_attributes(attributes);
  const auto outputs = static_cast<double>(a.mb * a.window.out_count());
  if (pass.slot == "bias") return outputs;
  if (pass.slot == "weights_v") return outputs * static_cast<double>(a.window.axes[2].kernel) + 1;
  if (pass.slot == "weights_h") return outputs * static_cast<double>(a.window.axes[1].kernel) + 1;
  if (pass.slot == "src") return static_cast<double>(a.oc_per_group() * a.window.taps()) + 1;
  return static_cast<double>(a.ic_per_group() * a.window.taps()) + 2;
}

// As for conv: weights may meet the zeros of the padding.
bool separable_conv_contains_nan(const Pass& pass, std::string_view slot) {
  const bool weights = slot == "weights_v" || slot == "weights_h";
  return (pass.is_forward() && !weights) || (pass.slot == "src" && slot == "diff_dst") || pass.slot == "bias";
}

}  // namespace

Operation separable_conv_operation() {
  Operation op;
  op.spec.name = "separable_conv";
  op.spec.family = "conv";
  op.spec.summary =
      "dst[n,o,p] = bias[o] + sum over i,kh,kw of v[o,i,kh] * h[o,i,kw] * src[n,i,p*s-pad+k*d]: conv with rank-1 "
      "kernels (Rigamonti et al. 2013, Learning separable filters)";
  op.spec.attributes = image_conv_attributes({integer_attribute("g", "groups", 1)});
  op.spec.slots = {{"src", Role::kInput, separable_conv_src_shape},
                   {"weights_v", Role::kInput, vertical_shape},
                   {"weights_h", Role::kInput, horizontal_shape},
                   {"bias", Role::kInput, separable_conv_bias_shape},
                   {"dst", Role::kOutput, separable_conv_dst_shape}};
  op.spec.validate = separable_conv_validate;
  op.spec.cost = separable_conv_cost;
  op.spec.depth = separable_conv_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = separable_conv_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,ic=3,ih=8,iw=7,oc=4,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=9,iw=6,oc=3,kh=3,kw=2,sh=2,sw=3,bias=0",
      "mb=2,ic=4,ih=7,iw=5,oc=6,g=2,kh=2,kw=4,ph=1,pw=2",
  };
  op.spec.full_cases = {
      "mb=2,ic=3,ih=6,iw=8,oc=5,kh=1,kw=1",
      "mb=1,ic=2,ih=6,iw=9,oc=3,kh=1,kw=5,pw=2",
      "mb=1,ic=2,ih=9,iw=5,oc=3,kh=5,kw=1,sh=2,sw=2,ph=2",
      "mb=1,ic=2,ih=9,iw=10,oc=3,kh=3,kw=3,ph=2,pw=2,dh=2,dw=2",
      "mb=1,ic=2,ih=11,iw=10,oc=3,kh=3,kw=2,sh=2,sw=3,ph=3,pw=1,dh=3,dw=2",
      "mb=1,ic=2,ih=6,iw=7,oc=2,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",
      "mb=1,ic=1,ih=3,iw=4,oc=2,kh=5,kw=7,ph=2,pw=3",
      "mb=1,ic=2,ih=8,iw=1,oc=3,kh=3,kw=1,ph=1",
      "mb=2,ic=6,ih=6,iw=5,oc=6,g=6,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=3,ih=7,iw=6,oc=6,g=3,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=1,ic=17,ih=5,iw=6,oc=19,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=3,ih=5,iw=34,oc=2,kh=3,kw=3,ph=1,pw=1",
      "mb=3,ic=2,ih=5,iw=4,oc=2,kh=3,kw=4,sh=3,sw=2,ph=1,pw=2",
  };
  op.spec.invalid_cases = {
      {"mb=0,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "mb"},
      {"mb=1,ic=3,iw=8,oc=4,kw=3", "1 spatial axis"},
      {"mb=1,ic=3,id=4,ih=8,iw=8,oc=4,kh=3,kw=3", "unknown key 'id'"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=2,kh=3,kw=3", "divide"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=3,kw=3,dh=2", "larger than the padded input"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kw=3", "kh"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sh=0", "sh"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,ph=-1", "ph_lo"},
  };
  op.implementations = separable_conv_simd_implementations();
  return op;
}

}  // namespace gradproof
