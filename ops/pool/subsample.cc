#include "ops/pool/subsample.h"

#include "ops/core/window.h"
#include "ops/pool/pool_spec.h"
#include "ops/pool/subsample_simd.h"

namespace gradproof {
namespace {

std::optional<Shape> subsample_src_shape(const Attributes& attributes) {
  return window_of(attributes).in_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> subsample_dst_shape(const Attributes& attributes) {
  return window_of(attributes).out_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> channels(const Attributes& attributes) { return Shape{attributes.integer("c")}; }

// Least bytes: forward reads src and writes dst; the gradient of src reads diff_dst and writes diff_src; that of the
// coefficient reads src and diff_dst, that of the bias diff_dst. A window sum takes as many operations as taps, less
// one; then come a product and a sum.
Cost subsample_cost(const Attributes& attributes, const Pass& pass) {
  const Window window = window_of(attributes);
  const auto c = static_cast<double>(attributes.integer("c"));
  const double planes = static_cast<double>(attributes.integer("mb")) * c;
  const double src = planes * static_cast<double>(window.in_count());
  const double dst = planes * static_cast<double>(window.out_count());
  if (pass.slot == "bias") return {dst, 4 * (dst + c)};
  const double vectors = pass.is_forward() ? 2 * c : c;
  return {dst * static_cast<double>(window.taps() + 1), 4 * (src + dst + vectors)};
}

// A window sum rounds taps - 1 times, its product with the coefficient and the sum with the bias once each. diff_src
// sums the products of the windows that see an input, diff_coefficient those of window sums with diff_dst, diff_bias
// diff_dst itself.
double subsample_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const Window window = window_of(attributes);
  const Index taps = window.taps();
  const Index terms = attributes.integer("mb") * window.out_count();
  if (pass.is_forward()) return static_cast<double>(taps + 1);
  if (pass.slot == "src") return static_cast<double>(windows_over_input(window));
  if (pass.slot == "coefficient") return static_cast<double>(taps - 1 + terms);
  return static_cast<double>(terms - 1);
}

}  // namespace

Operation subsample_operation() {
  Operation op;
  op.spec.name = "subsample";
  op.spec.family = "pool";
  op.spec.summary =
      "dst[n,c,o] = coefficient[c] * sum over taps k inside of src[n,c,o*s-pad+k*d] + bias[c], coefficient and bias "
      "learned (LeCun, Bottou, Bengio, Haffner 1998, section II.B, without the sigmoid)";
  op.spec.attributes = pool_attributes();
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = subsample_src_shape},
                   {.name = "coefficient", .role = Role::kInput, .shape = channels},
                   {.name = "bias", .role = Role::kInput, .shape = channels},
                   {.name = "dst", .role = Role::kOutput, .shape = subsample_dst_shape}};
  op.spec.validate = [](const Attributes& attributes) { require_pool("subsample", window_of(attributes)); };
  op.spec.cost = subsample_cost;
  op.spec.depth = subsample_depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = pool_smoke_cases();
  op.spec.full_cases = pool_full_cases();
  op.spec.full_cases.emplace_back("mb=2,c=3,iw=7,kw=1,sw=1");                 // one dimension, one tap
  op.spec.full_cases.emplace_back("mb=3,c=2,id=3,ih=5,iw=2,kd=2,kh=1,kw=1");  // taps along depth alone
  op.spec.invalid_cases = pool_invalid_cases();
  op.implementations = subsample_simd_implementations();
  return op;
}

}  // namespace gradproof
