#include "ops/norm/sample_norm.h"

#include "ops/core/error.h"
#include "ops/core/window.h"

namespace gradproof {

SampleNormAttributes sample_norm_attributes(const Attributes& attributes, Index groups) {
  const Index c = attributes.integer("c");
  return {{.mb = attributes.integer("mb"),
           .c = c,
           .space = window_of(attributes).in_count(),
           .samples = 1,
           .channels = c / groups},
          attributes.flag("affine"),
          attributes.real("eps")};
}

std::vector<AttributeSpec> sample_norm_attribute_specs(const std::vector<AttributeSpec>& between,
                                                       std::string affine_meaning) {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (const AttributeSpec& spec : between) specs.push_back(spec);
  for (AttributeSpec& spec : input_size_attributes()) specs.push_back(std::move(spec));
  specs.push_back(flag_attribute("affine", std::move(affine_meaning), true));
  specs.push_back(real_attribute("eps", "added under the square root", 1e-5, 0));
  return specs;
}

std::optional<Shape> sample_norm_data_shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}

void require_positive_eps(std::string_view op, double eps) {
  if (!(eps > 0)) refuse("{}: eps={} must be positive, or constant data divide by zero", op, eps);
}

Cost sample_norm_cost(const SampleNormAttributes& a, const Pass& pass, Index parameters, bool has_beta, int saved) {
  const auto count = static_cast<double>(a.sets.total());
  const double statistics = 4.0 * saved * static_cast<double>(a.sets.sets());
  const double vector = 4 * static_cast<double>(parameters), gamma = a.affine ? vector : 0;
  const double vectors = has_beta ? 2 * gamma : gamma;
  if (pass.is_forward()) return {7 * count, 8 * count + vectors + statistics};  // sum, centred square, normalize
  if (pass.slot == "beta") return {count, 4 * count + vector};
  if (pass.slot == "gamma") return {3 * count, 8 * count + vector + statistics};
  return {9 * count, 12 * count + statistics + gamma + (pass.slot.empty() ? vectors : 0)};
}

double sample_norm_depth(const NormDepth& depth, const Pass& pass, std::string_view slot) {
  if (slot == "mean") return depth.mean();
  if (slot == "rstd" || slot == "rrms") return depth.rstd();
  if (pass.is_forward()) return depth.dst();
  if (slot == "diff_beta") return depth.diff_beta();
  return slot == "diff_gamma" ? depth.diff_gamma() : depth.diff_src();
}

}  // namespace gradproof
