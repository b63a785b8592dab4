#include "ops/conv/deform_conv.h"

#include "ops/conv/deform_conv_kernels.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

Shape out_shape(const DeformConvAttributes& a, Index channels) { return a.window.out_shape(a.mb, channels); }

std::optional<Shape> deform_conv_src_shape(const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  return a.window.in_shape(a.mb, a.ic);
}
std::optional<Shape> offset_shape(const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  return out_shape(a, a.offset_channels());
}
std::optional<Shape> mask_shape(const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  if (!a.mask) return {};
  return out_shape(a, a.mask_channels());
}
std::optional<Shape> deform_conv_weights_shape(const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  return Shape{a.oc, a.ic_per_group(), a.height().kernel, a.width().kernel};
}
std::optional<Shape> deform_conv_bias_shape(const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}
std::optional<Shape> deform_conv_dst_shape(const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  return out_shape(a, a.oc);
}

void deform_conv_validate(const Attributes& attributes) { validate_deformable("deform_conv", attributes); }

Cost deform_conv_cost(const Attributes& attributes, const Pass& pass) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  const auto pixels = static_cast<double>(a.mb * a.window.out_count());
  const auto dst = pixels * static_cast<double>(a.oc);
  if (pass.slot == "bias") return {dst, 4 * (dst + static_cast<double>(a.oc))};
  const auto src = static_cast<double>(a.mb * a.ic * a.window.in_count());
  const double fields = pixels * static_cast<double>(a.offset_channels() + (a.mask ? a.mask_channels() : 0));
  const auto weights = static_cast<double>(a.oc * a.ic_per_group() * a.window.taps());
  const bool reads_src = pass.slot != "src";
  const double written = pass.slot == "offset" ? pixels * static_cast<double>(a.offset_channels())
                         : pass.slot == "mask" ? pixels * static_cast<double>(a.mask_channels())
                         : pass.slot == "src"  ? src
                                               : 0;
  const double bias = a.bias && pass.is_forward() ? dst : 0;
  return {2 * deform_macs(a) + deform_sampling_flops(a) + bias,
          4 * ((reads_src ? src : 0) + fields + weights + dst + written)};
}

double deform_conv_depth(const Attributes& attributes, const Pass& pass, std::string_view tensor) {
  return deform_sum_depth(deform_conv_attributes(attributes), pass.is_forward() ? "dst" : tensor, {0, 0});
}

std::vector<Slot> deform_conv_slots() {
  return {{.name = "src", .role = Role::kInput, .shape = deform_conv_src_shape},
          {.name = "offset", .role = Role::kInput, .shape = offset_shape, .dependence = Dependence::kKinked},
          {.name = "mask", .role = Role::kInput, .shape = mask_shape},
          {.name = "weights", .role = Role::kInput, .shape = deform_conv_weights_shape},
          {.name = "bias", .role = Role::kInput, .shape = deform_conv_bias_shape},
          {.name = "dst", .role = Role::kOutput, .shape = deform_conv_dst_shape}};
}

}  // namespace

DeformConvAttributes deform_conv_attributes(const Attributes& attributes) {
  return {attributes.integer("mb"), attributes.integer("ic"), attributes.integer("oc"), attributes.integer("g"),
          attributes.integer("og"), attributes.flag("mask"),  attributes.flag("bias"),  window_of(attributes)};
}

std::vector<AttributeSpec> deform_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("ic", "input channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  specs.push_back(integer_attribute("oc", "output channels"));
  specs.push_back(integer_attribute("g", "groups", 1));
  specs.push_back(integer_attribute("og", "offset groups", 1));
  for (auto& spec : kernel_attributes()) specs.push_back(spec);
  for (auto& spec : stride_attributes()) specs.push_back(spec);
  for (auto& spec : padding_attributes()) specs.push_back(spec);
  for (auto& spec : dilation_attributes()) specs.push_back(spec);
  specs.push_back(flag_attribute("mask", "modulate the samples (v2)", false));
  specs.push_back(flag_attribute("bias", "add a bias", true));
  return specs;
}

void validate_deformable(std::string_view op, const Attributes& attributes) {
  const DeformConvAttributes a = deform_conv_attributes(attributes);
  if (a.window.rank != 2)
    refuse("{}: it is defined in two dimensions, but the case has {}; give ih and iw", op, a.window.rank);
  if (a.ic % a.g != 0 || a.oc % a.g != 0)
    refuse("{}: g={} must divide both ic={} and oc={}; choose another number of groups", op, a.g, a.ic, a.oc);
  if (a.ic % a.og != 0) refuse("{}: og={} must divide ic={}; choose another number of offset groups", op, a.og, a.ic);
  require_output(op, a.window);
}

double deform_macs(const DeformConvAttributes& a) {
  return static_cast<double>(a.mb * a.window.out_count()) *
         static_cast<double>(a.oc * a.ic_per_group() * a.window.taps());
}

double deform_sampling_flops(const DeformConvAttributes& a) {
  constexpr double kFourCorners = 8;
  return kFourCorners * static_cast<double>(a.mb * a.window.out_count()) * static_cast<double>(a.ic * a.window.taps());
}

