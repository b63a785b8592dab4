#include "ops/shape/add.h"

#include "ops/shape/add_simd.h"
#include "ops/shape/features.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> add_attributes() {
  std::vector<AttributeSpec> others{flag_attribute("bn", "other has a batch of 1", false),
                                    flag_attribute("bc", "other has one channel", false)};
  for (int axis = 0; axis < 3; ++axis) {
    AttributeSpec spec = flag_attribute(std::string("b") + kAxisNames[axis], "other has size 1 there", false);
    spec.axis = axis;
    spec.shorthands = {"b"};
    others.push_back(std::move(spec));
  }
  return feature_attributes(others);
}

std::optional<Shape> add_src_shape(const Attributes& attributes) { return feature_shape(attributes); }

// Whether each axis of src is repeated.
std::vector<bool> repeated_axes(const Attributes& attributes) {
  std::vector<bool> repeated{attributes.flag("bn"), attributes.flag("bc")};
  const int spatial = feature_shape(attributes).rank() - 2;
  for (int axis = 3 - spatial; axis < 3; ++axis)
    repeated.push_back(attributes.flag(std::string("b") + kAxisNames[axis]));
  return repeated;
}

std::optional<Shape> add_other_shape(const Attributes& attributes) {
  Shape shape = feature_shape(attributes);
  const std::vector<bool> repeated = repeated_axes(attributes);
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (repeated[static_cast<size_t>(axis)]) shape[axis] = 1;
  return shape;
}

Cost add_cost(const Attributes& attributes, const Pass& pass) {
  const auto src = static_cast<double>(feature_count(attributes));
  const auto other = static_cast<double>(element_count(*add_other_shape(attributes)));
  if (pass.is_forward()) return {src, 4 * (2 * src + other)};
  if (pass.slot == "other") return {src - other, 4 * (src + other)};
  return {0, 8 * src};
}

// The gradient of src is a copy; that of other adds up what was repeated.
double add_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  if (pass.is_forward()) return 1;
  if (pass.slot == "src") return 0;
  return static_cast<double>(feature_count(attributes) / element_count(*add_other_shape(attributes)) - 1);
}

}  // namespace

BroadcastAxes broadcast_axes(const Attributes& attributes) {
  const Shape shape = feature_shape(attributes);
  const std::vector<bool> repeated = repeated_axes(attributes);
  BroadcastAxes axes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    if (axes.empty() || axes.back().repeated != repeated[static_cast<size_t>(axis)])
      axes.push_back({1, repeated[static_cast<size_t>(axis)]});
    axes.back().size *= shape[axis];
  }
  if (axes.empty()) axes.push_back({});
  return axes;
}

Operation add_operation() {
  Operation op;
  op.spec.name = "add";
  op.spec.family = "shape";
  op.spec.summary =
      "dst = src + other, where other has size 1 it is repeated (a residual connection: He, Zhang, Ren and Sun 2016, "
      "CVPR, section 3.2); diff_other = the sum of diff_dst over what was repeated";
  op.spec.attributes = add_attributes();
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = add_src_shape},
                   {.name = "other", .role = Role::kInput, .shape = add_other_shape},
                   {.name = "dst", .role = Role::kOutput, .shape = add_src_shape}};
  op.spec.cost = add_cost;
  op.spec.depth = add_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7", "mb=2,c=3,ih=5,iw=7,bn=1,b=1", "mb=3,c=4,iw=33,bc=1"};
  op.spec.full_cases = feature_cases();
  for (const char* text :
       {"mb=3,c=5,ih=4,iw=6,bn=1", "mb=2,c=3,ih=5,iw=19,b=1", "mb=2,c=3,ih=4,iw=35,bh=1", "mb=3,c=2,ih=17,iw=3,bw=1",
        "mb=2,c=3,id=4,ih=5,iw=6,bn=1,bd=1,bw=1", "mb=3,c=2,id=3,ih=2,iw=5,bc=1,bh=1", "mb=4,c=7,bn=1",
        "mb=3,c=37,bc=1", "mb=3,c=2,ih=2,iw=3,bn=1,bc=1,b=1", "mb=1,c=1,iw=1,bn=1"})
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases = feature_invalid_cases();
  op.spec.invalid_cases.push_back({"mb=1,c=3,iw=8,bn=2", "bn"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,iw=8,bh=1", "bh is given but ih is not"});
  op.implementations = add_simd_implementations();
  return op;
}

}  // namespace gradproof
