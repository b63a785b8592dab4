#include "ops/pool/global_pool.h"

#include "ops/core/window.h"
#include "ops/pool/global_max_pool_simd.h"
#include "ops/pool/global_pool_simd.h"

namespace gradproof {
namespace {

constexpr const char* kMoreThanABlockOfSums = "mb=2,c=1,ih=67,iw=71";

std::optional<Shape> global_pool_src_shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> global_pool_dst_shape(const Attributes& attributes) {
  return Shape{attributes.integer("mb"), attributes.integer("c")};
}

double planes_of(const Attributes& attributes) {
  return static_cast<double>(attributes.integer("mb") * attributes.integer("c"));
}
double space_of(const Attributes& attributes) { return static_cast<double>(window_of(attributes).in_count()); }

// Least bytes: each element is read or written once. The gradient of a sum is a copy, that of an average one quotient
// a channel.
Cost global_pool_cost(const Attributes& attributes, const Pass& pass) {
  const double planes = planes_of(attributes);
  const double elements = planes * space_of(attributes);
  return {pass.is_forward() ? elements : planes, 4 * (elements + planes)};
}

// A sum of n terms rounds n - 1 times; its gradient is a copy.
double global_pool_sum_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  return pass.is_forward() ? space_of(attributes) - 1 : 0;
}

// And the quotient once.
double global_pool_average_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  return global_pool_sum_depth(attributes, pass, slot) + 1;
}

ElementType global_pool_argmax_type(const Attributes& attributes) {
  return GlobalPoolAttributes{1, window_of(attributes).in_count(), false}.argmax_type();
}

// Forward writes argmax too; the gradient reads it and diff_dst, never src.
Cost max_cost(const Attributes& attributes, const Pass& pass) {
  const double argmax = planes_of(attributes) * static_cast<double>(element_size(global_pool_argmax_type(attributes)));
  return {pass.is_forward() ? planes_of(attributes) * space_of(attributes) : 0,
          global_pool_cost(attributes, pass).bytes + argmax};
}

Spec global_spec() {
  Spec spec;
  spec.family = "pool";
  spec.attributes = {integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (auto& attribute : input_size_attributes()) spec.attributes.push_back(attribute);
  spec.slots = {{.name = "src", .role = Role::kInput, .shape = global_pool_src_shape},
                {.name = "dst", .role = Role::kOutput, .shape = global_pool_dst_shape}};
  spec.cost = global_pool_cost;
  spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  spec.smoke_cases = {
      "mb=2,c=3,ih=5,iw=7",
      "mb=3,c=2,iw=9",
      "mb=2,c=2,id=2,ih=3,iw=4",
  };
  spec.full_cases = {
      "mb=1,c=5,ih=7,iw=7",   // ResNet's last map
      "mb=2,c=37,ih=1,iw=3",  // channels beyond two vectors
      "mb=1,c=2,iw=1",        // one element
      "mb=1,c=3,ih=9,iw=1",   // 1-wide images
      "mb=1,c=2,iw=33",       // two vectors and one
      "mb=1,c=1,ih=8,iw=4",   // a whole number of vectors
      kMoreThanABlockOfSums, "mb=1,c=2,id=5,ih=7,iw=3",
  };
  spec.invalid_cases = {
      {"mb=0,c=3,ih=8,iw=8", "mb"},
      {"mb=1,c=0,ih=8,iw=8", "c"},
      {"mb=1,c=3,ih=8", "iw"},
      {"mb=1,c=3,ih=8,iw=0", "iw"},
      {"mb=1,c=3,ih=8,iw=8,k=3", "unknown key 'k'"},
  };
  return spec;
}

}  // namespace

GlobalPoolAttributes global_pool_attributes(const Case& c) {
  const Attributes& a = c.attributes;
  return {a.integer("mb") * a.integer("c"), window_of(a).in_count(), c.spec->name == "global_avg_pool"};
}

Operation global_avg_pool_operation() {
  Operation op;
  op.spec = global_spec();
  op.spec.name = "global_avg_pool";
  op.spec.summary =
      "dst[n,c] = 1/m * sum over the m positions i of src[n,c,i]; diff_src[n,c,i] = diff_dst[n,c] / m (Lin, Chen, Yan: "
      "Network in network, arXiv:1312.4400, section 3.2)";
  op.spec.depth = global_pool_average_depth;
  op.implementations = global_pool_simd_implementations();
  return op;
}

Operation global_sum_pool_operation() {
  Operation op;
  op.spec = global_spec();
  op.spec.name = "global_sum_pool";
  op.spec.summary = "dst[n,c] = sum over positions i of src[n,c,i]; diff_src[n,c,i] = diff_dst[n,c]";
  op.spec.depth = global_pool_sum_depth;
  op.spec.exact_on_integers = true;
  op.implementations = global_pool_simd_implementations();
  return op;
}

Operation global_max_pool_operation() {
  Operation op;
  op.spec = global_spec();
  op.spec.name = "global_max_pool";
  op.spec.summary =
      "dst[n,c] = max over positions i of src[n,c,i], argmax = the first such i, NaN wins; diff_src[n,c,i] = "
      "diff_dst[n,c] at i = argmax, 0 elsewhere (Oquab, Bottou, Laptev, Sivic: Is object localization for free?, CVPR "
      "2015, section 3)";
  op.spec.slots.front().dependence = Dependence::kKinked;
  op.spec.slots.push_back(
      {.name = "argmax", .role = Role::kSaved, .shape = global_pool_dst_shape, .type = global_pool_argmax_type});
  op.spec.cost = max_cost;
  op.spec.depth = [](const Attributes&, const Pass&, std::string_view) { return 0.0; };  // selects, never rounds
  op.spec.exact_on_integers = true;
  // For each of 4757 elements the reference looks for the largest of them: a minute of checks, where no block is
  // summed.
  std::erase(op.spec.full_cases, kMoreThanABlockOfSums);
  for (const char* text : {
           "mb=1,c=2,iw=255",       // the last that a byte numbers
           "mb=1,c=3,ih=16,iw=16",  // and the first that it does not
           "mb=2,c=2,ih=5,iw=13",   // two blocks of four vectors and one element
       })
    op.spec.full_cases.emplace_back(text);
  op.implementations = global_max_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
