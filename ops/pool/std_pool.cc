#include "ops/pool/std_pool.h"

#include <algorithm>

#include "ops/core/error.h"
#include "ops/core/window.h"
#include "ops/pool/geometry.h"
#include "ops/pool/pool_spec.h"
#include "ops/pool/std_pool_simd.h"

namespace gradproof {
namespace {

// Taps of the window along an axis that has the fewest within the input; only windows at the ends have fewer than all.
Index fewest_taps(const PoolAxis& axis) {
  Index fewest = axis.kernel;
  for (Index o = 0; o < axis.out && axis.input_of(o, 0) < 0; ++o) fewest = std::min(fewest, axis.taps_inside(o));
  for (Index o = axis.out - 1; o >= 0 && axis.input_of(o, axis.kernel - 1) >= axis.in; --o)
    fewest = std::min(fewest, axis.taps_inside(o));
  return fewest;
}

// Elements of the smallest window: padding has no part in it.
Index fewest_elements(const Window& window) {
  Index fewest = 1;
  for (const WindowAxis& axis : window.axes) fewest *= fewest_taps(PoolAxis(axis));
  return fewest;
}

// Least bytes: each element is read or written once. A window takes a sum for each tap, and a difference, a product and
// a sum; its gradient both again, and a difference, a product and a sum for each tap.
Cost std_pool_cost(const Attributes& attributes, const Pass& pass) {
  const Window window = window_of(attributes);
  const auto planes = static_cast<double>(attributes.integer("mb") * attributes.integer("c"));
  const double src = planes * static_cast<double>(window.in_count());
  const double dst = planes * static_cast<double>(window.out_count());
  const double products = dst * static_cast<double>(window.taps());
  if (pass.is_forward()) return {4 * products, 4 * (src + dst)};
  return {7 * products, 4 * (2 * src + dst)};
}

// (x - x_0) / s is 3 roundings deep and its mean taps + 3, their difference one more; squares, sums, quotient and root,
// and then the product with s. The gradient divides that difference by divisor times deviation, multiplies it by
// diff_dst and sums windows.
double std_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const Window window = window_of(attributes);
  const auto taps = static_cast<double>(window.taps());
  const double centred = taps + 4;
  const double deviation = 2 * centred + 1 + taps - 1 + 2;
  if (pass.is_forward()) return deviation + 2;
  return centred + (deviation + 1) + 1 + 1 + static_cast<double>(windows_over_input(window));
}

}  // namespace

Operation std_pool_operation() {
  Operation op;
  op.spec = windowed_spec();
  op.spec.name = "std_pool";
  op.spec.summary =
      "dst[n,c,o] = sqrt(1/m * sum over the m taps k inside of (src[n,c,o*s-pad+k*d] - mean)^2), 1/(m-1) with "
      "unbiased=1; diff_src sums diff_dst * (src - mean) / (m * dst) of the windows that see the element, 0 of windows "
      "of equal elements";
  op.spec.attributes.push_back(flag_attribute("unbiased", "divide by the elements of a window less one", false));
  op.spec.slots[0].dependence = Dependence::kSmooth;
  op.spec.validate = [](const Attributes& attributes) {
    const Window window = window_of(attributes);
    require_pool("std_pool", window);
    if (attributes.flag("unbiased") && fewest_elements(window) < 2)
      refuse(
          "std_pool: a window sees one element only, which has no unbiased deviation; use unbiased=0, a larger "
          "kernel or less padding");
  };
  op.spec.cost = std_pool_cost;
  op.spec.depth = std_pool_depth;
  op.spec.smoke_cases.emplace_back("mb=1,c=2,ih=5,iw=11,k=3,p=1,unbiased=1");
  for (const char* text : {
           "mb=1,c=2,ih=5,iw=35,k=3,s=1,p=1,unbiased=1", "mb=2,c=3,iw=9,kw=4,sw=3,pw_lo=2,unbiased=1",
           "mb=1,c=1,ih=9,iw=10,k=3,s=2,p=2,d=2,unbiased=1",
           "mb=1,c=2,ih=7,iw=6,k=4,s=2,ph_lo=2,pw_hi=1,ceil_mode=1,unbiased=1",
           "mb=1,c=2,id=5,ih=4,iw=7,k=3,s=2,p=1,unbiased=1",
           "mb=2,c=2,iw=37,kw=37",                             // a row's deviation
           "mb=1,c=2,iw=41,kw=7,sw=2,pw_lo=3",                 // an input before the first pair of vectors
           "mb=1,c=1,id=2,ih=30,iw=1200,kd=1,kh=2,kw=1,dh=7",  // bands of rows that windows reach far beyond
       })
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=1,unbiased=1", "one element"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,iw=8,kw=2,pw=1,unbiased=1", "one element"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,unbiased=2", "unbiased"});
  op.implementations = std_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
