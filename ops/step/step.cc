#include "ops/step/step.h"

#include "ops/activation/activations.h"
#include "ops/step/step_simd.h"

namespace gradproof {
namespace {

constexpr double kLeastWidth = 1e-6;

AttributeSpec width_attribute(const char* meaning) { return real_attribute("width", meaning, 1, kLeastWidth); }

// Limits of what a gradient passes: +- an attribute times a factor.
std::function<std::vector<double>(const Attributes&)> kinks_at_both(const char* key, double factor) {
  return [key, factor](const Attributes& a) {
    const double limit = factor * static_cast<double>(static_cast<float>(a.real(key)));
    return std::vector<double>{-limit, limit};
  };
}

struct StepRow {
  const char* name;
  const char* summary;
  Dependence dependence;  // of the surrogate, where there is one
  double gradient_depth;
  double surrogate_depth = 0;
  std::vector<AttributeSpec> attributes{};
  std::function<std::vector<double>(const Attributes&)> kinks{};
  std::vector<std::string> cases{};
  std::vector<InvalidCase> invalid_cases{};
};

std::vector<StepRow> step_rows() {
  const std::vector<std::string> widths{"mb=2,c=3,iw=11,width=3", "mb=1,c=2,iw=19,width=0.25"};
  const std::vector<InvalidCase> no_width{{"mb=1,c=1,iw=4,width=0", "width"}};
  return {
      {.name = "step",
       .summary =
           "dst = src > 0 ? 1 : 0, the derivative of relu, 0 at 0 likewise; its own derivative is 0 wherever there is "
           "one: no useful gradient",
       .dependence = Dependence::kFlat,
       .gradient_depth = 0},
      {.name = "sign",
       .summary =
           "dst = src > 0 ? 1 : src < 0 ? -1 : src, so 0 at 0 as in PyTorch; its derivative is 0 wherever there is "
           "one: no useful gradient",
       .dependence = Dependence::kFlat,
       .gradient_depth = 0},
      {.name = "step_ste",
       .summary = "dst = step(src); diff_src = diff_dst, the gradient of the identity (the straight-through estimator: "
                  "Bengio, Leonard, Courville 2013, arXiv:1308.3432, section 4)",
       .dependence = Dependence::kAffine,
       .gradient_depth = 0},
      {.name = "step_ste_clipped",
       .summary =
           "dst = step(src); diff_src = |src| <= limit ? diff_dst : 0, the gradient of min(max(src, -limit), limit), "
           "ends included (Hubara et al. 2016, NIPS, equation 4)",
       .dependence = Dependence::kKinked,
       .gradient_depth = 0,
       .attributes = {real_attribute("limit", "the largest |src| that has a gradient", 1, kLeastWidth)},
       .kinks = kinks_at_both("limit", 1),
       .cases = {"mb=2,c=3,iw=11,limit=0.3", "mb=1,c=2,iw=19,limit=2"},
       .invalid_cases = {{"mb=1,c=1,iw=4,limit=0", "limit"}}},
      {.name = "step_linear",
       .summary = "dst = step(src); diff_src = |src| <= width / 2 ? diff_dst / width : 0, the gradient of the ramp "
                  "min(max(src / width + 1/2, 0), 1), ends included as in step_ste_clipped",
       .dependence = Dependence::kKinked,
       .gradient_depth = 2,
       .surrogate_depth = 2,
       .attributes = {width_attribute("of the ramp from 0 to 1")},
       .kinks = kinks_at_both("width", 0.5),
       .cases = widths,
       .invalid_cases = no_width},
      {.name = "step_sigmoid",
       .summary = "dst = step(src); diff_src = diff_dst s (1 - s) / width, s = sigmoid(src / width), the gradient of s",
       .dependence = Dependence::kSmooth,
       .gradient_depth = 16,
       .surrogate_depth = 6,
       .attributes = {width_attribute("what src is measured in")},
       .cases = widths,
       .invalid_cases = no_width},
      {.name = "step_numerical",
       .summary =
           "dst = step(src); diff_src = diff_dst (step(src + width / 2) - step(src - width / 2)) / width, the gradient "
           "of the ramp min(max(src / width + 1/2, 0), 1), with 0 at -width / 2 and 1 / width at width / 2, as "
           "step(0) = 0",
       .dependence = Dependence::kKinked,
       .gradient_depth = 2,
       .surrogate_depth = 2,
       .attributes = {width_attribute("of the difference")},
       .kinks = kinks_at_both("width", 0.5),
       .cases = widths,
       .invalid_cases = no_width},
  };
}

Operation step_of(const StepRow& row) {
  Operation op;
  op.spec.name = row.name;
  op.spec.family = "step";
  op.spec.summary = row.summary;
  op.spec.attributes = map_attributes();
  op.spec.attributes.insert(op.spec.attributes.end(), row.attributes.begin(), row.attributes.end());
  op.spec.slots = {
      {.name = "src", .role = Role::kInput, .shape = map_shape, .dependence = row.dependence, .kinks = row.kinks},
      {.name = "dst",
       .role = Role::kOutput,
       .shape = map_shape,
       .surrogate = row.dependence == Dependence::kFlat ? "" : "surrogate"}};
  op.spec.cost = [](const Attributes& a, const Pass& pass) { return elementwise_cost(a, pass, 1); };
  op.spec.depth = [gradient = row.gradient_depth, surrogate = row.surrogate_depth](const Attributes&, const Pass& pass,
                                                                                   std::string_view slot) {
    if (!pass.is_forward()) return gradient;
    return slot == "surrogate" ? surrogate : 0;
  };
  op.spec.exact_on_integers = row.gradient_depth == 0;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = elementwise_smoke_cases();
  op.spec.smoke_cases.insert(op.spec.smoke_cases.end(), row.cases.begin(), row.cases.end());
  op.spec.full_cases = elementwise_full_cases();
  op.spec.invalid_cases = elementwise_invalid_cases();
  op.spec.invalid_cases.insert(op.spec.invalid_cases.end(), row.invalid_cases.begin(), row.invalid_cases.end());
  op.implementations = step_simd_implementations();
  return op;
}

}  // namespace

std::vector<Operation> step_operations() {
  std::vector<Operation> operations;
  for (const StepRow& row : step_rows()) operations.push_back(step_of(row));
  return operations;
}

}  // namespace gradproof
