// What the normalizations by statistics of one sample declare in common: group_norm, instance_norm, layer_norm,
// rms_norm.
#pragma once

#include <string_view>
#include <vector>

#include "ops/core/spec.h"
#include "ops/norm/norm_sets.h"

namespace gradproof {

struct SampleNormAttributes {
  NormSets sets;  // of one sample each
  bool affine;
  double eps;
};

// Reads mb, c, the input sizes, affine and eps; a set has c / groups channels.
SampleNormAttributes sample_norm_attributes(const Attributes& attributes, Index groups);

// mb, c, `between`, the input sizes, affine (described by `affine_meaning`) and eps.
std::vector<AttributeSpec> sample_norm_attribute_specs(const std::vector<AttributeSpec>& between,
                                                       std::string affine_meaning);

// src's shape, {mb, c, [id,] [ih,] iw}.
std::optional<Shape> sample_norm_data_shape(const Attributes& attributes);

// Throws UsageError unless eps is positive.
void require_positive_eps(std::string_view op, double eps);

// Least bytes: a set stays in cache between its statistics and its normalization, so src is read once. `parameters` is
// the number of elements of gamma, `saved` the number of saved tensors.
Cost sample_norm_cost(const SampleNormAttributes& a, const Pass& pass, Index parameters, bool has_beta, int saved);

// Depth of a textbook evaluation, for all slots.
double sample_norm_depth(const NormDepth& depth, const Pass& pass, std::string_view slot);

}  // namespace gradproof
