#include "ops/norm/lrn.h"

#include <cmath>
#include <limits>

#include "ops/core/error.h"
#include "ops/core/window.h"
#include "ops/norm/lrn_plan.h"
#include "ops/norm/lrn_simd.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> lrn_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (AttributeSpec& spec : input_size_attributes()) specs.push_back(std::move(spec));
  specs.push_back(integer_attribute("size", "elements of a window, along each of its axes", 5));
  specs.push_back(real_attribute("alpha", "weight of the mean square", 1e-4, 0));
  specs.push_back(real_attribute("beta", "exponent", 0.75, 0));
  specs.push_back(real_attribute("k", "added to the weighted mean square", 1, 0));
  specs.push_back(flag_attribute("within", "windows in space, within a channel, instead of across channels", false));
  return specs;
}

std::optional<Shape> lrn_data_shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}

// What float32 kernels hold must neither vanish nor overflow.
void lrn_validate(const Attributes& attributes) {
  constexpr double kLeast = std::numeric_limits<float>::min(), kMost = std::numeric_limits<float>::max();
  const double k = attributes.real("k"), alpha = attributes.real("alpha"), beta = attributes.real("beta");
  if (k < kLeast) refuse("lrn: k={} must be {:.2g} or more, or a window of zeros divides by zero", k, kLeast);
  if (!(beta > 0)) refuse("lrn: beta={} must be positive; with 0 nothing would be normalized", beta);
  for (const auto& [key, value] : {std::pair{"k", k}, {"alpha", alpha}, {"beta", beta}, {"beta * alpha", beta * alpha}})
    if (!(value <= kMost / 2)) refuse("lrn: {}={} must be {:.2g} or less, to fit float32", key, value, kMost / 2);
}

// Additions that sum up a window, axis by axis.
double additions(const LrnAttributes& a) {
  Index count = a.across().taps() - 1;
  for (const LrnWindow& window : a.spatial()) count += window.taps() - 1;
  return static_cast<double>(count);
}

// Least bytes: each tensor once. Flops of an element: its square, the sum, the scale, the power (a logarithm, a product
// and an exponential) and the product; backward two more products and a quotient, another sum and what joins it.
Cost lrn_cost(const Attributes& attributes, const Pass& pass) {
  const LrnAttributes a = lrn_attributes(attributes);
  const auto elements = static_cast<double>(a.mb * a.c * a.space());
  const double forward = additions(a) + 7;
  if (pass.is_forward()) return {elements * forward, 8 * elements};
  return {elements * (forward + 3 + additions(a) + 3), 12 * elements};
}

// A textbook evaluation: scale = k + alpha / m * sum of m squares, then exp(beta * log(scale)) with functions within
// two units in the last place (4 roundings each), and quotients by it.
double lrn_depth_of(const Attributes& attributes, const Pass&, std::string_view slot) {
  const LrnAttributes a = lrn_attributes(attributes);
  double terms = static_cast<double>(a.across().taps());
  for (const LrnWindow& window : a.spatial()) terms *= static_cast<double>(window.taps());
  const double scale = terms + 5, power = scale + 10, dst = power + 1;
  if (slot == "dst") return dst;
  return (dst + scale + 2) + (terms - 1) + 6;
}

}  // namespace

Operation lrn_operation() {
  Operation op;
  op.spec.name = "lrn";
  op.spec.family = "norm";
  op.spec.summary =
      "dst = src / (k + alpha/m * sum of src^2 over a window of m elements)^beta, the window `size` channels, or with "
      "within=1 `size` elements along each axis of space, from size/2 before to (size-1)/2 behind, zeros outside "
      "(Krizhevsky, Sutskever and Hinton 2012, section 3.3; alpha/m as in PyTorch's LocalResponseNorm and Caffe's LRN)";
  op.spec.attributes = lrn_attribute_specs();
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = lrn_data_shape, .dependence = Dependence::kSmooth},
      {.name = "dst", .role = Role::kOutput, .shape = lrn_data_shape},
  };
  op.spec.validate = lrn_validate;
  op.spec.cost = lrn_cost;
  op.spec.depth = lrn_depth_of;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,c=7,ih=3,iw=4,size=3,alpha=0.5",
      "mb=1,c=6,ih=5,iw=7,alpha=2,k=2",
      "mb=1,c=3,ih=5,iw=6,size=4,alpha=0.5,beta=1.25,k=0.5,within=1",
  };
  op.spec.full_cases = {
      "mb=1,c=3,ih=6,iw=7,size=5",                          // alpha so small that it hardly counts
      "mb=2,c=9,iw=35,size=4,alpha=3,beta=0.5,k=0.25",      // an even window, two vectors and three
      "mb=1,c=4,ih=3,iw=11,size=9,alpha=1,beta=1",          // a window beyond all channels
      "mb=1,c=3,iw=5,size=1000000000,alpha=1e9,k=2",        // far beyond
      "mb=1,c=1,ih=6,iw=7,alpha=4",                         // one channel
      "mb=3,c=5,iw=1,size=3,alpha=0.5",                     // no space
      "mb=1,c=2,ih=1,iw=67,size=2,alpha=1,beta=0.3",        // any exponent
      "mb=1,c=6,ih=3,iw=19,alpha=1",                        // pairs of vectors, a single one and a part
      "mb=1,c=4,ih=5,iw=7,size=1,alpha=2,beta=2.5,k=3",     // a window of one
      "mb=1,c=41,iw=3,size=35,alpha=9,beta=0.75,k=1",       // sums of two levels
      "mb=2,c=3,id=2,ih=3,iw=4,size=3,alpha=0",             // a constant scale
      "mb=1,c=2,ih=7,iw=5,size=3,alpha=1,within=1",         // within a channel
      "mb=2,c=3,iw=11,size=4,alpha=2,beta=0.5,within=1",    // 1D, even
      "mb=1,c=2,ih=4,iw=3,size=7,alpha=5,beta=1,within=1",  // a window beyond the plane
      "mb=1,c=1,iw=40,size=19,alpha=7,beta=0.6,within=1",   // sums of two levels
      "mb=1,c=2,id=3,ih=4,iw=5,size=3,alpha=3,within=1",    // 3D
      "mb=1,c=2,id=2,ih=3,iw=3,size=2,alpha=3,k=0.5,within=1",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,iw=8", "mb"},
      {"mb=1,c=3,ih=8", "iw"},
      {"mb=1,c=3,iw=8,size=0", "size"},
      {"mb=1,c=3,iw=8,size=2.5", "size"},
      {"mb=1,c=3,iw=8,alpha=-1", "alpha"},
      {"mb=1,c=3,iw=8,alpha=1e39", "alpha"},
      {"mb=1,c=3,iw=8,beta=-0.5", "beta"},
      {"mb=1,c=3,iw=8,beta=0", "beta"},
      {"mb=1,c=3,iw=8,k=0", "divides by zero"},
      {"mb=1,c=3,iw=8,within=2", "within"},
      {"mb=1,c=3,iw=8,eps=1", "unknown key 'eps'"},
  };
  op.implementations = lrn_simd_implementations();
  return op;
}

}  // namespace gradproof
