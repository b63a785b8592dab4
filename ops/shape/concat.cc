#include "ops/shape/concat.h"

#include "ops/shape/copies.h"
#include "ops/shape/features.h"
#include "ops/simd/targets.h"

namespace gradproof {
namespace {

std::optional<Shape> concat_src_shape(const Attributes& attributes) { return feature_shape(attributes); }
std::optional<Shape> concat_other_shape(const Attributes& attributes) {
  return feature_shape(attributes, attributes.integer("c2"));
}
std::optional<Shape> concat_dst_shape(const Attributes& attributes) {
  return feature_shape(attributes, attributes.integer("c") + attributes.integer("c2"));
}

// Each element is read and written once.
Cost concat_cost(const Attributes& attributes, const Pass& pass) {
  const auto src = static_cast<double>(feature_count(attributes));
  const auto other = static_cast<double>(element_count(*concat_other_shape(attributes)));
  return {0, 8 * (pass.is_forward() ? src + other : pass.slot == "src" ? src : other)};
}

std::unique_ptr<Kernel> prepare_concat(const Case& c, const Pass& pass, const PrepareOptions& options) {
  const Index samples = c.attributes.integer("mb"), space = feature_space(c.attributes);
  const Index src = c.attributes.integer("c") * space, other = c.attributes.integer("c2") * space, both = src + other;
  const CopiedRuns first{.from = 0, .to = 2, .runs = samples, .length = src, .from_pitch = src, .to_pitch = both};
  CopiedRuns second{.from = 1, .to = 2, .runs = samples, .length = other, .from_pitch = other, .to_pitch = both};
  second.to_first = src;
  if (pass.is_forward()) return prepare_copies({first, second}, options.threads);
  const CopiedRuns& there = pass.slot == "src" ? first : second;  // and back again
  return prepare_copies({{.from = 2,
                          .to = 3,
                          .runs = samples,
                          .length = there.length,
                          .from_first = there.to_first,
                          .from_pitch = there.to_pitch,
                          .to_pitch = there.from_pitch}},
                        options.threads);
}

}  // namespace

Operation concat_operation() {
  Operation op;
  op.spec.name = "concat";
  op.spec.family = "shape";
  op.spec.summary =
      "dst[n,c] = src[n,c] for the channels of src, and other[n, c - those] behind them (Szegedy et al. 2015, CVPR, "
      "figure 2; PyTorch's cat along axis 1)";
  op.spec.attributes = feature_attributes({integer_attribute("c2", "channels of other")});
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = concat_src_shape},
                   {.name = "other", .role = Role::kInput, .shape = concat_other_shape},
                   {.name = "dst", .role = Role::kOutput, .shape = concat_dst_shape}};
  op.spec.cost = concat_cost;
  op.spec.depth = [](const Attributes&, const Pass&, std::string_view) { return 0.0; };
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7,c2=4", "mb=3,c=17,c2=2"};
  op.spec.full_cases = {"mb=1,c=1,c2=1",       "mb=2,c=1,iw=15,c2=3",     "mb=3,c=5,iw=16,c2=1",
                        "mb=2,c=2,iw=17,c2=2", "mb=1,c=3,ih=4,iw=9,c2=5", "mb=2,c=2,id=3,ih=2,iw=5,c2=3",
                        "mb=7,c=33,c2=31",     "mb=2,c=4,ih=17,c2=3"};
  op.spec.invalid_cases = {{"mb=0,c=3,iw=8,c2=2", "mb"},
                           {"mb=1,c=3,iw=8", "c2 (channels of other) is missing"},
                           {"mb=1,c=3,iw=8,c2=0", "c2"},
                           {"mb=1,c=3,iw=8,c2=3,k=3", "unknown key 'k'"}};
  op.implementations = simd_implementations({.prepare = prepare_concat});
  return op;
}

}  // namespace gradproof
