#include "ops/pool/adaptive_avg_pool.h"

#include "ops/core/error.h"
#include "ops/pool/adaptive_avg_pool_simd.h"

namespace gradproof {
namespace {

constexpr double kLargestWindow = 0x1p24;  // whole numbers up to here are exact in float32

// Least bytes: each element is read or written once. A sum for each element of a window but the first, and a quotient.
Cost adaptive_avg_pool_cost(const Attributes& attributes, const Pass&) {
  const AdaptivePoolAttributes a = adaptive_pool_attributes(attributes);
  const auto planes = static_cast<double>(a.mb * a.c);
  double flops = planes, src = planes, dst = planes;
  for (const AdaptiveAxis& axis : a.axes) {
    flops *= static_cast<double>(axis.total());
    src *= static_cast<double>(axis.in);
    dst *= static_cast<double>(axis.out);
  }
  return {flops, 4 * (src + dst)};
}

// Sums of n terms round n - 1 times, quotients once: of the elements of a window, or the windows over an input.
double adaptive_avg_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  Index terms = 1;
  for (const AdaptiveAxis& axis : adaptive_pool_attributes(attributes).axes)
    terms *= pass.is_forward() ? axis.largest() : axis.windows_over_inputs().largest();
  return static_cast<double>(terms);
}

void adaptive_avg_pool_validate(const Attributes& attributes) {
  double elements = 1;
  for (const AdaptiveAxis& axis : adaptive_pool_attributes(attributes).axes)
    elements *= static_cast<double>(axis.in / axis.out + 2);
  if (elements > kLargestWindow)
    refuse(
        "adaptive_avg_pool: a window may hold {} elements, more than 2^24, up to where float32 holds every whole "
        "number; ask for more outputs",
        elements);
}

}  // namespace

Operation adaptive_avg_pool_operation() {
  Operation op;
  op.spec.name = "adaptive_avg_pool";
  op.spec.family = "pool";
  op.spec.summary =
      "dst[n,c,o] = 1/m[o] * sum over the m[o] inputs i of window o of src[n,c,i], floor(o*in/out) <= i < "
      "ceil((o+1)*in/out) on each axis; diff_src sums diff_dst / m of the windows that hold the element (conventions "
      "of "
      "PyTorch's AdaptiveAvgPool)";
  op.spec.attributes = adaptive_pool_attribute_specs();
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = adaptive_pool_src_shape},
                   {.name = "dst", .role = Role::kOutput, .shape = adaptive_pool_dst_shape}};
  op.spec.validate = adaptive_avg_pool_validate;
  op.spec.cost = adaptive_avg_pool_cost;
  op.spec.depth = adaptive_avg_pool_depth;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=7,iw=9,oh=3,ow=4",  // windows that overlap
      "mb=1,c=2,ih=6,iw=8,o=2",        // and that do not
      "mb=1,c=2,iw=17,ow=5",
      "mb=1,c=2,id=4,ih=5,iw=6,od=3,oh=2,ow=5",
  };
  op.spec.full_cases = {
      "mb=1,c=2,ih=13,iw=13,o=6",        // windows of 3 and 4, as in spatial pyramids
      "mb=1,c=3,ih=5,iw=7,o=1",          // one window: global
      "mb=2,c=2,ih=5,iw=7,oh=5,ow=7",    // one element a window
      "mb=1,c=2,ih=3,iw=4,oh=7,ow=9",    // more windows than elements
      "mb=1,c=1,ih=4,iw=37,oh=2,ow=19",  // two vectors of windows and some
      "mb=1,c=1,ih=9,iw=33,oh=4,ow=32",  // windows of two
      "mb=1,c=1,ih=35,iw=6,oh=12,ow=5",  // high and narrow
      "mb=1,c=35,ih=3,iw=3,o=2",         // channels beyond two vectors
      "mb=1,c=2,ih=1,iw=1,oh=2,ow=3",    // one element
      "mb=3,c=2,ih=8,iw=1,oh=3,ow=1",    // 1-wide images
      "mb=1,c=1,iw=300,ow=7",            // long windows
      "mb=2,c=1,iw=9,ow=35",
      "mb=1,c=1,id=7,ih=3,iw=10,od=2,oh=3,ow=3",
      "mb=2,c=2,id=2,ih=5,iw=4,od=3,oh=1,ow=7",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,ih=8,iw=8,o=2", "mb"},
      {"mb=1,c=3,ih=8,iw=8", "oh"},
      {"mb=1,c=3,ih=8,iw=8,oh=2", "ow"},
      {"mb=1,c=3,ih=8,iw=8,o=0", "oh"},
      {"mb=1,c=3,iw=8,oh=2,ow=2", "ih"},
      {"mb=1,c=3,ih=5000,iw=5000,o=1", "2^24"},
      {"mb=1,c=3,ih=8,iw=8,o=2,k=3", "unknown key 'k'"},
  };
  op.implementations = adaptive_avg_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
