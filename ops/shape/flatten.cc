#include "ops/shape/flatten.h"

#include "ops/core/error.h"
#include "ops/core/window.h"
#include "ops/shape/copies.h"
#include "ops/shape/features.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

std::optional<Shape> src_feature_shape(const Attributes& attributes) { return feature_shape(attributes); }

std::optional<Shape> flatten_dst_shape(const Attributes& attributes) {
  return Shape{attributes.integer("mb"), attributes.integer("c") * feature_space(attributes)};
}

std::optional<Shape> reshape_dst_shape(const Attributes& attributes) {
  Shape shape{attributes.integer("mb"), attributes.integer("oc")};
  for (int axis = 3 - attributes.rank(); axis < 3; ++axis)
    shape.push_back(attributes.integer(std::string("o") + kAxisNames[axis]));
  return shape;
}

std::vector<AttributeSpec> reshape_attributes() {
  std::vector<AttributeSpec> others{integer_attribute("oc", "channels of dst")};
  for (AttributeSpec& spec : output_size_attributes()) {
    spec.default_value = 1;
    others.push_back(std::move(spec));
  }
  return feature_attributes(others);
}

void validate_reshape(const Attributes& attributes) {
  const auto in = static_cast<double>(feature_count(attributes)), mb = attributes.real("mb");
  const double out = unchecked_count(*reshape_dst_shape(attributes));
  if (in == out) return;
  refuse("reshape: a sample has c * space = {} elements, but oc and the output sizes make {}; they must be equal",
         in / mb, out / mb);
}

// Each element is read and written once.
Operation copying_operation(const std::string& name, std::vector<AttributeSpec> attributes,
                            const std::function<std::optional<Shape>(const Attributes&)>& dst_shape) {
  Operation op;
  op.spec.name = name;
  op.spec.family = "shape";
  op.spec.attributes = std::move(attributes);
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = src_feature_shape},
                   {.name = "dst", .role = Role::kOutput, .shape = dst_shape}};
  op.spec.cost = [](const Attributes& a, const Pass&) { return Cost{0, 8 * static_cast<double>(feature_count(a))}; };
  op.spec.depth = [](const Attributes&, const Pass&, std::string_view) { return 0.0; };
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.implementations =
      simd_implementations({.prepare = [](const Case& c, const Pass& pass, const PrepareOptions& options) {
        return prepare_copies({{.from = pass.is_forward() ? size_t{0} : size_t{1},
                                .to = pass.is_forward() ? size_t{1} : size_t{2},
                                .length = feature_count(c.attributes)}},
                              options.threads);
      }});
  return op;
}

}  // namespace

Operation flatten_operation() {
  Operation op = copying_operation("flatten", feature_attributes(), flatten_dst_shape);
  op.spec.summary = "dst[n, (c * space) + i] = src[n,c,i]: a sample as one row (PyTorch's Flatten)";
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7", "mb=3,c=4,iw=33"};
  op.spec.full_cases = feature_cases();
  op.spec.invalid_cases = feature_invalid_cases();
  return op;
}

Operation reshape_operation() {
  Operation op = copying_operation("reshape", reshape_attributes(), reshape_dst_shape);
  op.spec.summary =
      "dst, of oc channels and the sizes od, oh, ow, holds the elements of each sample of src in their row-major order "
      "(PyTorch's Unflatten after Flatten); with i=1 a row becomes maps";
  op.spec.smoke_cases = {"mb=2,c=30,ih=1,iw=1,oc=2,oh=3,ow=5", "mb=3,c=4,ih=6,iw=5,oc=10,oh=2,ow=6"};
  op.spec.full_cases = {"mb=1,c=1,oc=1",
                        "mb=2,c=33,oc=11,ow=3",
                        "mb=1,c=3,iw=17,oc=17,ow=3",
                        "mb=2,c=5,iw=16,oc=80",
                        "mb=1,c=1,ih=3,iw=5,oc=15,oh=1",
                        "mb=2,c=24,id=1,ih=1,oc=2,od=2,oh=3,ow=2",
                        "mb=4,c=64,ih=2,oc=8,oh=4,ow=4"};
  op.spec.validate = validate_reshape;
  op.spec.invalid_cases = {{"mb=0,c=3,iw=8,oc=3,ow=8", "mb"},
                           {"mb=1,c=3,iw=8", "oc (channels of dst) is missing"},
                           {"mb=2,c=3,iw=8,oc=5,ow=5", "24 elements, but oc and the output sizes make 25"},
                           {"mb=2,c=3,iw=8,oc=3,oh=8", "oh is given but ih is not"},
                           {"mb=1,c=3,iw=8,oc=3,ow=8,k=3", "unknown key 'k'"}};
  return op;
}

}  // namespace gradproof
