#include "ops/pool/adaptive_max_pool.h"

#include "ops/pool/adaptive_max_pool_simd.h"

namespace gradproof {
namespace {

ElementType adaptive_max_pool_argmax_type(const Attributes& attributes) {
  return adaptive_argmax_type(adaptive_pool_attributes(attributes));
}

// The product over the axes of what f says about each.
template <class F>
double product(const AdaptivePoolAttributes& a, const F& f) {
  double result = 1;
  for (const AdaptiveAxis& axis : a.axes) result *= static_cast<double>(f(axis));
  return result;
}

// Least bytes: forward reads src and writes dst and argmax; the gradient reads argmax and diff_dst, never src.
Cost adaptive_max_pool_cost(const Attributes& attributes, const Pass& pass) {
  const AdaptivePoolAttributes a = adaptive_pool_attributes(attributes);
  const auto planes = static_cast<double>(a.mb * a.c);
  const double src = planes * product(a, [](const AdaptiveAxis& axis) { return axis.in; });
  const double dst = planes * product(a, [](const AdaptiveAxis& axis) { return axis.out; });
  const double seen = planes * product(a, [](const AdaptiveAxis& axis) { return axis.total(); });
  const auto argmax = static_cast<double>(element_size(adaptive_argmax_type(a)));
  return {pass.is_forward() ? seen : dst, 4 * src + (4 + argmax) * dst};
}

// Forward selects and never rounds. diff_src sums the diff_dst of the windows that hold the element, and a sum of n
// terms rounds n - 1 times.
double adaptive_max_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  if (pass.is_forward()) return 0;
  return product(adaptive_pool_attributes(attributes),
                 [](const AdaptiveAxis& axis) { return axis.windows_over_inputs().largest(); }) -
         1;
}

}  // namespace

ElementType adaptive_argmax_type(const AdaptivePoolAttributes& a) {
  const Index taps = a.axes[0].largest() * a.axes[1].largest() * a.axes[2].largest();
  return taps <= 255 ? ElementType::kUint8 : ElementType::kInt32;
}

Operation adaptive_max_pool_operation() {
  Operation op;
  op.spec.name = "adaptive_max_pool";
  op.spec.family = "pool";
  op.spec.summary =
      "dst[n,c,o] = max over floor(o*in/out) <= i < ceil((o+1)*in/out) of src[n,c,i], argmax = the first such i, "
      "counted "
      "in a box of the widest window, NaN wins; diff_src sums the diff_dst of the windows that chose the element (He, "
      "Zhang, Ren, Sun: Spatial pyramid pooling, arXiv:1406.4729, appendix A; PyTorch's AdaptiveMaxPool)";
  op.spec.attributes = adaptive_pool_attribute_specs();
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = adaptive_pool_src_shape, .dependence = Dependence::kKinked},
      {.name = "dst", .role = Role::kOutput, .shape = adaptive_pool_dst_shape},
      {.name = "argmax",
       .role = Role::kSaved,
       .shape = adaptive_pool_dst_shape,
       .type = adaptive_max_pool_argmax_type}};
  op.spec.cost = adaptive_max_pool_cost;
  op.spec.depth = adaptive_max_pool_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=7,iw=10,oh=3,ow=4",  // windows that overlap along both axes
      "mb=1,c=2,ih=6,iw=8,oh=3,ow=4",   // windows of 2 x 2
      "mb=2,c=2,iw=17,ow=5",
      "mb=1,c=2,id=4,ih=5,iw=6,od=3,oh=2,ow=4",
  };
  op.spec.full_cases = {
      "mb=1,c=2,ih=13,iw=13,oh=6,ow=6",          // AlexNet's last map to SPP-net's finest level
      "mb=1,c=2,ih=13,iw=12,oh=1,ow=1",          // global
      "mb=1,c=2,ih=5,iw=4,oh=5,ow=4",            // every element its own window
      "mb=1,c=2,ih=2,iw=3,oh=5,ow=7",            // more windows than inputs
      "mb=1,c=1,ih=7,iw=3,oh=2,ow=11",           // more along one axis only
      "mb=1,c=1,ih=9,iw=37,oh=2,ow=19",          // two vectors of windows and three
      "mb=1,c=1,ih=4,iw=40,oh=2,ow=8",           // a whole vector of windows, equal ones
      "mb=1,c=2,ih=12,iw=9,oh=4,ow=3",           // windows of 3 x 3
      "mb=1,c=1,ih=20,iw=33,oh=1,ow=2",          // 340 taps: an argmax is int32
      "mb=1,c=1,iw=515,ow=2",                    // 258 taps along one row
      "mb=1,c=35,ih=5,iw=1,oh=2,ow=1",           // 1-wide images
      "mb=3,c=2,iw=8,ow=4",                      // one dimension, equal windows
      "mb=1,c=2,id=4,ih=6,iw=8,od=2,oh=3,ow=4",  // windows of 2 x 2 x 2
      "mb=1,c=1,id=3,ih=7,iw=19,od=2,oh=3,ow=9",
      "mb=2,c=1,id=1,ih=4,iw=5,od=3,oh=3,ow=2",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,ih=8,iw=8,oh=2,ow=2", "mb"},
      {"mb=1,c=3,ih=8,iw=8,oh=2", "ow"},
      {"mb=1,c=3,ih=8,iw=8,oh=0,ow=2", "oh"},
      {"mb=1,c=3,iw=8,oh=2,ow=2", "oh is given but ih is not"},
      {"mb=1,c=3,ih=8,iw=8,oh=2.5,ow=2", "whole number"},
      {"mb=1,c=3,ih=8,iw=8,oh=2,ow=2,k=3", "unknown key 'k'"},
  };
  op.implementations = adaptive_max_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
