#include "ops/pool/linear_pool.h"

#include "ops/core/error.h"
#include "ops/pool/linear_pool_simd.h"
#include "ops/pool/pool_spec.h"

namespace gradproof {
namespace {

constexpr Index kLargestDivisor = Index{1} << 24;  // whole numbers up to here are exact in float32

std::optional<Shape> linear_pool_src_shape(const Attributes& attributes) {
  return window_of(attributes).in_shape(attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> linear_pool_dst_shape(const Attributes& attributes) {
  return window_of(attributes).out_shape(attributes.integer("mb"), attributes.integer("c"));
}

// Least bytes: each element is read or written once. As many operations as taps: a sum of n terms takes n - 1
// additions, and a division makes it an average.
Cost linear_pool_cost(const Attributes& attributes, const Pass&) {
  const Window window = window_of(attributes);
  const auto planes = static_cast<double>(attributes.integer("mb") * attributes.integer("c"));
  const double src = planes * static_cast<double>(window.in_count());
  const double dst = planes * static_cast<double>(window.out_count());
  return {dst * static_cast<double>(window.taps()), 4 * (src + dst)};
}

// A sum of n terms rounds n - 1 times: forward the taps of a window, in the gradient the windows that see an input.
double linear_pool_sum_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const Window window = window_of(attributes);
  return static_cast<double>((pass.is_forward() ? window.taps() : windows_over_input(window)) - 1);
}

// And the quotient once; the divisor is exact.
double linear_pool_average_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  return linear_pool_sum_depth(attributes, pass, slot) + 1;
}

// The taps of each window along the axis that fall on the input or, if padding counts, on what is padded: those that
// overhang it with ceil_mode never count.
std::vector<float> tap_counts(const WindowAxis& axis, bool include_pad) {
  std::vector<float> counts;
  for (Index o = 0; o < axis.out(); ++o) {
    Index count = 0;
    for (Index k = 0; k < axis.kernel; ++k) {
      const Index i = o * axis.stride - axis.pad_lo + k * axis.dilation;
      if (include_pad ? i < axis.in + axis.pad_hi : i >= 0 && i < axis.in) ++count;
    }
    counts.push_back(static_cast<float>(count));
  }
  return counts;
}

Spec linear_spec() {
  Spec spec;
  spec.family = "pool";
  spec.attributes = pool_attributes();
  spec.slots = {{.name = "src", .role = Role::kInput, .shape = linear_pool_src_shape},
                {.name = "dst", .role = Role::kOutput, .shape = linear_pool_dst_shape}};
  spec.cost = linear_pool_cost;
  spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  spec.smoke_cases = pool_smoke_cases();
  spec.full_cases = pool_full_cases();
  spec.invalid_cases = pool_invalid_cases();
  return spec;
}

}  // namespace

std::array<std::vector<float>, 3> LinearPoolAttributes::divisors() const {
  std::array<std::vector<float>, 3> result;
  for (size_t axis = 0; axis < 3; ++axis)
    result[axis] = divisor == 0 ? tap_counts(window.axes[axis], count_include_pad)
                                : std::vector<float>(static_cast<size_t>(window.axes[axis].out()), 1.0F);
  if (divisor != 0) std::fill(result[2].begin(), result[2].end(), static_cast<float>(divisor));
  return result;
}

LinearPoolAttributes linear_pool_attributes(const Attributes& attributes) {
  LinearPoolAttributes a{attributes.integer("mb"), attributes.integer("c"), window_of(attributes)};
  a.average = attributes.has("divisor");
  if (a.average) {
    a.count_include_pad = attributes.flag("count_include_pad");
    a.divisor = attributes.integer("divisor");
  }
  return a;
}

Operation avg_pool_operation() {
  Operation op;
  op.spec = linear_spec();
  op.spec.name = "avg_pool";
  op.spec.summary =
      "dst[n,c,o] = 1/divisor[o] * sum over taps k inside of src[n,c,o*s-pad+k*d], divisor = taps on input and padding "
      "(count_include_pad=0: on input), or the one given; diff_src sums diff_dst / divisor of the windows that see the "
      "element (conventions of PyTorch's AvgPool)";
  op.spec.attributes.push_back(
      flag_attribute("count_include_pad", "taps on padding, though not beyond, count towards the divisor", true));
  AttributeSpec divisor = integer_attribute("divisor", "divide by this; 0: by the taps that count", 0, 0);
  divisor.shorthands = {"divisor_override"};
  op.spec.attributes.push_back(std::move(divisor));
  op.spec.validate = [](const Attributes& attributes) {
    require_pool("avg_pool", window_of(attributes));
    if (attributes.integer("divisor") > kLargestDivisor)
      refuse("avg_pool: divisor={} must be at most 2^24 = {}: up to there float32 holds every whole number",
             attributes.integer("divisor"), kLargestDivisor);
  };
  op.spec.depth = linear_pool_average_depth;
  for (const char* text :
       {"mb=1,c=2,ih=6,iw=6,k=3,s=2,p=1,ceil_mode=1,count_include_pad=0", "mb=1,c=2,ih=5,iw=11,k=3,p=1,divisor=7"})
    op.spec.smoke_cases.emplace_back(text);
  for (const char* text : {
           "mb=1,c=2,ih=5,iw=35,k=3,s=1,p=1,count_include_pad=0",         // dense rows
           "mb=1,c=1,ih=9,iw=35,k=3,s=2,p=1,count_include_pad=0",         // two vectors of outputs and two
           "mb=1,c=2,ih=6,iw=7,k=3,ph_hi=1,pw_lo=1,count_include_pad=0",  // one-sided padding
           "mb=1,c=2,ih=7,iw=6,k=4,s=2,ph_lo=2,pw_hi=1,ceil_mode=1,count_include_pad=0",
           "mb=1,c=2,ih=9,iw=10,k=3,s=2,p=2,d=2,count_include_pad=0",  // dilation
           "mb=2,c=3,iw=9,kw=4,sw=3,pw_lo=2,ceil_mode=1,count_include_pad=0",
           "mb=1,c=2,id=5,ih=4,iw=7,k=3,s=2,p=1,ceil_mode=1,count_include_pad=0",
           "mb=2,c=2,id=3,ih=5,iw=6,kd=2,kh=3,kw=2,sd=1,sh=2,sw=2,p=1,divisor=5",
           "mb=1,c=2,ih=8,iw=9,k=2,s=2,ceil_mode=1,divisor=3,count_include_pad=0",  // the divisor given goes before
           "mb=1,c=1,ih=131,iw=40,k=3,s=2,p=1,count_include_pad=0",  // bands, of which the last has another divisor
       })
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,divisor=-1", "divisor"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,divisor=16777217", "2^24"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,count_include_pad=2", "count_include_pad"});
  op.implementations = linear_pool_simd_implementations();
  return op;
}

Operation sum_pool_operation() {
  Operation op;
  op.spec = linear_spec();
  op.spec.name = "sum_pool";
  op.spec.summary =
      "dst[n,c,o] = sum over taps k inside of src[n,c,o*s-pad+k*d]; diff_src sums the diff_dst of the windows that see "
      "the element (avg_pool that does not divide)";
  op.spec.validate = [](const Attributes& attributes) { require_pool("sum_pool", window_of(attributes)); };
  op.spec.depth = linear_pool_sum_depth;
  op.spec.exact_on_integers = true;
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,divisor=9", "unknown key 'divisor'"});
  op.implementations = linear_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
