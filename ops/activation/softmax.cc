#include "ops/activation/softmax.h"

#include "ops/activation/class_panels.h"
#include "ops/activation/softmax_simd.h"
#include "ops/core/error.h"
#include "ops/shape/features.h"

namespace gradproof {
namespace {

std::optional<Shape> softmax_shape(const Attributes& attributes) { return feature_shape(attributes); }

void validate_axis(std::string_view op, const Attributes& attributes) {
  const Shape shape = feature_shape(attributes);
  if (attributes.integer("axis") < shape.rank()) return;
  refuse("{}: axis={} is none of {}, of {} axes; the last one is axis={}", op, attributes.integer("axis"),
         shape_text(shape), shape.rank(), shape.rank() - 1);
}

// An exponential counts 1. The gradient reads dst, which is as large as src and spares it the exponentials.
Cost softmax_cost(const Attributes& attributes, const Pass& pass) {
  const auto count = static_cast<double>(feature_count(attributes));
  return {(pass.is_forward() ? 5 : 4) * count, (pass.is_forward() ? 8 : 12) * count};
}

double classes_of(const Attributes& attributes) {
  return static_cast<double>(feature_shape(attributes)[static_cast<int>(attributes.integer("axis"))]);
}

// exp(x - m) has depth 3, an exponential of one ulp counting 2; a sum of n of them n + 2, and its logarithm, of 1.5
// ulps, n + 5.
double softmax_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const double sum = classes_of(attributes) + 2;
  if (pass.is_forward()) return 4 + sum;
  return 2 * (4 + sum) + 1 + classes_of(attributes) + 1;
}
double log_softmax_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const double log_share = classes_of(attributes) + 2 + 3 + 1;
  return pass.is_forward() ? log_share : (log_share + 2) + (classes_of(attributes) - 1) + 1 + 1;
}

Operation operation_along_axis(const std::string& name) {
  Operation op;
  op.spec.name = name;
  op.spec.family = "activation";
  op.spec.attributes = feature_attributes({integer_attribute("axis", "along which exponentials are summed", 1, 0)});
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = softmax_shape, .dependence = Dependence::kSmooth},
                   {.name = "dst", .role = Role::kOutput, .shape = softmax_shape, .kept = true}};
  op.spec.validate = [name](const Attributes& attributes) { validate_axis(name, attributes); };
  op.spec.cost = softmax_cost;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=3,c=5,ih=3,iw=7", "mb=3,c=10", "mb=2,c=37,iw=2"};
  op.spec.full_cases = feature_cases();
  for (const char* text : {"mb=2,c=3,ih=2,iw=35,axis=3", "mb=3,c=4,ih=5,iw=6,axis=2", "mb=7,c=3,ih=2,axis=0",
                           "mb=2,c=2,id=3,ih=4,iw=5,axis=3", "mb=2,c=300", "mb=33,c=3", "mb=2,c=66,iw=18"})
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases = feature_invalid_cases();
  op.spec.invalid_cases.push_back({"mb=2,c=3,axis=2", "axis=2 is none of 2x3, of 2 axes"});
  op.spec.invalid_cases.push_back({"mb=2,c=3,ih=4,iw=5,axis=4", "the last one is axis=3"});
  op.spec.invalid_cases.push_back({"mb=2,c=3,axis=-1", "axis"});
  return op;
}

}  // namespace

ClassRows rows_along(const Shape& shape, int axis) {
  ClassRows rows{.classes = shape[axis]};
  for (int other = 0; other < axis; ++other) rows.outer *= shape[other];
  for (int other = axis + 1; other < shape.rank(); ++other) rows.inner *= shape[other];
  return rows;
}

Operation softmax_operation() {
  Operation op = operation_along_axis("softmax");
  op.spec.summary =
      "dst_j = exp(src_j - m) / sum over k of exp(src_k - m), j and k along the axis and m the largest (Bridle 1990); "
      "diff_src_j = dst_j * (diff_dst_j - sum of diff_dst_k * dst_k). A row with NaN or +infinity, or of -infinities "
      "alone, is NaN, as in PyTorch";
  op.spec.depth = softmax_depth;
  op.implementations = softmax_simd_implementations();
  return op;
}

Operation log_softmax_operation() {
  Operation op = operation_along_axis("log_softmax");
  op.spec.summary =
      "dst_j = src_j - m - log(sum over k of exp(src_k - m)), j and k along the axis and m the largest; diff_src_j = "
      "diff_dst_j - exp(dst_j) * sum of diff_dst_k. A row with NaN or +infinity, or of -infinities alone, is NaN, as "
      "in PyTorch";
  op.spec.depth = log_softmax_depth;
  op.implementations = log_softmax_simd_implementations();
  return op;
}

}  // namespace gradproof
