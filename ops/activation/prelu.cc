#include "ops/activation/prelu.h"

#include "ops/activation/activations.h"
#include "ops/activation/prelu_simd.h"

namespace gradproof {
namespace {

std::optional<Shape> prelu_slope_shape(const Attributes& a) { return Shape{a.integer("c")}; }

// One comparison and one multiplication an element; the gradient of the slope writes next to nothing.
Cost prelu_cost(const Attributes& a, const Pass& pass) {
  Cost cost = elementwise_cost(a, pass, 2);
  if (pass.slot == "slope") cost.bytes = cost.bytes / 3 * 2;
  return cost;
}

// A product; for the slope a sum of as many as a channel has elements.
double prelu_depth(const Attributes& a, const Pass& pass, std::string_view) {
  if (pass.slot != "slope") return 1;
  return 1 + static_cast<double>(element_count(*map_shape(a))) / static_cast<double>(a.integer("c"));
}

}  // namespace

Operation prelu_operation() {
  Operation op;
  op.spec.name = "prelu";
  op.spec.family = "activation";
  op.spec.summary =
      "dst = src > 0 ? src : slope[c] src; diff_slope sums src diff_dst where src <= 0 (He, Zhang, Ren, Sun 2015, "
      "ICCV; "
      "the derivative at 0 is the slope as in PyTorch)";
  op.spec.attributes = map_attributes();
  op.spec.slots = {{.name = "src",
                    .role = Role::kInput,
                    .shape = map_shape,
                    .dependence = Dependence::kKinked,
                    .kinks = [](const Attributes&) { return std::vector<double>{0}; }},
                   {.name = "slope", .role = Role::kInput, .shape = prelu_slope_shape},
                   {.name = "dst", .role = Role::kOutput, .shape = map_shape}};
  op.spec.cost = prelu_cost;
  op.spec.depth = prelu_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = elementwise_smoke_cases();
  op.spec.full_cases = elementwise_full_cases();
  op.spec.full_cases.push_back("mb=3,c=2,ih=60,iw=61");  // blocks of a channel
  op.spec.invalid_cases = elementwise_invalid_cases();
  op.implementations = prelu_simd_implementations();
  return op;
}

}  // namespace gradproof
