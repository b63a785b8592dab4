#include "ops/pool/max_pool.h"

#include "ops/pool/max_pool_simd.h"
#include "ops/pool/pool_spec.h"

namespace gradproof {
namespace {

std::optional<Shape> src_shape(const Attributes& attributes) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  return a.window.in_shape(a.mb, a.c);
}
std::optional<Shape> dst_shape(const Attributes& attributes) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  return a.window.out_shape(a.mb, a.c);
}
ElementType argmax_type(const Attributes& attributes) { return max_pool_attributes(attributes).argmax_type(); }

void validate(const Attributes& attributes) { require_pool("max_pool", max_pool_attributes(attributes).window); }

// Least bytes: forward reads src and writes dst and argmax; the gradient reads argmax and diff_dst, never src.
Cost cost(const Attributes& attributes, const Pass& pass) {
  const MaxPoolAttributes a = max_pool_attributes(attributes);
  const auto src = static_cast<double>(a.mb * a.c * a.window.in_count());
  const auto dst = static_cast<double>(a.mb * a.c * a.window.out_count());
  const auto argmax = dst * static_cast<double>(element_size(a.argmax_type()));
  return {pass.is_forward() ? dst * static_cast<double>(a.window.taps()) : dst, 4 * (src + dst) + argmax};
}

// Forward selects and never rounds. diff_src sums the diff_dst of the windows that chose the element, and a sum of n
// terms rounds n - 1 times.
double depth(const Attributes& attributes, const Pass& pass, std::string_view) {
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
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = src_shape, .dependence = Dependence::kKinked},
                   {.name = "dst", .role = Role::kOutput, .shape = dst_shape},
                   {.name = "argmax", .role = Role::kSaved, .shape = dst_shape, .type = argmax_type}};
  op.spec.validate = validate;
  op.spec.cost = cost;
  op.spec.depth = depth;
  op.spec.exact_on_integers = true;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=7,iw=9,k=3,s=2,p=1",
      "mb=1,c=2,ih=6,iw=8,k=2,s=2",
      "mb=1,c=2,iw=17,kw=3,sw=1,pw=1",
      "mb=1,c=2,id=4,ih=5,iw=6,kd=2,kh=3,kw=2,sd=2,sh=1,sw=2,ph=1",
  };
  op.spec.full_cases = {
      "mb=1,c=2,ih=7,iw=5,k=2,s=2",                                    // the stride divides neither size
      "mb=1,c=2,ih=8,iw=9,k=2,s=2,ceil_mode=1",                        // overhang in one axis only
      "mb=1,c=1,ih=9,iw=33,k=2,s=2,ceil_mode=1",                       // two vectors and one
      "mb=1,c=2,ih=6,iw=6,k=3,s=2,p=1,ceil_mode=1",                    // overhang beyond the padding
      "mb=1,c=1,ih=5,iw=67,k=3,s=2,p=1",                               // two vectors of outputs and two
      "mb=1,c=1,ih=35,iw=6,k=3,s=2,p=1",                               // high and narrow
      "mb=1,c=2,ih=5,iw=35,k=3,s=1,p=1",                               // dense rows
      "mb=2,c=2,ih=11,iw=8,kh=3,kw=2,sh=2,sw=3",                       // strides unlike each other
      "mb=1,c=2,ih=8,iw=11,kh=2,kw=4,sh=3,sw=1,pw=2",                  // more columns than rows
      "mb=1,c=2,ih=9,iw=10,k=3,s=2,p=2,d=2",                           // dilation with stride
      "mb=1,c=1,ih=12,iw=11,kh=2,kw=3,sh=3,sw=2,ph=1,pw=2,dh=3,dw=2",  // dilation beyond the kernel
      "mb=1,c=2,ih=6,iw=7,k=3,ph_lo=0,ph_hi=1,pw_lo=1,pw_hi=0",        // one-sided padding
      "mb=1,c=2,ih=7,iw=6,k=4,s=2,ph_lo=2,pw_hi=1,ceil_mode=1",        // one-sided with overhang
      "mb=2,c=2,ih=7,iw=1,kh=3,kw=1,sh=2,ph=1",                        // 1-wide images
      "mb=1,c=3,ih=1,iw=9,kh=1,kw=3,sw=2,pw=1",
      "mb=1,c=3,ih=4,iw=5,kh=4,kw=5",   // one window
      "mb=1,c=2,ih=5,iw=6,k=1,s=2",     // one tap
      "mb=1,c=1,ih=18,iw=19,k=16,s=2",  // 256 taps: argmax is int32
      "mb=1,c=1,iw=261,kw=257,sw=2",    // 257 taps along one row
      "mb=1,c=35,ih=3,iw=3,k=3",        // channels beyond two vectors
      "mb=2,c=3,iw=9,kw=4,sw=3,pw_lo=2,ceil_mode=1",
      "mb=1,c=2,id=5,ih=4,iw=7,k=3,s=2,p=1",
      "mb=1,c=1,id=3,ih=4,iw=5,k=2,s=1,d=2,dd=1,ph=1",
      "mb=3,c=1,id=2,ih=3,iw=4,k=2,s=2,ceil_mode=1",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,ih=8,iw=8,k=3", "mb"},
      {"mb=1,c=3,ih=8,iw=8,kh=3", "kw"},
      {"mb=1,c=3,ih=8,iw=8,k=3,s=0", "sh"},
      {"mb=1,c=3,ih=8,iw=8,k=3,p=2", "half"},
      {"mb=1,c=3,ih=8,iw=8,k=3,ph_hi=2", "half"},
      {"mb=1,c=3,ih=4,iw=8,k=7", "larger than the padded input"},
      {"mb=1,c=3,ih=4,iw=8,k=3,dh=2", "larger than the padded input"},
      {"mb=1,c=3,iw=1,kw=2,dw=4,pw=2", "nothing but padding"},
      {"mb=1,c=3,ih=8,iw=8,k=3,ceil_mode=2", "ceil_mode"},
      {"mb=1,c=3,ih=8,iw=8,k=3,oc=2", "unknown key 'oc'"},
  };
  op.implementations = max_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
