#include "ops/shape/dropout.h"

#include <cmath>

#include "ops/core/error.h"
#include "ops/core/seeded.h"
#include "ops/shape/dropout_simd.h"
#include "ops/shape/features.h"

namespace gradproof {
namespace {

std::optional<Shape> dropout_shape(const Attributes& attributes) { return feature_shape(attributes); }

// A product; the mask needs no memory.
Cost dropout_cost(const Attributes& attributes, const Pass&) {
  const auto count = static_cast<double>(feature_count(attributes));
  return {attributes.flag("training") ? count : 0, 8 * count};
}

}  // namespace

DropoutAttributes dropout_attributes(const Attributes& attributes) {
  const double p = attributes.real("p");
  const std::uint64_t bits = seeded_bits(static_cast<std::uint64_t>(attributes.integer("seed")), "dropout", {});
  return {feature_count(attributes),
          p,
          static_cast<std::uint32_t>(std::lround(std::ldexp(p, 24))),
          {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)},
          attributes.flag("training")};
}

Operation dropout_operation() {
  Operation op;
  op.spec.name = "dropout";
  op.spec.family = "shape";
  op.spec.summary =
      "dst = kept ? src / (1 - p) : 0, where a share p of the elements, chosen by a hash of seed and place, is not "
      "kept; diff_src = kept ? diff_dst / (1 - p) : 0; training=0: a copy (Srivastava et al. 2014, JMLR 15, section 4, "
      "scaled while training as in PyTorch; what is not kept is 0 whatever it was)";
  op.spec.attributes = feature_attributes({real_attribute("p", "share of elements that are set to zero", 0.5, 0),
                                           integer_attribute("seed", "which elements these are", 1, 0),
                                           flag_attribute("training", "drop elements, instead of copying all", true)});
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = dropout_shape},
                   {.name = "dst", .role = Role::kOutput, .shape = dropout_shape}};
  op.spec.validate = [](const Attributes& attributes) {
    if (!(attributes.real("p") < 1)) refuse("dropout: p={} must be less than 1", attributes.real("p"));
  };
  op.spec.cost = dropout_cost;
  // The divisor and the quotient.
  op.spec.depth = [](const Attributes& a, const Pass&, std::string_view) { return a.flag("training") ? 2.0 : 0.0; };
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7", "mb=3,c=4,iw=33,p=0.1,seed=7", "mb=2,c=5,iw=9,training=0"};
  op.spec.full_cases = feature_cases();
  for (const char* text : {"mb=2,c=7,iw=31,p=0", "mb=2,c=7,iw=31,p=0.875,seed=12345", "mb=1,c=1,iw=600,p=0.3,seed=0",
                           "mb=1,c=127,iw=1,p=0.2,training=0"})
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases = feature_invalid_cases();
  op.spec.invalid_cases.push_back({"mb=1,c=3,iw=8,p=1", "p=1 must be less than 1"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,iw=8,p=-0.5", "p=-0.5"});
  op.spec.invalid_cases.push_back({"mb=1,c=3,iw=8,seed=-1", "seed"});
  op.implementations = dropout_simd_implementations();
  return op;
}

}  // namespace gradproof
