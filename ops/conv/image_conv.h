// What the convolutions of images share: their attributes, and the refusal of what is no image.
#pragma once

#include <string_view>
#include <vector>

#include "ops/core/window.h"

namespace gradproof {

// Batch, channels, sizes, then `more`, kernel, stride, padding, dilation and bias: the order of conv.
std::vector<AttributeSpec> image_conv_attributes(const std::vector<AttributeSpec>& more);

// Throws UsageError unless there are two spatial axes and the window fits at least once.
void require_image(std::string_view op, const Window& window);

}  // namespace gradproof
