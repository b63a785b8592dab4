#include "ops/linear/linear.h"

#include "ops/linear/linear_simd.h"

namespace gradproof {
namespace {

std::optional<Shape> linear_src_shape(const Attributes& attributes) {
  const LinearAttributes a = linear_attributes(attributes);
  return Shape{a.mb, a.ic};
}
std::optional<Shape> linear_weights_shape(const Attributes& attributes) {
  const LinearAttributes a = linear_attributes(attributes);
  return Shape{a.oc, a.ic};
}
std::optional<Shape> linear_bias_shape(const Attributes& attributes) {
  const LinearAttributes a = linear_attributes(attributes);
  if (!a.bias) return {};
  return Shape{a.oc};
}
std::optional<Shape> linear_dst_shape(const Attributes& attributes) {
  const LinearAttributes a = linear_attributes(attributes);
  return Shape{a.mb, a.oc};
}

Cost linear_cost(const Attributes& attributes, const Pass& pass) {
  const LinearAttributes a = linear_attributes(attributes);
  const auto src = static_cast<double>(a.mb * a.ic);
  const auto dst = static_cast<double>(a.mb * a.oc);
  const auto weights = static_cast<double>(a.oc * a.ic);
  if (pass.slot == "bias") return {dst, 4 * (dst + static_cast<double>(a.oc))};
  const bool bias = a.bias && pass.is_forward();
  return {2 * dst * static_cast<double>(a.ic) + (bias ? dst : 0),
          4 * (src + dst + weights + (bias ? static_cast<double>(a.oc) : 0))};
}

double linear_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const LinearAttributes a = linear_attributes(attributes);
  if (pass.slot == "src") return static_cast<double>(a.oc);
  if (pass.slot == "weights" || pass.slot == "bias") return static_cast<double>(a.mb);
  return static_cast<double>(a.ic) + 1;
}

}  // namespace

LinearAttributes linear_attributes(const Attributes& attributes) {
  return {attributes.integer("mb"), attributes.integer("ic"), attributes.integer("oc"), attributes.flag("bias")};
}

Operation linear_operation() {
  Operation op;
  op.spec.name = "linear";
  op.spec.family = "linear";
  op.spec.summary = "dst[n,o] = bias[o] + sum over i of weights[o,i] * src[n,i]";
  op.spec.attributes = {integer_attribute("mb", "batch"), integer_attribute("ic", "input features"),
                        integer_attribute("oc", "output features"), flag_attribute("bias", "add a bias", true)};
  op.spec.slots = {{"src", Role::kInput, linear_src_shape},
                   {"weights", Role::kInput, linear_weights_shape},
                   {"bias", Role::kInput, linear_bias_shape},
                   {"dst", Role::kOutput, linear_dst_shape}};
  op.spec.cost = linear_cost;
  op.spec.depth = linear_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=3,ic=17,oc=5", "mb=1,ic=33,oc=7,bias=0"};
  op.spec.full_cases = {"mb=1,ic=1,oc=1",     "mb=8,ic=15,oc=16", "mb=9,ic=16,oc=17",  "mb=2,ic=40,oc=3",
                        "mb=17,ic=7,oc=35",   "mb=33,ic=9,oc=10", "mb=32,ic=139,oc=3", "mb=1,ic=5,oc=200",
                        "mb=18,ic=150,oc=14",  // blocks of packed columns
                        "mb=33,ic=620,oc=2"};  // columns of samples, and several blocks of terms
  op.spec.invalid_cases = {{"mb=0,ic=3,oc=4", "mb"}, {"mb=1,ic=3", "oc"}, {"mb=1,ic=3,oc=4,g=2", "unknown key 'g'"}};
  op.implementations = linear_simd_implementations();
  return op;
}

}  // namespace gradproof