// A product has the roundings of both factors and one more.
double deform_sum_depth(const DeformConvAttributes& a, std::string_view tensor, const FieldDepths& fields) {
  const auto outputs = static_cast<double>(a.mb * a.window.out_count());
  const auto samples =
      static_cast<double>(a.window.out_count() * a.window.taps());  // that may reach one element of src
  const auto column = static_cast<double>(a.oc_per_group());        // a sum of products of weights and diff_dst
  const auto channels = static_cast<double>(a.ic_per_offset_group());
  const double end = fields.offset + 1;                        // the weight of an end of a cell
  const double corner = 2 * end + 1, sample = corner + 1 + 3;  // times src; the sum of four
  const double modulation = a.mask ? fields.mask + 1 : 0;
  if (tensor == "diff_bias") return outputs;
  if (tensor == "diff_weights") return sample + modulation + outputs;
  if (tensor == "diff_src") return column + corner + modulation + 1 + samples;
  if (tensor == "diff_mask") return column + sample + 1 + channels;
  if (tensor == "diff_offset")
    return column + 1 + end + 1 + 1 + modulation + 1 + channels;  // difference, end, sum, product
  return sample + modulation + 1 + static_cast<double>(a.ic_per_group() * a.window.taps());
}

Operation deform_conv_operation() {
  Operation op;
  op.spec.name = "deform_conv";
  op.spec.family = "conv";
  op.spec.summary =
      "dst[n,o,p] = bias[o] + sum over i,k of weights[o,i,k] * mask[n,k,p] * src[n,i,p*s-pad+k*d+offset[n,k,p]], "
      "bilinear (Dai et al. 2017, arXiv:1703.06211; mask: Zhu et al. 2019, arXiv:1811.11168)";
  op.spec.attributes = deform_attribute_specs();
  op.spec.slots = deform_conv_slots();
  op.spec.validate = deform_conv_validate;
  op.spec.cost = deform_conv_cost;
  op.spec.depth = deform_conv_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,ic=2,ih=5,iw=4,oc=3,kh=3,kw=3,ph=1,pw=1",
      "mb=1,ic=4,ih=7,iw=6,oc=2,g=2,og=2,kh=3,kw=2,sh=2,sw=1,ph=1,pw=1,mask=1",
      "mb=1,ic=2,ih=5,iw=7,oc=3,kh=2,kw=3,mask=1,bias=0",
  };
  op.spec.full_cases = {
      "mb=2,ic=3,ih=6,iw=5,oc=4,kh=3,kw=3,ph=1,pw=1",
      "mb=2,ic=2,ih=5,iw=4,oc=3,kh=1,kw=1,mask=1",
      "mb=1,ic=2,ih=9,iw=8,oc=2,kh=3,kw=3,sh=2,sw=3,ph=2,pw=1,dh=2,dw=3,mask=1",
      "mb=1,ic=2,ih=5,iw=6,oc=2,kh=3,kw=3,ph_lo=0,ph_hi=2,pw_lo=3,pw_hi=1",
      "mb=1,ic=2,ih=7,iw=1,oc=3,kh=3,kw=1,ph=1,mask=1",
      "mb=1,ic=1,ih=1,iw=1,oc=2,kh=3,kw=3,ph=1,pw=1,mask=1",
      "mb=1,ic=6,ih=4,iw=5,oc=4,g=2,og=3,kh=2,kw=2,mask=1",
      "mb=1,ic=6,ih=4,iw=3,oc=3,g=3,og=2,kh=2,kw=2,pw=1",
      "mb=2,ic=4,ih=4,iw=5,oc=4,g=4,kh=3,kw=2,ph=1,mask=1",
      "mb=1,ic=4,ih=5,iw=4,oc=2,og=4,kh=2,kw=2,sw=2",
      "mb=1,ic=17,ih=4,iw=3,oc=9,kh=2,kw=2,mask=1",
      "mb=1,ic=2,ih=3,iw=35,oc=2,kh=2,kw=3,pw=1,mask=1",
      "mb=3,ic=1,ih=6,iw=5,oc=5,kh=3,kw=3,sh=3,sw=2,ph=1,pw=2,bias=0",
      "mb=1,ic=66,ih=3,iw=4,oc=3,kh=2,kw=1,mask=1",
      "mb=1,ic=2,ih=11,iw=13,oc=2,kh=1,kw=1,mask=1",  // more pixels than one block of a sum
  };
  op.spec.invalid_cases = {
      {"mb=1,ic=3,ih=8,iw=8,oc=4,kh=3,kw=3,og=2", "offset groups"},
      {"mb=1,ic=3,ih=8,iw=8,oc=4,g=2,kh=3,kw=3", "divide both"},
      {"mb=1,ic=3,iw=8,oc=4,kw=3", "two dimensions"},
      {"mb=1,ic=3,id=4,ih=8,iw=8,oc=4,kd=1,kh=3,kw=3", "two dimensions"},
      {"mb=1,ic=3,ih=4,iw=8,oc=4,kh=7,kw=3", "larger than the padded input"},
      {"mb=1,ic=4,ih=8,iw=8,oc=4,kh=3,kw=3,og=0", "og"},
      {"mb=1,ic=4,ih=8,iw=8,oc=4,kh=3,kw=3,mask=2", "mask"},
      {"mb=1,ic=4,ih=8,iw=8,oc=4,kh=3", "kw"},
  };
  op.implementations = deform_conv_simd_implementations();
  return op;
}

}  // namespace gradproof
