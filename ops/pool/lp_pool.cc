#include "ops/pool/lp_pool.h"

#include "ops/core/error.h"
#include "ops/core/window.h"
#include "ops/pool/lp_pool_simd.h"
#include "ops/pool/pool_spec.h"

namespace gradproof {
namespace {

// Beyond, 2^(1/norm) differs from 1 by less than 1e-3: a maximum.
constexpr double kLargestNorm = 1024;

constexpr double kPowerFlops = 40;  // a logarithm and an exponential, polynomials of some 10 terms and their reductions

// Least bytes: each element is read or written once. A window takes a power and a sum for each tap, and a root; its
// gradient the window's norm again, and as much.
Cost lp_pool_cost(const Attributes& attributes, const Pass& pass) {
  const Window window = window_of(attributes);
  const double norm = attributes.real("norm");
  const auto planes = static_cast<double>(attributes.integer("mb") * attributes.integer("c"));
  const double src = planes * static_cast<double>(window.in_count());
  const double dst = planes * static_cast<double>(window.out_count());
  const double power = norm == 1 ? 0 : norm == 2 ? 1 : kPowerFlops;
  const double forward = dst * (static_cast<double>(window.taps()) * (1 + power) + power);
  return {pass.is_forward() ? forward : 2 * forward, 4 * (pass.is_forward() ? src + dst : 2 * src + dst)};
}

// Roundings of logarithm and exponential, each within two ulps, and of what an exponent multiplies, which float32 may
// not hold.
constexpr double kLog = 4, kExp = 4, kExponent = 2;

// The norm of |x| / M, each a rounding deep: powers, taps - 1 sums, and the root.
double relative_depth(const Window& window, double norm) {
  const auto sums = static_cast<double>(window.taps() - 1);
  if (norm == 2) return 3 + sums + 1;
  return (1 + kLog + kExponent + kExp) + sums + (kLog + kExponent + kExp);
}

// Forward the norm times M. The gradient: |x| / M by the norm, its power, the product with diff_dst, and sums of
// windows. At p = 1 sums alone.
double lp_pool_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const Window window = window_of(attributes);
  const double norm = attributes.real("norm");
  const auto windows = static_cast<double>(windows_over_input(window));
  if (norm == 1) return pass.is_forward() ? static_cast<double>(window.taps()) : windows;
  const double relative = relative_depth(window, norm);
  if (pass.is_forward()) return relative + 1;
  const double power = norm == 2 ? 0 : kLog + kExponent + kExp;
  return 1 + relative + 1 + power + 1 + windows;
}

}  // namespace

Operation lp_pool_operation() {
  Operation op;
  op.spec = windowed_spec();
  op.spec.name = "lp_pool";
  op.spec.summary =
      "dst[n,c,o] = (sum over taps k inside of |src[n,c,o*s-pad+k*d]|^p)^(1/p); diff_src sums diff_dst * sign(src) * "
      "(|src|/dst)^(p-1) of the windows that see the element, 0 of windows of zeros (Sermanet, Chintala, LeCun 2012, "
      "arXiv:1204.3968, section 2.2)";
  op.spec.attributes.push_back(real_attribute("norm", "p of the norm", 2, 1));
  // Smooth but for windows of zeros and, at p = 1, zeros; for p between 1 and 2 a derivative of higher order grows
  // towards 0, which a small step of low order stands less well than a fourth-order one.
  op.spec.slots[0].dependence = Dependence::kSmooth;
  op.spec.validate = [](const Attributes& attributes) {
    require_pool("lp_pool", window_of(attributes));
    if (attributes.real("norm") > kLargestNorm)
      refuse("lp_pool: norm={} must be at most {}; beyond it is a maximum, which max_pool takes",
             attributes.real("norm"), kLargestNorm);
  };
  op.spec.cost = lp_pool_cost;
  op.spec.depth = lp_pool_depth;
  for (const char* text : {
           "mb=2,c=3,ih=7,iw=9,k=3,s=2,p=1,norm=1",
           "mb=1,c=2,ih=5,iw=11,k=3,p=1,norm=2.5",
           "mb=1,c=1,ih=4,iw=5,k=2,norm=1.5",
       })
    op.spec.smoke_cases.emplace_back(text);
  for (const char* text : {
           "mb=1,c=2,ih=5,iw=35,k=3,s=1,p=1,norm=1",
           "mb=1,c=2,ih=7,iw=6,k=4,s=2,ph_lo=2,pw_hi=1,ceil_mode=1,norm=1",
           "mb=1,c=1,ih=12,iw=11,kh=2,kw=3,sh=3,sw=2,ph=1,pw=2,dh=3,dw=2,norm=1",
           "mb=2,c=3,iw=9,kw=4,sw=3,pw_lo=2,ceil_mode=1,norm=2.5",
           "mb=1,c=2,ih=6,iw=7,k=3,ph_lo=0,ph_hi=1,pw_lo=1,pw_hi=0,norm=1.5",
           "mb=1,c=1,ih=5,iw=10,k=3,s=2,p=2,d=2,norm=2.5",
           "mb=1,c=1,id=3,ih=4,iw=5,k=2,s=1,dd=1,norm=2.5",
           "mb=1,c=1,iw=9,kw=1,sw=2,norm=3",  // one tap: |src|
           "mb=1,c=1,iw=7,kw=2,norm=3",
           // Differences cannot see the gradients of high norms beside 1: only sampled.
           "mb=2,c=9,ih=35,iw=37,k=3,s=2,p=1,norm=4",
           "mb=2,c=9,ih=34,iw=37,k=2,s=2,ceil_mode=1,norm=12",
           "mb=3,c=7,iw=1001,kw=3,sw=3,norm=1024",
       })
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,norm=0.5", "norm"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,norm=2000", "max_pool"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,ih=8,iw=8,k=3,norm=inf", "norm"});
  op.implementations = lp_pool_simd_implementations();
  return op;
}

}  // namespace gradproof
