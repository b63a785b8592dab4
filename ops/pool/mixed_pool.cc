#include "ops/pool/mixed_pool.h"

#include "ops/pool/max_pool.h"
#include "ops/pool/mixed_pool_simd.h"
#include "ops/pool/pool_spec.h"

namespace gradproof {
namespace {

std::optional<Shape> mixed_pool_src_shape(const Attributes& attributes) {
  return window_of(attributes).in_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> mixed_pool_dst_shape(const Attributes& attributes) {
  return window_of(attributes).out_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> one(const Attributes&) { return Shape{1}; }
ElementType mixed_pool_argmax_type(const Attributes& attributes) {
  return max_pool_attributes(attributes).argmax_type();
}

// Least bytes: forward reads src and writes dst and argmax; the gradient of src reads argmax and diff_dst and writes
// diff_src; that of a reads src and diff_dst. A window's maximum and sum take as many operations as taps, less one
// each; then come a quotient and the mix.
Cost mixed_pool_cost(const Attributes& attributes, const Pass& pass) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  const auto planes = static_cast<double>(a.mb * a.c);
  const double src = planes * static_cast<double>(a.window.in_count());
  const double dst = planes * static_cast<double>(a.window.out_count());
  const auto taps = static_cast<double>(a.window.taps());
  const double argmax = pass.slot == "a" ? 0 : dst * static_cast<double>(element_size(a.argmax_type()));
  return {dst * (pass.slot == "src" ? taps + 3 : 2 * taps + 2), 4 * (src + dst + 1) + argmax};
}

// The average of a window rounds as often as it has taps, 1 - a once, their product once, and the sum with a * maximum
// once. diff_src has two terms of a window that sees the input, the longer of which rounds three times. diff_a sums the
// products of diff_dst and a difference with an average.
double mixed_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const Window window = window_of(attributes);
  const Index windows = attributes.integer("mb") * attributes.integer("c") * window.out_count();
  if (pass.is_forward()) return static_cast<double>(window.taps() + 3);
  if (pass.slot == "src") return static_cast<double>(3 + 2 * windows_over_input(window) - 1);
  return static_cast<double>(window.taps() + 2 + windows - 1);
}

}  // namespace

Operation mixed_pool_operation() {
  Operation op;
  op.spec.name = "mixed_pool";
  op.spec.family = "pool";
  op.spec.summary =
      "dst[n,c,o] = a * max over taps k inside of src[n,c,o*s-pad+k*d] + (1 - a) * their average, one a learned for "
      "all, "
      "padding in neither; argmax = the first such k, NaN wins (Lee, Gallagher, Tu: Generalizing pooling functions, "
      "arXiv:1509.08985, section 3.1)";
  op.spec.attributes = pool_attributes();
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = mixed_pool_src_shape, .dependence = Dependence::kKinked},
      {.name = "a", .role = Role::kInput, .shape = one},
      {.name = "dst", .role = Role::kOutput, .shape = mixed_pool_dst_shape},
      {.name = "argmax", .role = Role::kSaved, .shape = mixed_pool_dst_shape, .type = mixed_pool_argmax_type}};
  op.spec.validate = [](const Attributes& attributes) { require_pool("mixed_pool", window_of(attributes)); };
  op.spec.cost = mixed_pool_cost;
  op.spec.depth = mixed_pool_depth;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = pool_smoke_cases();
  op.spec.full_cases = pool_full_cases();
  op.spec.invalid_cases = pool_invalid_cases();
  op.implementations = mixed_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
