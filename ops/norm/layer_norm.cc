#include "ops/norm/layer_norm.h"

#include "ops/core/error.h"
#include "ops/norm/element_norm_simd.h"

namespace gradproof {
namespace {

// {c, [id,] [ih,] iw}: a number for every element of a sample, as PyTorch's normalized_shape.
std::optional<Shape> element_shape(const Attributes& attributes) {
  if (!attributes.flag("affine")) return {};
  const Shape data = *sample_norm_data_shape(attributes);
  Shape shape;
  for (int axis = 1; axis < data.rank(); ++axis) shape.push_back(data[axis]);
  return shape;
}
std::optional<Shape> sample_shape(const Attributes& attributes) { return Shape{attributes.integer("mb")}; }

Slot src_slot() {
  return {.name = "src", .role = Role::kInput, .shape = sample_norm_data_shape, .dependence = Dependence::kSmooth};
}
Slot dst_slot() { return {.name = "dst", .role = Role::kOutput, .shape = sample_norm_data_shape}; }
Slot parameter_slot(std::string name) {
  return {.name = std::move(name), .role = Role::kInput, .shape = element_shape, .axes = {"c", "ih", "iw"}};
}
Slot statistics_slot(std::string name) {
  return {.name = std::move(name), .role = Role::kSaved, .shape = sample_shape, .axes = {"n"}};
}

// With a single element dst would be beta whatever src is.
void validate_layer_norm(const Attributes& attributes) {
  const SampleNormAttributes a = layer_norm_attributes(attributes);
  require_positive_eps("layer_norm", a.eps);
  if (a.sets.count() < 2)
    refuse("layer_norm: a sample needs more than one element, but c * space = 1; enlarge c or the input");
}
// One element will do: nothing is subtracted from it.
void validate_rms_norm(const Attributes& attributes) {
  require_positive_eps("rms_norm", layer_norm_attributes(attributes).eps);
}

Cost layer_norm_cost(const Attributes& attributes, const Pass& pass) {
  const SampleNormAttributes a = layer_norm_attributes(attributes);
  return sample_norm_cost(a, pass, a.sets.count(), true, 2);
}
Cost rms_norm_cost(const Attributes& attributes, const Pass& pass) {
  const SampleNormAttributes a = layer_norm_attributes(attributes);
  Cost cost = sample_norm_cost(a, pass, a.sets.count(), false, 1);
  const auto elements = static_cast<double>(a.sets.total());
  // A multiply-add for the mean square, and a product or two; backward the centring is left out.
  cost.flops = elements * (pass.is_forward() ? (a.affine ? 4 : 3) : pass.slot == "gamma" ? 3 : 7);
  return cost;
}

double layer_norm_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  const NormSets sets = layer_norm_attributes(attributes).sets;
  const auto count = static_cast<double>(sets.count()), uses = static_cast<double>(sets.mb);
  return sample_norm_depth(NormDepth::with_mean(count, uses), pass, slot);
}
double rms_norm_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  const NormSets sets = layer_norm_attributes(attributes).sets;
  const auto count = static_cast<double>(sets.count()), uses = static_cast<double>(sets.mb);
  return sample_norm_depth(NormDepth::without_mean(count, uses), pass, slot);
}

bool layer_norm_contains_nan(const Pass&, std::string_view) { return true; }

}  // namespace

SampleNormAttributes layer_norm_attributes(const Attributes& attributes) {
  return sample_norm_attributes(attributes, 1);
}

