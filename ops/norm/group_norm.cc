#include "ops/norm/group_norm.h"

#include "ops/core/error.h"
#include "ops/norm/group_norm_simd.h"

namespace gradproof {
namespace {

std::optional<Shape> group_norm_channel_shape(const Attributes& attributes) {
  if (!attributes.flag("affine")) return {};
  return Shape{attributes.integer("c")};
}
std::optional<Shape> set_shape(const Attributes& attributes) {
  const NormSets sets = group_norm_attributes(attributes).sets;
  return Shape{sets.mb, sets.groups()};
}

std::vector<Slot> group_norm_slots() {
  using enum Role;
  return {{.name = "src", .role = kInput, .shape = sample_norm_data_shape, .dependence = Dependence::kSmooth},
          {.name = "gamma", .role = kInput, .shape = group_norm_channel_shape},
          {.name = "beta", .role = kInput, .shape = group_norm_channel_shape},
          {.name = "dst", .role = kOutput, .shape = sample_norm_data_shape},
          {.name = "mean", .role = kSaved, .shape = set_shape},
          {.name = "rstd", .role = kSaved, .shape = set_shape}};
}

// With a single element dst would be beta whatever src is; PyTorch refuses it, too.
void validate_group_norm(const Attributes& attributes) {
  const Index c = attributes.integer("c"), g = attributes.integer("g");
  if (c % g != 0) refuse("group_norm: c={} is not divisible by g={}", c, g);
  const SampleNormAttributes a = group_norm_attributes(attributes);
  require_positive_eps("group_norm", a.eps);
  if (a.sets.count() < 2)
    refuse("group_norm: a group needs more than one element, but c / g * space = 1; lower g or enlarge the input");
}

void validate_instance_norm(const Attributes& attributes) {
  const SampleNormAttributes a = group_norm_attributes(attributes);
  require_positive_eps("instance_norm", a.eps);
  if (a.sets.count() < 2)
    refuse("instance_norm: a channel needs more than one element, but space = 1; enlarge the input");
}

Cost group_norm_cost(const Attributes& attributes, const Pass& pass) {
  const SampleNormAttributes a = group_norm_attributes(attributes);
  return sample_norm_cost(a, pass, a.sets.c, true, 2);
}

double group_norm_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  const NormSets sets = group_norm_attributes(attributes).sets;
  const auto uses = static_cast<double>(sets.mb * sets.space);
  return sample_norm_depth(NormDepth::with_mean(static_cast<double>(sets.count()), uses), pass, slot);
}

Spec spec_of(std::string name, std::string summary) {
  Spec spec;
  spec.name = std::move(name);
  spec.family = "norm";
  spec.summary = std::move(summary);
  spec.slots = group_norm_slots();
  spec.whole_vjp = true;
  spec.cost = group_norm_cost;
  spec.depth = group_norm_depth;
  spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  return spec;
}

}  // namespace

SampleNormAttributes group_norm_attributes(const Attributes& attributes) {
  return sample_norm_attributes(attributes, attributes.integer(attributes.has("g") ? "g" : "c"));
}

Operation group_norm_operation() {
  Operation op;
  op.spec = spec_of("group_norm",
                    "dst = gamma * (src - mean) / sqrt(var + eps) + beta, mean and biased var of each group of c / g "
                    "channels of each sample (Wu and He 2018, arXiv:1803.08494; PyTorch's GroupNorm)");
  op.spec.attributes = sample_norm_attribute_specs({integer_attribute("g", "groups of channels")},
                                                   "scale by gamma and shift by beta, one of each a channel");
  op.spec.validate = validate_group_norm;
  op.spec.smoke_cases = {
      "mb=2,c=6,g=3,ih=3,iw=5",
      "mb=3,c=4,g=2,iw=7,affine=0,eps=0.25",
      "mb=2,c=3,g=1,ih=4,iw=5",
  };
  op.spec.full_cases = {
      "mb=1,c=6,g=2,ih=4,iw=5",  // one image
      "mb=3,c=5,g=5,ih=2,iw=4",  // one channel a group
      "mb=5,c=12,g=4,iw=1",      // no space: statistics over channels alone
      "mb=3,c=8,g=4,iw=1",       // two elements a group
      "mb=2,c=4,g=2,iw=33",      // two vectors and one
      "mb=1,c=2,g=1,iw=17",
      "mb=3,c=6,g=3,ih=5,iw=1,eps=2",  // one column
      "mb=2,c=4,g=2,ih=1,iw=9,eps=0.5",
      "mb=2,c=34,g=2,iw=3",
      "mb=2,c=6,g=2,id=2,ih=3,iw=4",
      "mb=4,c=10,g=5,id=3,ih=2,iw=5,affine=0,eps=0.001",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=4,g=2,iw=8", "mb"},
      {"mb=1,c=4,g=2", "iw"},
      {"mb=1,c=4,iw=3", "g"},
      {"mb=1,c=4,g=0,iw=3", "g"},
      {"mb=1,c=4,g=3,iw=3", "divisible"},
      {"mb=1,c=4,g=8,iw=3", "divisible"},
      {"mb=7,c=4,g=4,iw=1", "more than one element"},
      {"mb=2,c=4,g=2,iw=4,eps=0", "eps"},
      {"mb=2,c=4,g=2,iw=4,eps=-1", "eps"},
      {"mb=2,c=4,g=2,iw=4,affine=2", "affine"},
      {"mb=2,c=4,g=2,iw=4,training=1", "unknown key 'training'"},
  };
  op.implementations = group_norm_simd_implementations();
  return op;
}

Operation instance_norm_operation() {
  Operation op;
  op.spec = spec_of("instance_norm",
                    "dst = gamma * (src - mean) / sqrt(var + eps) + beta, mean and biased var of each channel of each "
                    "sample, without running statistics (Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022; "
                    "PyTorch's InstanceNorm with track_running_stats=False)");
  op.spec.attributes = sample_norm_attribute_specs({}, "scale by gamma and shift by beta, one of each a channel");
  op.spec.validate = validate_instance_norm;
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=4,iw=5",
      "mb=3,c=4,iw=7,affine=0,eps=0.25",
  };
  op.spec.full_cases = {
      "mb=1,c=5,ih=3,iw=4",  // one image
      "mb=3,c=4,iw=2",       // two elements a channel
      "mb=2,c=3,iw=33",      // two vectors and one
      "mb=4,c=1,iw=17",
      "mb=2,c=3,ih=7,iw=1,eps=2",  // one column
      "mb=2,c=17,ih=1,iw=3,eps=0.5",
      "mb=2,c=3,id=4,ih=2,iw=5",
      "mb=3,c=2,id=2,ih=5,iw=3,affine=0,eps=0.001",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,iw=8", "mb"},
      {"mb=1,c=3", "iw"},
      {"mb=7,c=3,iw=1", "more than one element"},
      {"mb=2,c=3,iw=4,eps=0", "eps"},
      {"mb=2,c=3,iw=4,eps=-1", "eps"},
      {"mb=2,c=3,iw=4,affine=2", "affine"},
      {"mb=2,c=3,iw=4,g=3", "unknown key 'g'"},
  };
  op.implementations = group_norm_simd_implementations();
  return op;
}

}  // namespace gradproof
