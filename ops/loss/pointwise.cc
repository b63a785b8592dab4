#include "ops/loss/pointwise.h"

#include "ops/core/error.h"
#include "ops/loss/pointwise_simd.h"
#include "ops/shape/features.h"

namespace gradproof {
namespace {

std::optional<Shape> pointwise_loss_shape(const Attributes& attributes) { return feature_shape(attributes); }
std::optional<Shape> pointwise_dst_shape(const Attributes& attributes) {
  if (reduction_of(attributes) != Reduction::kNone) return Shape{1};
  return feature_shape(attributes);
}
std::optional<Shape> pos_weight_shape(const Attributes& attributes) {
  if (!attributes.flag("pos_weight")) return {};
  return Shape{attributes.integer("c")};
}

// How many roundings the loss of an element and its slopes take.
struct PointwiseDepth {
  double value, slope;
};

double depth_of_pointwise(const PointwiseDepth& f, const Attributes& attributes, const Pass& pass) {
  const PointwiseAttributes a = pointwise_attributes(attributes);
  const bool mean = a.reduction == Reduction::kMean;
  if (!pass.is_forward()) return f.slope + 1 + (mean ? 1 : 0);
  return f.value + (a.reduction == Reduction::kNone ? 0 : static_cast<double>(a.count)) + (mean ? 1 : 0);
}

Cost pointwise_cost(const Attributes& attributes, const Pass& pass, double flops) {
  const PointwiseAttributes a = pointwise_attributes(attributes);
  const auto count = static_cast<double>(a.count);
  const double losses = a.reduction == Reduction::kNone ? count : 1;
  return {flops * count, 4 * ((pass.is_forward() ? 2 : 3) * count + losses)};
}

// `dependence` on src, and on target unless that is affine.
Operation pointwise_operation(const std::string& name, Dependence dependence, double flops, PointwiseDepth depth) {
  Operation op;
  op.spec.name = name;
  op.spec.family = "loss";
  op.spec.attributes = feature_attributes({reduction_attribute()});
  op.spec.slots = {{.name = "src", .role = Role::kInput, .shape = pointwise_loss_shape, .dependence = dependence},
                   {.name = "target", .role = Role::kInput, .shape = pointwise_loss_shape, .dependence = dependence},
                   {.name = "dst", .role = Role::kOutput, .shape = pointwise_dst_shape}};
  op.spec.validate = [name](const Attributes& attributes) { require_reduction(name, attributes); };
  op.spec.cost = [flops](const Attributes& a, const Pass& pass) { return pointwise_cost(a, pass, flops); };
  op.spec.depth = [depth](const Attributes& a, const Pass& pass, std::string_view) {
    return depth_of_pointwise(depth, a, pass);
  };
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7", "mb=3,c=11,reduction=0"};
  op.spec.full_cases = {"mb=1,c=3,iw=5",        "mb=5,c=7,reduction=2",       "mb=1,c=1,iw=16,reduction=0",
                        "mb=1,c=1,iw=33",       "mb=1,c=2,iw=31,reduction=2", "mb=2,c=3,id=2,ih=3,iw=5,reduction=0",
                        "mb=1,c=5,ih=13,iw=17", "mb=3,c=2,ih=6,reduction=2"};
  op.spec.invalid_cases = feature_invalid_cases();
  op.spec.invalid_cases.push_back({"mb=2,c=3,reduction=3", "reduction=3 must be 0"});
  return op;
}

}  // namespace

PointwiseAttributes pointwise_attributes(const Attributes& attributes) {
  return {feature_count(attributes),
          attributes.integer("c"),
          feature_space(attributes),
          reduction_of(attributes),
          attributes.has("delta") ? attributes.real("delta") : 0,
          attributes.has("pos_weight") && attributes.flag("pos_weight")};
}

Operation mse_operation() {
  Operation op = pointwise_operation("mse", Dependence::kSmooth, 3, {3, 2});
  op.spec.summary =
      "loss of an element = (src - target)^2; reduction 0: dst = losses, 1: their mean, 2: their sum (PyTorch's "
      "mse_loss)";
  op.implementations = pointwise_simd_implementations(Pointwise::kMse);
  return op;
}

Operation l1_operation() {
  Operation op = pointwise_operation("l1", Dependence::kKinked, 2, {1, 0});
  op.spec.summary =
      "loss of an element = |src - target|, with slope 0 at 0 (NaN counts as positive); reduction 0: dst = losses, 1: "
      "their mean, 2: their sum (PyTorch's l1_loss)";
  op.implementations = pointwise_simd_implementations(Pointwise::kL1);
  return op;
}

Operation huber_operation() {
  Operation op = pointwise_operation("huber", Dependence::kKinked, 5, {5, 1});
  op.spec.summary =
      "loss of an element = d^2 / 2 where |d| <= delta, otherwise delta * (|d| - delta / 2), with d = src - target "
      "(Huber 1964, Annals of Mathematical Statistics 35; PyTorch's huber_loss); reduction 0: dst = losses, 1: their "
      "mean, 2: their sum";
  op.spec.attributes.push_back(real_attribute("delta", "beyond which the loss is linear", 1, 0));
  op.spec.validate = [](const Attributes& attributes) {
    require_reduction("huber", attributes);
    if (!(attributes.real("delta") > 0)) refuse("huber: delta={} must be positive", attributes.real("delta"));
  };
  // Kinks lie at |src - target| = delta: where one is 0 and the other +-delta.
  for (Slot* slot : {&op.spec.slots[0], &op.spec.slots[1]})
    slot->kinks = [](const Attributes& attributes) {
      const auto delta = static_cast<double>(static_cast<float>(attributes.real("delta")));
      return std::vector<double>{0, delta, -delta};
    };
  op.spec.smoke_cases = {"mb=2,c=3,ih=5,iw=7,reduction=0", "mb=3,c=5,delta=2"};
  op.spec.full_cases = {"mb=1,c=3,iw=5",
                        "mb=3,c=7,reduction=2",
                        "mb=1,c=1,iw=16",
                        "mb=1,c=1,iw=33,reduction=0",
                        "mb=2,c=3,id=2,ih=3,iw=5,reduction=0,delta=2",
                        "mb=3,c=2,ih=3,reduction=2",
                        "mb=1,c=5,ih=13,iw=17,reduction=0"};
  op.spec.invalid_cases.push_back({"mb=2,c=3,delta=0", "delta=0 must be positive"});
  op.implementations = pointwise_simd_implementations(Pointwise::kHuber);
  return op;
}

Operation bce_with_logits_operation() {
  Operation op = pointwise_operation("bce_with_logits", Dependence::kSmooth, 8, {12, 10});
  op.spec.summary =
      "loss of an element = (1 - t) x + (1 + (w - 1) t) log(1 + exp(-x)), with x = src, t = target and w = pos_weight "
      "of "
      "its channel, or 1: the cross-entropy of t and sigmoid(x) (PyTorch's binary_cross_entropy_with_logits); "
      "reduction 0: dst = losses, 1: their mean, 2: their sum";
  op.spec.attributes.push_back(flag_attribute("pos_weight", "channels have weights of positives", false));
  op.spec.slots[1].dependence = Dependence::kAffine;
  op.spec.slots.insert(op.spec.slots.begin() + 2, {.name = "pos_weight",
                                                   .role = Role::kInput,
                                                   .shape = pos_weight_shape,
                                                   .differentiable = false,
                                                   .domain = Domain::kPositive});
  op.spec.smoke_cases.emplace_back("mb=2,c=3,ih=3,iw=7,pos_weight=1");
  op.spec.full_cases.emplace_back("mb=3,c=19,pos_weight=1,reduction=0");
  op.spec.full_cases.emplace_back("mb=1,c=7,ih=15,iw=17,pos_weight=1,reduction=2");
  op.spec.invalid_cases.push_back({"mb=2,c=3,pos_weight=2", "pos_weight"});
  op.implementations = pointwise_simd_implementations(Pointwise::kBceWithLogits);
  return op;
}

}  // namespace gradproof
