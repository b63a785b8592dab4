#include "ops/conv/deform_layer.h"

#include <algorithm>

#include "ops/conv/deform_layer_kernels.h"

namespace gradproof {
namespace {

DeformConvAttributes attributes_of(const Attributes& attributes) { return deform_conv_attributes(attributes); }

std::optional<Shape> deform_layer_src_shape(const Attributes& attributes) {
  const DeformConvAttributes a = attributes_of(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> offset_weights_shape(const Attributes& attributes) {
  const DeformConvAttributes a = attributes_of(attributes);
  return Shape{estimate_channels(a), a.ic, a.height().kernel, a.width().kernel};
}
std::optional<Shape> offset_bias_shape(const Attributes& attributes) {
  return Shape{estimate_channels(attributes_of(attributes))};
}
std::optional<Shape> deform_layer_weights_shape(const Attributes& attributes) {
  const DeformConvAttributes a = attributes_of(attributes);
  return Shape{a.oc, a.ic_per_group(), a.height().kernel, a.width().kernel};
}
std::optional<Shape> deform_layer_bias_shape(const Attributes& attributes) {
  const DeformConvAttributes a = attributes_of(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}
std::optional<Shape> deform_layer_dst_shape(const Attributes& attributes) {
  const DeformConvAttributes a = attributes_of(attributes);
  return a.window.out_shape(a.mb, a.oc);
}

void deform_layer_validate(const Attributes& attributes) { validate_deformable("deform_layer", attributes); }

double estimate_macs(const DeformConvAttributes& a) {
  return static_cast<double>(a.mb * a.window.out_count()) *
         static_cast<double>(estimate_channels(a) * a.ic * a.window.taps());
}

// Every pass estimates first; gradients of the estimate go on through that convolution.
Cost deform_layer_cost(const Attributes& attributes, const Pass& pass) {
  const DeformConvAttributes a = attributes_of(attributes);
  const auto pixels = static_cast<double>(a.mb * a.window.out_count());
  const auto dst = pixels * static_cast<double>(a.oc);
  if (pass.slot == "bias") return {dst, 4 * (dst + static_cast<double>(a.oc))};
  const auto src = static_cast<double>(a.mb * a.ic * a.window.in_count());
  const auto weights = static_cast<double>((a.oc * a.ic_per_group() + estimate_channels(a) * a.ic) * a.window.taps());
  const double sampled = 2 * deform_macs(a) + deform_sampling_flops(a);
  const double bytes = 4 * (src + weights + dst + (pass.slot == "src" ? src : 0));
  if (pass.is_forward() || pass.slot == "weights") return {2 * estimate_macs(a) + sampled, bytes};
  const double through = pass.slot == "offset_bias" ? 0 : 2 * estimate_macs(a);
  return {2 * estimate_macs(a) + sampled + through + (pass.slot == "src" ? sampled : 0), bytes};
}

// Sums in any order: of the estimate; of what is computed from it; of its gradient.
double deform_layer_depth(const Attributes& attributes, const Pass& pass, std::string_view tensor) {
  const DeformConvAttributes a = attributes_of(attributes);
  const FieldDepths fields = layer_field_depths(static_cast<double>(a.ic * a.window.taps()));
  const auto outputs = static_cast<double>(a.mb * a.window.out_count());
  if (pass.is_forward()) return deform_sum_depth(a, "dst", fields);
  if (tensor == "diff_weights" || tensor == "diff_bias") return deform_sum_depth(a, tensor, fields);
  const double estimate = layer_gradient_depth(a, deform_sum_depth(a, "diff_offset", fields),
                                               deform_sum_depth(a, "diff_mask", fields), fields);
  if (tensor == "diff_src")
    return std::max(deform_sum_depth(a, tensor, fields), estimate) + 1 +
           static_cast<double>(estimate_channels(a) * a.window.taps());
  return estimate + 1 + outputs;
}

std::vector<Slot> deform_layer_slots() {
  constexpr auto kKinked = Dependence::kKinked;  // through the offsets
  return {{.name = "src",
           .role = Role::kInput,
           .shape = deform_layer_src_shape,
           .dependence = kKinked,
           .kinks_add_up = true},
          {.name = "offset_weights", .role = Role::kInput, .shape = offset_weights_shape, .dependence = kKinked},
          {.name = "offset_bias", .role = Role::kInput, .shape = offset_bias_shape, .dependence = kKinked},
          {.name = "weights", .role = Role::kInput, .shape = deform_layer_weights_shape},
          {.name = "bias", .role = Role::kInput, .shape = deform_layer_bias_shape},
          {.name = "dst", .role = Role::kOutput, .shape = deform_layer_dst_shape}};
}

}  // namespace

FieldDepths layer_field_depths(double estimate_sum) {
  // A bias; an exp within one ulp, twice in e / (1 + e), a sum and a quotient.
  const double estimate = estimate_sum + 1;
  return {estimate, estimate + 6};
}

double layer_gradient_depth(const DeformConvAttributes& a, double diff_offset, double diff_mask,
                            const FieldDepths& fields) {
  if (!a.mask) return diff_offset;
  const double slope = fields.mask + (fields.mask + 1) + 1;  // mask * (1 - mask)
  return std::max(diff_offset, diff_mask + slope + 1);
}

Operation deform_layer_operation() {
  Operation op;
  op.spec.name = "deform_layer";
  op.spec.family = "conv";
  op.spec.summary =
      "deform_conv whose offsets (and mask, through a sigmoid) a convolution estimates from the same input (Dai et al. "
      "2017, arXiv:1703.06211; Zhu et al. 2019, arXiv:1811.11168)";
  op.spec.attributes = deform_attribute_specs();
  op.spec.slots = deform_layer_slots();
  op.spec.validate = deform_layer_validate;
  op.spec.cost = deform_layer_cost;
  op.spec.depth = deform_layer_depth;
  // The products and the bias, and two more for sums in blocks.
  op.spec.decision_depth = [](const Attributes& attributes) {
    const DeformConvAttributes a = attributes_of(attributes);
    return static_cast<double>(a.ic * a.window.taps()) + 1 + 2;
  };
  // The convolutions inside multiply their padding by the weights, and sum gradients along rows with their gaps.
  op.spec.contains_nan = [](const Pass& pass, std::string_view slot) {
    return pass.slot == "bias" || (pass.is_forward() && slot != "offset_weights");
  };
  op.spec.smoke_cases = {
      "mb=2,ic=2,ih=4,iw=3,oc=2,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=2,ih=5,iw=6,oc=2,og=2,kh=2,kw=3,sh=2,pw=1,mask=1",
  };
  op.spec.full_cases = {
      "mb=2,ic=2,ih=5,iw=4,oc=3,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=4,ih=4,iw=5,oc=4,g=2,kh=2,kw=2,mask=1,bias=0",
      "mb=1,ic=2,ih=7,iw=6,oc=2,kh=2,kw=2,sh=1,sw=2,ph=1,dh=2,dw=3",
      "mb=2,ic=1,ih=6,iw=1,oc=2,kh=3,kw=1,ph_lo=2,ph_hi=0,mask=1",
      "mb=1,ic=3,ih=4,iw=3,oc=2,kh=1,kw=1,mask=1",
      "mb=1,ic=9,ih=3,iw=4,oc=5,og=3,kh=2,kw=1",
  };
  op.spec.invalid_cases = {
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,og=2", "offset groups"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=2,kh=3,kw=3", "divide both"},
      {"mb=1,ic=3,iw=8,oc=4,kw=3", "two dimensions"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=7,kw=3", "larger than the padded input"},
      {"mb=1,ic=4,ih=8,iw=8,oc=4,kh=3,kw=3,mask=3", "mask"},
  };
  op.implementations = deform_layer_simd_implementations();
  return op;
}

}  // namespace gradproof
