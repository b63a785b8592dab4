#include "ops/pool/max_unpool.h"

#include <algorithm>

#include "ops/pool/max_pool.h"
#include "ops/pool/max_unpool_simd.h"
#include "ops/pool/pool_spec.h"

namespace gradproof {
namespace {

constexpr Index kMostChoices = Index{1} << 24;

// The window is that of the max_pool: from dst, its input, to src, its output.
std::optional<Shape> max_unpool_dst_shape(const Attributes& attributes) {
  return window_of(attributes).in_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> max_unpool_src_shape(const Attributes& attributes) {
  return window_of(attributes).out_shape(attributes.integer("mb"), attributes.integer("c"));
}
ElementType max_unpool_argmax_type(const Attributes& attributes) {
  return max_pool_attributes(attributes).argmax_type();
}

// Least bytes: src, or its gradient, and argmax, and dst in whole forward; back only the elements of diff_dst that
// windows ask for.
Cost max_unpool_cost(const Attributes& attributes, const Pass& pass) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  const auto planes = static_cast<double>(a.mb * a.c);
  const double src = planes * static_cast<double>(a.window.out_count());
  const double dst = planes * static_cast<double>(a.window.in_count());
  const double argmax = src * static_cast<double>(element_size(a.argmax_type()));
  return {pass.is_forward() ? src : 0, 4 * (src + (pass.is_forward() ? dst : std::min(src, dst))) + argmax};
}

// A sum of n values rounds n - 1 times; the gradient is a copy.
double max_unpool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  return pass.is_forward() ? static_cast<double>(windows_over_input(window_of(attributes)) - 1) : 0;
}

}  // namespace

Operation max_unpool_operation() {
  Operation op;
  op.spec.name = "max_unpool";
  op.spec.family = "pool";
  op.spec.summary =
      "dst[n,c,i] = sum of src[n,c,o] over the windows o whose tap argmax[n,c,o] falls on i (the transpose of "
      "max_pool; "
      "where windows do not overlap PyTorch's MaxUnpool); diff_src[n,c,o] = diff_dst at that place, 0 where the tap is "
      "on padding";
  op.spec.attributes = pool_attributes();
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = max_unpool_src_shape, .axes = {"n", "c", "oh", "ow"}},
      {.name = "argmax",
       .role = Role::kInput,
       .shape = max_unpool_src_shape,
       .differentiable = false,
       .type = max_unpool_argmax_type,
       .choices = [](const Attributes& a) { return std::min(window_of(a).taps(), kMostChoices); },
       .axes = {"n", "c", "oh", "ow"}},
      {.name = "dst", .role = Role::kOutput, .shape = max_unpool_dst_shape, .axes = {"n", "c", "ih", "iw"}}};
  op.spec.validate = [](const Attributes& attributes) { require_pool("max_unpool", window_of(attributes)); };
  op.spec.cost = max_unpool_cost;
  op.spec.depth = max_unpool_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = pool_smoke_cases();
  op.spec.full_cases = pool_full_cases();
  op.spec.invalid_cases = pool_invalid_cases();
  op.implementations = max_unpool_simd_implementations();
  return op;
}

}  // namespace gradproof
