// What the convolutions of images share: their attributes, and the refusal of what is no image.
#pragma once

#include <string_view>
#include <vector>

#include "ops/core/window.h"

namespace gradproof {

// Batch, channels, sizes, then `more`, kernel, stride, padding, dilation and bias: the order of conv, and its keys
// without those of the depth axis.
std::vector<AttributeSpec> image_conv_attributes(const std::vector<AttributeSpec>& more);

// Throws UsageError where there is no height, and where the window does not fit once.
void require_image(std::string_view op, const Window& window);

}  // namespace gradproof
