#include "ops/loss/class_loss.h"

#include "ops/core/error.h"
#include "ops/loss/class_loss_simd.h"
#include "ops/shape/features.h"

namespace gradproof {
namespace {

constexpr Index kMostLabels = Index{1} << 24;

std::optional<Shape> class_src_shape(const Attributes& attributes) { return feature_shape(attributes); }

// src's without the classes.
std::optional<Shape> class_rows_shape(const Attributes& attributes) {
  const Shape src = feature_shape(attributes);
  Shape rows{src[0]};
  for (int axis = 2; axis < src.rank(); ++axis) rows.push_back(src[axis]);
  return rows;
}

bool is_soft(const Attributes& attributes) { return attributes.has("soft") && attributes.flag("soft"); }

std::optional<Shape> target_shape(const Attributes& attributes) {
  if (is_soft(attributes)) return {};
  return class_rows_shape(attributes);
}
std::optional<Shape> soft_target_shape(const Attributes& attributes) {
  if (!is_soft(attributes)) return {};
  return feature_shape(attributes);
}
std::optional<Shape> class_weights_shape(const Attributes& attributes) {
  if (!attributes.flag("weighted")) return {};
  return Shape{attributes.integer("c")};
}
std::optional<Shape> class_dst_shape(const Attributes& attributes) {
  if (reduction_of(attributes) != Reduction::kNone) return Shape{1};
  return class_rows_shape(attributes);
}

// The classes, and one more where that is what is ignored.
Index label_choices(const Attributes& attributes) {
  const Index classes = attributes.integer("c");
  return std::min(classes + (attributes.integer("ignore_index") == classes ? 1 : 0), kMostLabels);
}

Slot src_of_classes() { return {.name = "src", .role = Role::kInput, .shape = class_src_shape}; }
Slot target_slot() {
  return {.name = "target",
          .role = Role::kInput,
          .shape = target_shape,
          .differentiable = false,
          .type = [](const Attributes&) { return ElementType::kInt32; },
          .choices = label_choices,
          .axes = {"n", "ih", "iw"}};
}
Slot class_weights_slot() {
  return {.name = "class_weights",
          .role = Role::kInput,
          .shape = class_weights_shape,
          .differentiable = false,
          .domain = Domain::kPositive};
}
Slot dst_of_classes() {
  return {.name = "dst", .role = Role::kOutput, .shape = class_dst_shape, .axes = {"n", "oh", "ow"}};
}
Slot saved_of_rows(std::string name) {
  return {.name = std::move(name), .role = Role::kSaved, .shape = class_rows_shape, .axes = {"n", "ih", "iw"}};
}

std::vector<AttributeSpec> class_loss_specs() {
  return feature_attributes({reduction_attribute(), flag_attribute("weighted", "classes have weights", false),
                             integer_attribute("ignore_index", "a label whose rows are left out", -100, -1000)});
}

void require_classes(std::string_view op, const Attributes& attributes) {
  require_reduction(op, attributes);
  if (attributes.integer("c") > kMostLabels - 1)
    refuse("{}: c={} must be less than 2^24, so that floats hold labels", op, attributes.integer("c"));
}

void validate_cross_entropy(const Attributes& attributes) {
  require_classes("softmax_cross_entropy", attributes);
  if (attributes.real("label_smoothing") > 1)
    refuse("softmax_cross_entropy: label_smoothing={} must be from 0 to 1", attributes.real("label_smoothing"));
  if (is_soft(attributes) && attributes.integer("ignore_index") != -100)
    refuse("softmax_cross_entropy: soft=1 has no label that ignore_index could name; leave it out");
}

double losses_written(const ClassLossAttributes& a) {
  return a.reduction == Reduction::kNone ? static_cast<double>(a.rows.rows()) : 1;
}

// src once, with the labels; the gradient as much again. Saved are two numbers a row.
Cost cross_entropy_cost(const Attributes& attributes, const Pass& pass) {
  const ClassLossAttributes a = class_loss_attributes(attributes);
  const auto count = static_cast<double>(a.rows.count()), rows = static_cast<double>(a.rows.rows());
  const double labels = a.soft ? count : rows, read = count + labels + 2 * rows + losses_written(a);
  return {(pass.is_forward() ? 5 : 4) * count, 4 * (read + (pass.is_forward() ? 0 : count))};
}

// exp(x - m) has depth 3, the sum of n of them n + 2, its logarithm n + 5 and that of a share n + 6. A coefficient is 1
// and 2 products and a sum deep.
double cross_entropy_depth(const Attributes& attributes, const Pass& pass, std::string_view slot) {
  const ClassLossAttributes a = class_loss_attributes(attributes);
  const auto classes = static_cast<double>(a.rows.classes), rows = static_cast<double>(a.rows.rows());
  if (slot == "max") return 1;
  if (slot == "sum") return classes + 2;
  const double log_share = classes + 6, coefficient = 4, mean = a.reduction == Reduction::kMean ? rows + 1 : 0;
  if (pass.is_forward())
    return log_share + coefficient + 1 + classes + (a.reduction == Reduction::kNone ? 0 : rows) + mean;
  const double gain = mean;
  if (pass.slot == "soft_target") return gain + 1 + coefficient + 1 + log_share;
  return gain + 1 + (classes + 6 + 1 + coefficient + classes) + 1;
}

double nll_depth(const Attributes& attributes, const Pass& pass, std::string_view) {
  const ClassLossAttributes a = class_loss_attributes(attributes);
  const auto rows = static_cast<double>(a.rows.rows());
  const double mean = a.reduction == Reduction::kMean ? rows + 1 : 0;
  return 1 + mean + (pass.is_forward() && a.reduction != Reduction::kNone ? rows : 0);
}

// Of src one element a row; of its gradient all.
Cost nll_cost(const Attributes& attributes, const Pass& pass) {
  const ClassLossAttributes a = class_loss_attributes(attributes);
  const auto rows = static_cast<double>(a.rows.rows());
  return {2 * rows, 4 * (rows + losses_written(a) + (pass.is_forward() ? rows : static_cast<double>(a.rows.count())))};
}

std::vector<InvalidCase> class_loss_invalid_cases() {
  std::vector<InvalidCase> cases = feature_invalid_cases();
  cases.push_back({"mb=2,c=3,reduction=3", "reduction=3 must be 0"});
  cases.push_back({"mb=2,c=3,weighted=2", "weighted"});
  cases.push_back({"mb=2,c=3,ignore_index=-2000", "ignore_index"});
  return cases;
}

// Rows in lanes and lanes in rows, tails of both, all three reductions, labels that are ignored by some rows, by one of
// one, and by all.
std::vector<std::string> class_loss_cases() {
  return {"mb=1,c=1",
          "mb=1,c=2,reduction=2",
          "mb=17,c=3,ignore_index=1",
          "mb=5,c=10,weighted=1",
          "mb=3,c=65,reduction=0",
          "mb=2,c=127,weighted=1,ignore_index=5",
          "mb=2,c=4,iw=19,ignore_index=4",
          "mb=2,c=5,ih=3,iw=6,reduction=0,weighted=1,ignore_index=2",
          "mb=1,c=3,id=2,ih=3,iw=5,reduction=2",
          "mb=3,c=1,ignore_index=0",  // every row is left out
          "mb=2,c=1,iw=3,ignore_index=0,weighted=1",
          "mb=2,c=1,ih=2,ignore_index=0,reduction=0"};
}

}  // namespace

ClassLossAttributes class_loss_attributes(const Attributes& attributes) {
  return {rows_along(feature_shape(attributes), 1),
          reduction_of(attributes),
          attributes.integer("ignore_index"),
          attributes.flag("weighted"),
          is_soft(attributes),
          attributes.has("label_smoothing") ? attributes.real("label_smoothing") : 0};
}

Operation softmax_cross_entropy_operation() {
  Operation op;
  op.spec.name = "softmax_cross_entropy";
  op.spec.family = "loss";
  op.spec.summary =
      "loss of a row = - sum over j of c_j * log(softmax(src)_j), c_j = w_j * ((1 - e) * q_j + e / C): q_j = 1 for the "
      "label, or soft labels; e label_smoothing; w class weights. reduction 0: dst = losses, 2: their sum, 1: that by "
      "the sum of the labels' w (soft: by the number of rows). Rows whose label is ignore_index, or no class, have "
      "loss "
      "and gradient 0 and count in no mean; the mean over none is 0, where PyTorch's cross_entropy, otherwise the "
      "same, gives NaN. Saved are max and sum of exp(src - max)";
  op.spec.attributes = class_loss_specs();
  op.spec.attributes.push_back(real_attribute("label_smoothing", "share of the label that all classes get", 0, 0));
  op.spec.attributes.push_back(flag_attribute("soft", "labels are numbers for each class", false));
  Slot src = src_of_classes();
  src.dependence = Dependence::kSmooth;
  op.spec.slots = {src,
                   target_slot(),
                   {.name = "soft_target", .role = Role::kInput, .shape = soft_target_shape},
                   class_weights_slot(),
                   dst_of_classes(),
                   saved_of_rows("max"),
                   saved_of_rows("sum")};
  op.spec.validate = validate_cross_entropy;
  op.spec.cost = cross_entropy_cost;
  op.spec.depth = cross_entropy_depth;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=5,c=7", "mb=2,c=3,ih=3,iw=7,weighted=1,ignore_index=1,label_smoothing=0.125",
                         "mb=3,c=5,soft=1", "mb=3,c=1,ignore_index=0"};
  op.spec.full_cases = {};
  for (const std::string& text : class_loss_cases())
    if (text != "mb=3,c=1,ignore_index=0") op.spec.full_cases.push_back(text);
  for (const char* text : {"mb=9,c=4,label_smoothing=0.1,ignore_index=2", "mb=3,c=70,label_smoothing=0.3,weighted=1",
                           "mb=2,c=1,iw=5,ignore_index=0,label_smoothing=0.1,reduction=2",
                           "mb=2,c=6,ih=2,iw=9,soft=1,reduction=0", "mb=3,c=68,soft=1,weighted=1,label_smoothing=0.2",
                           "mb=2,c=3,iw=35,soft=1,label_smoothing=0.5,reduction=2", "mb=4,c=5,label_smoothing=1"})
    op.spec.full_cases.emplace_back(text);
  op.spec.invalid_cases = class_loss_invalid_cases();
  op.spec.invalid_cases.push_back({"mb=2,c=3,label_smoothing=1.5", "label_smoothing=1.5 must be from 0 to 1"});
  op.spec.invalid_cases.push_back({"mb=2,c=3,label_smoothing=-0.5", "label_smoothing"});
  op.spec.invalid_cases.push_back({"mb=2,c=3,soft=1,ignore_index=1", "no label that ignore_index could name"});
  op.implementations = softmax_cross_entropy_simd_implementations();
  return op;
}

Operation nll_operation() {
  Operation op;
  op.spec.name = "nll";
  op.spec.family = "loss";
  op.spec.summary =
      "loss of a row = - w_t * src_t, t its label and w class weights; reductions and what is ignored as in "
      "softmax_cross_entropy, which it is behind log_softmax (PyTorch's nll_loss, but the mean over no rows is 0)";
  op.spec.attributes = class_loss_specs();
  op.spec.slots = {src_of_classes(), target_slot(), class_weights_slot(), dst_of_classes()};
  op.spec.validate = [](const Attributes& attributes) { require_classes("nll", attributes); };
  op.spec.cost = nll_cost;
  op.spec.depth = nll_depth;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = {"mb=5,c=7", "mb=2,c=3,ih=3,iw=7,weighted=1,ignore_index=1"};
  op.spec.full_cases = class_loss_cases();
  op.spec.invalid_cases = class_loss_invalid_cases();
  op.implementations = nll_simd_implementations();
  return op;
}

}  // namespace gradproof
