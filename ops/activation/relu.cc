#include "ops/activation/relu.h"

#include "ops/activation/relu_simd.h"
#include "ops/core/window.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> relu_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  return specs;
}

std::optional<Shape> shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}

// One comparison an element; the gradient reads src and diff_dst.
Cost relu_cost(const Attributes& attributes, const Pass& pass) {
  const auto count = static_cast<double>(element_count(*shape(attributes)));
  return {count, (pass.is_forward() ? 8 : 12) * count};
}

}  // namespace

Operation relu_operation() {
  Operation op;
  op.spec.name = "relu";
  op.spec.family = "activation";
  op.spec.summary =
      "dst = src < 0 ? 0 : src, so -0 and NaN pass; diff_src = src <= 0 ? 0 : diff_dst (Nair and Hinton 2010, ICML; "
      "the "
      "derivative at 0 is 0 as in PyTorch)";
  op.spec.attributes = relu_attribute_specs();
  const auto kinks = [](const Attributes&) { return std::vector<double>{0}; };
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = shape, .dependence = Dependence::kKinked, .kinks = kinks},
      {.name = "dst", .role = Role::kOutput, .shape = shape}};
  op.spec.cost = relu_cost;
  op.spec.depth = [](const Attributes&, const Pass&, std::string_view) { return 0.0; };  // selects, never rounds
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7", "mb=1,c=1,iw=33"};
  op.spec.full_cases = {
      "mb=1,c=1,iw=1",  "mb=1,c=1,iw=15", "mb=1,c=1,iw=16",  "mb=1,c=1,iw=17",          "mb=1,c=1,iw=31",
      "mb=1,c=5,iw=13", "mb=3,c=2,iw=1",  "mb=1,c=127,iw=1", "mb=2,c=3,id=2,ih=3,iw=5", "mb=1,c=2,ih=17,iw=8",
  };
  op.spec.invalid_cases = {{"mb=0,c=3,iw=8", "mb"},
                           {"mb=1,iw=8", "c (channels) is missing"},
                           {"mb=1,c=3", "iw"},
                           {"mb=1,c=3,ih=4,iw=8,k=3", "unknown key 'k'"}};
  op.implementations = relu_simd_implementations();
  return op;
}

}  // namespace gradproof
