#include "ops/norm/batch_norm.h"

#include "ops/core/error.h"
#include "ops/core/window.h"
#include "ops/norm/batch_norm_simd.h"
#include "ops/norm/norm_sets.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> batch_norm_attribute_specs() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  specs.push_back(flag_attribute("training", "statistics of the batch (1) or running statistics (0)", true));
  specs.push_back(flag_attribute("affine", "scale by gamma and shift by beta", true));
  specs.push_back(real_attribute("momentum", "weight of the batch in new running statistics", 0.1, 0));
  specs.push_back(real_attribute("eps", "added to the variance", 1e-5, 0));
  return specs;
}

std::optional<Shape> batch_norm_data_shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}
std::optional<Shape> batch_norm_channel_shape(const Attributes& attributes) { return Shape{attributes.integer("c")}; }
std::optional<Shape> affine_shape(const Attributes& attributes) {
  return attributes.flag("affine") ? batch_norm_channel_shape(attributes) : std::nullopt;
}
std::optional<Shape> training_shape(const Attributes& attributes) {
  return attributes.flag("training") ? batch_norm_channel_shape(attributes) : std::nullopt;
}

std::vector<Slot> batch_norm_slots() {
  using enum Role;
  return {{.name = "src", .role = kInput, .shape = batch_norm_data_shape, .dependence = Dependence::kSmooth},
          {.name = "gamma", .role = kInput, .shape = affine_shape},
          {.name = "beta", .role = kInput, .shape = affine_shape},
          {.name = "running_mean", .role = kInput, .shape = batch_norm_channel_shape, .differentiable = false},
          {.name = "running_var",
           .role = kInput,
           .shape = batch_norm_channel_shape,
           .differentiable = false,
           .domain = Domain::kPositive},
          {.name = "dst", .role = kOutput, .shape = batch_norm_data_shape},
          {.name = "new_running_mean", .role = kOutput, .shape = training_shape, .differentiable = false},
          {.name = "new_running_var", .role = kOutput, .shape = training_shape, .differentiable = false},
          {.name = "mean", .role = kSaved, .shape = training_shape},
          {.name = "rstd", .role = kSaved, .shape = training_shape}};
}

void batch_norm_validate(const Attributes& attributes) {
  const BatchNormAttributes a = batch_norm_attributes(attributes);
  if (!(a.eps > 0)) refuse("batch_norm: eps={} must be positive, or a constant channel divides by zero", a.eps);
  if (a.momentum > 1) refuse("batch_norm: momentum={} must be between 0 and 1", a.momentum);
  if (a.training && a.count() < 2)
    refuse("batch_norm: training needs more than one element a channel, but mb * space = 1; enlarge mb or the input");
}

// Least bytes: a channel stays in cache between its statistics and its normalization, so src is read once.
Cost batch_norm_cost(const Attributes& attributes, const Pass& pass) {
  const BatchNormAttributes a = batch_norm_attributes(attributes);
  const auto count = static_cast<double>(a.c * a.count());
  const auto channels = [&](double vectors) { return 4 * vectors * static_cast<double>(a.c); };
  const double affine = a.affine ? 1 : 0;
  if (pass.is_forward())  // sum, centred square, normalize; four running and two saved vectors
    return {(a.training ? 7 : 3) * count, 8 * count + channels(2 * affine + (a.training ? 6 : 2))};
  if (pass.slot == "beta") return {count, 4 * count + channels(1)};
  if (pass.slot == "gamma") return {3 * count, 8 * count + channels(3)};
  if (!a.training && pass.slot == "src") return {count, 8 * count + channels(1 + affine)};
  return {(a.training ? 9 : 5) * count, 12 * count + channels(2 + affine * (pass.slot.empty() ? 3 : 1))};
}

double batch_norm_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  const BatchNormAttributes a = batch_norm_attributes(attributes);
  const auto n = static_cast<double>(a.count());
  const NormDepth norm = a.training ? NormDepth::with_mean(n, n) : NormDepth::given_statistics(n);
  if (slot == "mean") return norm.mean();
  if (slot == "rstd") return norm.rstd();
  if (slot == "new_running_mean") return norm.mean() + 4;
  if (slot == "new_running_var") return norm.var + 5;
  if (pass.is_forward()) return norm.dst();
  if (slot == "diff_beta") return norm.diff_beta();
  return slot == "diff_gamma" ? norm.diff_gamma() : norm.diff_src();
}

}  // namespace

BatchNormAttributes batch_norm_attributes(const Attributes& attributes) {
  const Window window = window_of(attributes);
  return {attributes.integer("mb"),  attributes.integer("c"),     window.in_count(),     attributes.flag("training"),
          attributes.flag("affine"), attributes.real("momentum"), attributes.real("eps")};
}

Operation batch_norm_operation() {
  Operation op;
  op.spec.name = "batch_norm";
  op.spec.family = "norm";
  op.spec.summary =
      "dst = gamma * (src - mean) / sqrt(var + eps) + beta for each channel, var biased; new running statistics = (1 - "
      "momentum) * old + momentum * batch, var unbiased (Ioffe and Szegedy 2015, arXiv:1502.03167; PyTorch's "
      "BatchNorm)";
  op.spec.attributes = batch_norm_attribute_specs();
  op.spec.slots = batch_norm_slots();
  op.spec.whole_vjp = true;
  op.spec.validate = batch_norm_validate;
  op.spec.cost = batch_norm_cost;
  op.spec.depth = batch_norm_depth;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {
      "mb=2,c=3,ih=3,iw=5",
      "mb=3,c=2,iw=7,affine=0,eps=0.25",
      "mb=2,c=3,ih=4,iw=3,training=0",
  };
  op.spec.full_cases = {
      "mb=1,c=2,ih=4,iw=5",      // one image: statistics over space alone
      "mb=5,c=7,iw=1",           // no space: statistics over the batch alone
      "mb=2,c=2,iw=1",           // two elements a channel
      "mb=2,c=2,iw=33",          // two vectors and one
      "mb=2,c=1,ih=101,iw=100",  // blocks of a channel, whose moments are merged
      "mb=3,c=1,ih=3,iw=11,eps=0.5,momentum=0.7",
      "mb=2,c=17,iw=3,momentum=0",
      "mb=2,c=2,id=2,ih=3,iw=4,momentum=1",
      "mb=1,c=3,iw=1,training=0",  // one element a channel, where inference allows it
      "mb=2,c=3,iw=19,training=0,affine=0,eps=0.5",
      "mb=2,c=2,id=3,ih=2,iw=3,training=0,eps=0.001",
  };
  op.spec.invalid_cases = {
      {"mb=0,c=3,ih=8,iw=8", "mb"},
      {"mb=1,c=3", "iw"},
      {"mb=1,c=3,iw=1", "more than one element"},
      {"mb=2,c=3,iw=4,eps=0", "eps"},
      {"mb=2,c=3,iw=4,eps=-1", "eps"},
      {"mb=2,c=3,iw=4,momentum=1.5", "momentum"},
      {"mb=2,c=3,iw=4,training=2", "training"},
      {"mb=2,c=3,iw=4,groups=2", "unknown key 'groups'"},
  };
  op.implementations = batch_norm_simd_implementations();
  return op;
}

}  // namespace gradproof