Operation layer_norm_operation() {
  Operation op;
  op.spec.name = "layer_norm";
  op.spec.family = "norm";
  op.spec.summary =
      "dst = gamma * (src - mean) / sqrt(var + eps) + beta, mean and biased var of each sample over channels and "
      "space, gamma and beta for each element of it (Ba, Kiros and Hinton 2016, arXiv:1607.06450; PyTorch's LayerNorm "
      "over all axes but the batch)";
  op.spec.attributes = sample_norm_attribute_specs({}, "scale by gamma and shift by beta, one of each an element");
  op.spec.slots = {src_slot(), parameter_slot("gamma"), parameter_slot("beta"),
                   dst_slot(), statistics_slot("mean"), statistics_slot("rstd")};
  op.spec.whole_vjp = true;
  op.spec.validate = validate_layer_norm;
  op.spec.cost = layer_norm_cost;
  op.spec.depth = layer_norm_depth;
  op.spec.contains_nan = layer_norm_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=4,iw=5",
      "mb=3,c=2,iw=7,affine=0,eps=0.25",
  };
  op.spec.full_cases = {
      "mb=1,c=5,ih=3,iw=4",        // one sample: gamma's gradient is no sum
      "mb=5,c=7,iw=1",             // no space
      "mb=3,c=1,iw=2",             // two elements
      "mb=2,c=1,iw=33",            // two vectors and one
      "mb=2,c=5,ih=61,iw=55",      // runs of a sample
      "mb=9,c=3,ih=3,iw=1,eps=2",  // one column
      "mb=2,c=17,ih=1,iw=3,eps=0.5",
      "mb=2,c=3,id=2,ih=4,iw=5",
      "mb=3,c=2,id=3,ih=5,iw=2,affine=0,eps=0.001",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,iw=8", "mb"},
      {"mb=1,c=3", "iw"},
      {"mb=7,c=1,iw=1", "more than one element"},
      {"mb=2,c=3,iw=4,eps=0", "eps"},
      {"mb=2,c=3,iw=4,eps=-1", "eps"},
      {"mb=2,c=3,iw=4,affine=2", "affine"},
      {"mb=2,c=3,iw=4,g=3", "unknown key 'g'"},
  };
  op.implementations = layer_norm_simd_implementations();
  return op;
}

Operation rms_norm_operation() {
  Operation op;
  op.spec.name = "rms_norm";
  op.spec.family = "norm";
  op.spec.summary =
      "dst = gamma * src / sqrt(mean(src^2) + eps), the mean of each sample over channels and space, gamma for each "
      "element of it (Zhang and Sennrich 2019, arXiv:1910.07467; PyTorch's RMSNorm over all axes but the batch)";
  op.spec.attributes = sample_norm_attribute_specs({}, "scale by gamma, one an element");
  op.spec.slots = {src_slot(), parameter_slot("gamma"), dst_slot(), statistics_slot("rrms")};
  op.spec.whole_vjp = true;
  op.spec.validate = validate_rms_norm;
  op.spec.cost = rms_norm_cost;
  op.spec.depth = rms_norm_depth;
  op.spec.contains_nan = layer_norm_contains_nan;
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=4,iw=5",
      "mb=3,c=2,iw=7,affine=0,eps=0.25",
  };
  op.spec.full_cases = {
      "mb=1,c=5,ih=3,iw=4",        // one sample: gamma's gradient is no sum
      "mb=5,c=7,iw=1",             // no space
      "mb=3,c=1,iw=1",             // a single element
      "mb=2,c=1,iw=33",            // two vectors and one
      "mb=2,c=5,ih=61,iw=55",      // runs of a sample
      "mb=9,c=3,ih=3,iw=1,eps=2",  // one column
      "mb=2,c=17,ih=1,iw=3,eps=0.5",
      "mb=2,c=3,id=2,ih=4,iw=5",
      "mb=3,c=2,id=3,ih=5,iw=2,affine=0,eps=0.001",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,iw=8", "mb"},
      {"mb=1,c=3", "iw"},
      {"mb=2,c=3,iw=4,eps=0", "eps"},
      {"mb=2,c=3,iw=4,eps=-1", "eps"},
      {"mb=2,c=3,iw=4,affine=2", "affine"},
      {"mb=2,c=3,iw=4,g=3", "unknown key 'g'"},
  };
  op.implementations = rms_norm_simd_implementations();
  return op;
}

}  // namespace gradproof
