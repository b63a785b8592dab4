#include "ops/conv/depthwise_separable_conv.h"

#include "ops/conv/depthwise_separable_conv_kernels.h"
#include "ops/conv/image_conv.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

std::optional<Shape> depthwise_separable_conv_src_shape(const Attributes& attributes) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> depthwise_shape(const Attributes& attributes) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  return Shape{a.ic, a.channels_per_group(), a.window.axes[1].kernel, a.window.axes[2].kernel};
}
std::optional<Shape> pointwise_shape(const Attributes& attributes) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  return Shape{a.oc, a.ic};
}
std::optional<Shape> depthwise_separable_conv_bias_shape(const Attributes& attributes) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}
std::optional<Shape> depthwise_separable_conv_dst_shape(const Attributes& attributes) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  return a.window.out_shape(a.mb, a.oc);
}

void depthwise_separable_conv_validate(const Attributes& attributes) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  require_image("depthwise_separable_conv", a.window);
  if (a.ic % a.g != 0)
    refuse(
        "depthwise_separable_conv: g={} must divide ic={}; choose another number of groups, or leave g out for one "
        "group a channel",
        a.g, a.ic);
}

// The channels in between need not touch memory. A pass that wants them, or their cotangents, computes them again.
Cost depthwise_separable_conv_cost(const Attributes& attributes, const Pass& pass) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  const auto ic = static_cast<double>(a.ic);
  const auto oc = static_cast<double>(a.oc);
  const auto pixels = static_cast<double>(a.mb * a.window.out_count());
  const double src = static_cast<double>(a.mb * a.window.in_count()) * ic;
  const double dst = pixels * oc;
  if (pass.slot == "bias") return {dst, 4 * (dst + oc)};
  const double kernel = static_cast<double>(a.channels_per_group() * a.window.taps());
  const double depthwise = pixels * ic * kernel;
  const double pointwise = pixels * ic * oc;
  const bool bias = a.bias && pass.is_forward();
  return {2 * (depthwise + pointwise) + (bias ? dst : 0), 4 * (src + dst + ic * kernel + ic * oc + (bias ? oc : 0))};
}

// Sums of products whose one factor is such a sum itself: the roundings of the inner sum come on top of the outer's.
double depthwise_separable_conv_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const DepthwiseSeparableAttributes a = depthwise_separable_attributes(attributes);
  const auto outputs = static_cast<double>(a.mb * a.window.out_count());
  const auto kernel = static_cast<double>(a.channels_per_group() * a.window.taps());
  if (pass.slot == "bias") return outputs;
  if (pass.slot == "weights_pw") return kernel + outputs;
  if (pass.slot == "weights_dw") return static_cast<double>(a.oc) + outputs;
  if (pass.slot == "src") return static_cast<double>(a.oc) + kernel;
  return kernel + static_cast<double>(a.ic) + 1;
}

// As for conv: weights may meet the zeros of the padding.
bool depthwise_separable_conv_contains_nan(const Pass& pass, std::string_view slot) {
  const bool weights = slot == "weights_dw" || slot == "weights_pw";
  return (pass.is_forward() && !weights) || (pass.slot == "src" && slot == "diff_dst") || pass.slot == "bias";
}

}  // namespace

DepthwiseSeparableAttributes depthwise_separable_attributes(const Attributes& attributes) {
  const Index ic = attributes.integer("ic");
  const Index g = attributes.integer("g");
  return {attributes.integer("mb"), ic, attributes.integer("oc"), g == 0 ? ic : g, attributes.flag("bias"),
          window_of(attributes)};
}

Operation depthwise_separable_conv_operation() {
  Operation op;
  op.spec.name = "depthwise_separable_conv";
  op.spec.family = "conv";
  op.spec.summary =
      "dst[n,o,p] = bias[o] + sum over m of pw[o,m] * mid[n,m,p], mid = conv of src in g groups without bias: space, "
      "then channels (Howard et al. 2017, arXiv:1704.04861)";
  op.spec.attributes = image_conv_attributes({integer_attribute("g", "groups (0 = each channel its own)", 0, 0)});
  op.spec.slots = {{"src", Role::kInput, depthwise_separable_conv_src_shape},
                   {"weights_dw", Role::kInput, depthwise_shape},
                   {"weights_pw", Role::kInput, pointwise_shape},
                   {"bias", Role::kInput, depthwise_separable_conv_bias_shape},
                   {"dst", Role::kOutput, depthwise_separable_conv_dst_shape}};
  op.spec.validate = depthwise_separable_conv_validate;
  op.spec.cost = depthwise_separable_conv_cost;
  op.spec.depth = depthwise_separable_conv_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = depthwise_separable_conv_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,ic=3,ih=8,iw=7,oc=4,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=5,ih=9,iw=6,oc=3,kh=3,kw=2,sh=2,sw=3,bias=0",
      "mb=2,ic=4,ih=7,iw=5,oc=3,g=2,kh=3,kw=3,ph=1,pw=1",
  };
  op.spec.full_cases = {
      "mb=2,ic=3,ih=4,iw=5,oc=5,kh=1,kw=1",
      "mb=1,ic=3,ih=5,iw=6,oc=4,g=1,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=6,ih=5,iw=4,oc=4,g=3,kh=3,kw=3,sh=2,sw=2,ph=1,pw=1",
      "mb=1,ic=2,ih=9,iw=10,oc=3,kh=3,kw=3,ph=2,pw=2,dh=2,dw=2",
      "mb=1,ic=2,ih=11,iw=10,oc=3,kh=3,kw=2,sh=2,sw=3,ph=3,pw=1,dh=3,dw=2",
      "mb=1,ic=2,ih=6,iw=7,oc=2,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",
      "mb=1,ic=2,ih=3,iw=3,oc=2,kh=5,kw=5,ph=2,pw=2",
      "mb=1,ic=2,ih=8,iw=1,oc=3,kh=3,kw=1,ph=1",
      "mb=1,ic=1,ih=1,iw=9,oc=1,kh=1,kw=3",
      "mb=1,ic=17,ih=4,iw=5,oc=19,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=9,ih=3,iw=18,oc=2,g=3,kh=3,kw=3,ph=1,pw=1",
      "mb=3,ic=2,ih=5,iw=4,oc=3,kh=3,kw=4,sh=3,sw=2,ph=1,pw=2",
      "mb=2,ic=2,ih=260,iw=257,oc=1,kh=1,kw=2",  // an image at a time
  };
  op.spec.invalid_cases = {
      {"mb=0,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3", "mb"},
      {"mb=1,ic=3,iw=8,oc=4,kw=3", "1 spatial axis"},
      {"mb=1,ic=3,id=4,ih=8,iw=8,oc=4,kh=3,kw=3", "unknown key 'id'"},
      {"mb=1,ic=4,ih=8,iw=8,oc=4,g=3,kh=3,kw=3", "must divide ic=4"},
      {"mb=1,ic=4,ih=8,iw=8,oc=4,g=-1,kh=3,kw=3", "g=-1"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=3,kw=3,dh=2", "larger than the padded input"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3", "kw"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,sh=0", "sh"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,ph=-1", "ph_lo"},
  };
  op.implementations = depthwise_separable_conv_simd_implementations();
  return op;
}

}  // namespace gradproof
