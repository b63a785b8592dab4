// deform_conv: two-dimensional deformable convolution with offsets (v1) and a modulation mask (v2).
//
// src [mb, ic, ih, iw]; offset [mb, 2 * og * kh * kw, oh, ow], ordered (y, x) per tap, taps row-major, offset groups
// outermost; mask [mb, og * kh * kw, oh, ow] with mask=1; weights [oc, ic/g, kh, kw]; bias [oc] unless bias=0; dst [mb,
// oc, oh, ow]. Conventions are those of torchvision: bilinear samples, of which those at y <= -1 or y >= ih (or x
// likewise) are zero and corners outside the image count as zero; at a cell border the gradient with respect to an
// offset is that of the cell [floor, floor + 1), and zero at -1.
// A NaN in either offset of a tap makes its sample NaN, and the gradients of its offsets and its mask; no element of
// src receives anything from it. An infinite offset is outside.
#pragma once

#include "ops/core/registry.h"
#include "ops/core/window.h"

namespace gradproof {

struct DeformConvAttributes {
  Index mb, ic, oc, g, og;
  bool mask, bias;
  Window window;

  const WindowAxis& height() const { return window.axes[1]; }
  const WindowAxis& width() const { return window.axes[2]; }
  Index ic_per_group() const { return ic / g; }
  Index oc_per_group() const { return oc / g; }
  Index ic_per_offset_group() const { return ic / og; }
  Index offset_channels() const { return 2 * mask_channels(); }
  Index mask_channels() const { return og * window.taps(); }
};

DeformConvAttributes deform_conv_attributes(const Attributes& attributes);

// What deform_conv and deform_layer have in common: every attribute, and which of them go together. Throws UsageError.
std::vector<AttributeSpec> deform_attribute_specs();
void validate_deformable(std::string_view op, const Attributes& attributes);

// Multiply-adds of a convolution of these sizes, and floating-point operations of the bilinear samples of all channels.
double deform_macs(const DeformConvAttributes& a);
double deform_sampling_flops(const DeformConvAttributes& a);

// Roundings on the longest path to an element of `tensor` ("dst", "diff_src", ...) from offsets and masks with
// roundings of their own: sums in any order, those over output channels within those over samples.
struct FieldDepths {
  double offset = 0, mask = 0;
};
double deform_sum_depth(const DeformConvAttributes& a, std::string_view tensor, const FieldDepths& fields);

Operation deform_conv_operation();

}  // namespace gradproof
