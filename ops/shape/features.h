// Tensors of features: {mb, c, [id,] [ih,] iw}, or {mb, c} where no size is given, as behind a linear layer.
#pragma once

#include <vector>

#include "ops/core/attributes.h"
#include "ops/core/registry.h"
#include "ops/core/shape.h"

namespace gradproof {

// mb, c, id, ih, iw; iw is 1 unless given.
std::vector<AttributeSpec> feature_attributes();
// Those and others.
std::vector<AttributeSpec> feature_attributes(const std::vector<AttributeSpec>& others);

// With the channels that c says, or others. A width of 1 is no axis where it is the only spatial one.
Shape feature_shape(const Attributes& attributes);
Shape feature_shape(const Attributes& attributes, Index channels);

// Positions in space, and elements.
Index feature_space(const Attributes& attributes);
Index feature_count(const Attributes& attributes);

// Sizes that surround a vector, and one to three spatial axes or none.
std::vector<std::string> feature_cases();
std::vector<InvalidCase> feature_invalid_cases();

}  // namespace gradproof
