// conv_transpose: every input value scales the kernel, and the copies are placed at the stride and added; in 1, 2 or 3
// dimensions, with one-sided paddings, output padding, dilation, groups and bias.
#pragma once

#include "ops/conv/engine.h"
#include "ops/core/registry.h"

namespace gradproof {

// The operation is the data gradient of a convolution that maps its output back to its input: `shape` is that
// convolution, shape.ic the channels of dst and shape.oc those of src.
struct ConvTransposeAttributes {
  ConvShape shape;
  bool bias;
};

ConvTransposeAttributes conv_transpose_attributes(const Attributes& attributes);

Operation conv_transpose_operation();

}  // namespace gradproof
