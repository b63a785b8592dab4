#include "ops/pool/max_pool.h"

#include "ops/pool/max_pool_simd.h"
#include "ops/pool/pool_spec.h"

namespace gradproof {
namespace {

std::optional<Shape> max_pool_src_shape(const Attributes& attributes) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  return a.window.in_shape(a.mb, a.c);
}
std::optional<Shape> max_pool_dst_shape(const Attributes& attributes) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  return a.window.out_shape(a.mb, a.c);
}
ElementType max_pool_argmax_type(const Attributes& attributes) { return max_pool_attributes(attributes).argmax_type(); }

void max_pool_validate(const Attributes& attributes) {
  require_pool("max_pool", max_pool_attributes(attributes).window);
}

// Least bytes: forward reads src and writes dst and argmax; the gradient reads argmax and diff_dst, never src.
Cost max_pool_cost(const Attributes& attributes, const Pass& pass) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  const auto src = static_cast<double>(a.mb * a.c * a.window.in_count());
  const auto dst = static_cast<double>(a.mb * a.c * a.window.out_count());
  const auto argmax = dst * static_cast<double>(element_size(a.argmax_type()));
  return {pass.is_forward() ? dst * static_cast<double>(a.window.taps()) : dst, 4 * (src + dst) + argmax};
}

// Forward selects and never rounds. diff_src sums the diff_dst of the windows that chose the element, and a sum of n
// terms rounds n - 1 times.
double max_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  if (pass.is_forward()) return 0;
  return static_cast<double>(windows_over_input(max_pool_attributes(attributes).window) - 1);
}

}  // namespace

MaxPoolAttributes max_pool_attributes(const Attributes& attributes) {
  return {attributes.integer("mb"), attributes.integer("c"), window_of(attributes)};
}

Operation max_pool_operation() {
  Operation op;
  op.spec.name = "max_pool";
  op.spec.family = "pool";
  op.spec.summary =
      "dst[n,c,o] = max over taps k of src[n,c,o*s-pad+k*d], argmax = the first such k, NaN wins, padding never; "
      "diff_src "
      "sums the diff_dst of the windows that chose the element (conventions of PyTorch's MaxPool)";
  op.spec.attributes = pool_attributes();
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = max_pool_src_shape, .dependence = Dependence::kKinked},
      {.name = "dst", .role = Role::kOutput, .shape = max_pool_dst_shape},
      {.name = "argmax", .role = Role::kSaved, .shape = max_pool_dst_shape, .type = max_pool_argmax_type}};
  op.spec.validate = max_pool_validate;
  op.spec.cost = max_pool_cost;
  op.spec.depth = max_pool_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=7,iw=9,k=3,s=2,p=1",
      "mb=1,c=2,ih=6,iw=8,k=2,s=2",
      "mb=1,c=2,iw=17,kw=3,sw=1,pw=1",
      "mb=1,c=2,id=4,ih=5,iw=6,kd=2,kh=3,kw=2,sd=2,sh=1,sw=2,ph=1",
  };
  op.spec.full_cases = pool_full_cases();
  op.spec.full_cases.push_back("mb=1,c=1,ih=131,iw=130,k=3,s=2,p=1");  // two bands, compared everywhere
  op.spec.invalid_cases = pool_invalid_cases();
  op.implementations = max_pool_simd_implementations();
  return op;
}

Operation min_pool_operation() {
  Operation op = max_pool_operation();  // but for the order of numbers
  op.spec.name = "min_pool";
  op.spec.summary =
      "dst[n,c,o] = min over taps k of src[n,c,o*s-pad+k*d], argmax = the first such k, NaN wins, padding never; "
      "diff_src sums the diff_dst of the windows that chose the element (-max_pool of -src)";
  op.spec.validate = [](const Attributes& attributes) { require_pool("min_pool", window_of(attributes)); };
  op.implementations = min_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
