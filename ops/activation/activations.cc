#include "ops/activation/activations.h"

#include <limits>

#include "ops/activation/activation_simd.h"

namespace gradproof {

std::vector<AttributeSpec> map_attributes() {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch"), integer_attribute("c", "channels")};
  for (auto& spec : input_size_attributes()) specs.push_back(spec);
  return specs;
}

std::optional<Shape> map_shape(const Attributes& attributes) {
  return spatial_shape(attributes, attributes.integer("mb"), attributes.integer("c"));
}

// The gradient reads src and diff_dst.
Cost elementwise_cost(const Attributes& attributes, const Pass& pass, double flops) {
  const auto count = static_cast<double>(element_count(*map_shape(attributes)));
  return {flops * count, (pass.is_forward() ? 8 : 12) * count};
}

std::vector<std::string> elementwise_smoke_cases() { return {"mb=2,c=3,ih=5,iw=7", "mb=1,c=1,iw=33"}; }

std::vector<std::string> elementwise_full_cases() {
  return {
      "mb=1,c=1,iw=1",  "mb=1,c=1,iw=15", "mb=1,c=1,iw=16",  "mb=1,c=1,iw=17",          "mb=1,c=1,iw=31",
      "mb=1,c=5,iw=13", "mb=3,c=2,iw=1",  "mb=1,c=127,iw=1", "mb=2,c=3,id=2,ih=3,iw=5", "mb=1,c=2,ih=17,iw=8",
  };
}

std::vector<InvalidCase> elementwise_invalid_cases() {
  return {{"mb=0,c=3,iw=8", "mb"},
          {"mb=1,iw=8", "c (channels) is missing"},
          {"mb=1,c=3", "iw"},
          {"mb=1,c=3,ih=4,iw=8,k=3", "unknown key 'k'"}};
}

namespace {

constexpr double kAnyReal = std::numeric_limits<double>::lowest();
constexpr double kLeastScale = 1e-6;  // of what is divided by

using Kinks = std::function<std::vector<double>(const Attributes&)>;

Kinks kinks_at(std::vector<double> places) {
  return [places](const Attributes&) { return places; };
}
Kinks kinks_at_attributes(std::vector<std::string> keys) {
  return [keys](const Attributes& a) {
    std::vector<double> places;
    for (const std::string& key : keys) places.push_back(a.real(key));
    return places;
  };
}

// A function without kinks is smooth. Depths count the roundings of value and gradient; an ulp of a function in
// ops/simd/math.h is two of them. Flops are those of the value, a polynomial's included; its gradient has as many.
struct ActivationRow {
  const char* name;
  const char* summary;
  Kinks kinks;
  double value_depth, gradient_depth, flops;
  std::vector<AttributeSpec> attributes{};
  std::vector<std::string> cases{};  // with other attributes
  std::vector<InvalidCase> invalid_cases{};
  std::function<void(const Attributes&)> validate{};
};

std::vector<ActivationRow> piecewise_rows() {
  return {
      {.name = "relu",
       .summary =
           "dst = src < 0 ? 0 : src, so -0 and NaN pass; diff_src = src <= 0 ? 0 : diff_dst (Nair and Hinton 2010, "
           "ICML; the derivative at 0 is 0 as in PyTorch)",
       .kinks = kinks_at({0}),
       .value_depth = 0,
       .gradient_depth = 0,
       .flops = 1,
       .cases = {"mb=1,c=1,ih=257,iw=256"}},  // a tile and a part of one, which threads share
      {.name = "leaky_relu",
       .summary =
           "dst = src > 0 ? src : slope src (Maas, Hannun, Ng 2013, ICML workshop; the derivative at 0 is the slope "
           "as in PyTorch)",
       .kinks = kinks_at({0}),
       .value_depth = 1,
       .gradient_depth = 1,
       .flops = 2,
       .attributes = {real_attribute("slope", "slope for negative numbers", 0.01, kAnyReal)},
       .cases = {"mb=2,c=3,iw=11,slope=-0.25", "mb=1,c=2,iw=19,slope=2"}},
      {.name = "relu6",
       .summary = "dst = min(max(src, 0), 6) (Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10; the "
                  "derivative at 0 and 6 is 0 as in PyTorch)",
       .kinks = kinks_at({0, 6}),
       .value_depth = 0,
       .gradient_depth = 0,
       .flops = 2},
      {.name = "hard_tanh",
       .summary = "dst = min(max(src, min), max) (Collobert 2004, Large scale machine learning; the derivative at the "
                  "limits is 0 as in PyTorch)",
       .kinks = kinks_at_attributes({"min", "max"}),
       .value_depth = 0,
       .gradient_depth = 0,
       .flops = 2,
       .attributes = {real_attribute("min", "least value", -1, kAnyReal),
                      real_attribute("max", "largest value", 1, kAnyReal)},
       .cases = {"mb=2,c=3,iw=11,min=-0.5,max=2.25", "mb=1,c=2,iw=19,min=0.25"},
       .invalid_cases = {{"mb=1,c=1,iw=4,min=2", "min"}},
       .validate =
           [](const Attributes& a) {
             if (!(a.real("min") < a.real("max")))
               refuse("hard_tanh: min={} must be below max={}", a.real("min"), a.real("max"));
           }},
      {.name = "hard_sigmoid",
       .summary =
           "dst = min(max(src + 3, 0), 6) / 6 (Howard et al. 2019, ICCV, section 5.2; the derivative at -3 and 3 is 0 "
           "as in PyTorch)",
       .kinks = kinks_at({-3, 3}),
       .value_depth = 3,
       .gradient_depth = 2,
       .flops = 4},
      {.name = "hard_swish",
       .summary = "dst = src min(max(src + 3, 0), 6) / 6, 0 at -infinity (Howard et al. 2019, ICCV, section 5.2; the "
                  "derivative at -3 and 3 is src / 3 + 1/2 as in PyTorch)",
       .kinks = kinks_at({-3, 3}),
       .value_depth = 4,
       .gradient_depth = 3,
       .flops = 5},
      {.name = "threshold",
       .summary =
           "dst = src > threshold ? src : value; diff_src = src > threshold ? diff_dst : 0, at the threshold too, as "
           "in PyTorch",
       .kinks = kinks_at_attributes({"threshold"}),
       .value_depth = 0,
       .gradient_depth = 0,
       .flops = 1,
       .attributes = {real_attribute("threshold", "what larger numbers pass", 0, kAnyReal),
                      real_attribute("value", "what takes the place of the others", 0, kAnyReal)},
       .cases = {"mb=2,c=3,iw=11,threshold=0.1,value=20", "mb=1,c=2,iw=19,threshold=-1,value=-2.5"}},
      {.name = "softsign",
       .summary = "dst = src / (1 + |src|); diff_src = diff_dst / (1 + |src|)^2 (Turian, Bergstra, Bengio 2009, NAACL)",
       .kinks = kinks_at({0}),  // of the derivative
       .value_depth = 2,
       .gradient_depth = 6,
       .flops = 3},
  };
}

std::vector<ActivationRow> smooth_rows() {
  return {
      {.name = "elu",
       .summary =
           "dst = src > 0 ? src : alpha (exp(src) - 1); diff_src = diff_dst alpha exp(src) there, at 0 too (Clevert, "
           "Unterthiner, Hochreiter 2016, ICLR)",
       .kinks = kinks_at({0}),
       .value_depth = 5,
       .gradient_depth = 4,
       .flops = 20,
       .attributes = {real_attribute("alpha", "minus the limit at -infinity", 1, kAnyReal)},
       .cases = {"mb=2,c=3,iw=11,alpha=0.3", "mb=1,c=2,iw=19,alpha=2"}},
      {.name = "selu",
       .summary =
           "dst = scale (src > 0 ? src : alpha (exp(src) - 1)), scale = 1.0507..., alpha = 1.6733...; the derivative "
           "at 0 is scale alpha (Klambauer, Unterthiner, Mayr, Hochreiter 2017, NIPS)",
       .kinks = kinks_at({0}),
       .value_depth = 6,
       .gradient_depth = 7,
       .flops = 21},
      {.name = "celu",
       .summary =
           "dst = src > 0 ? src : alpha (exp(src / alpha) - 1); diff_src = diff_dst exp(src / alpha) there (Barron "
           "2017, arXiv:1704.07483)",
       .kinks = kinks_at({0}),  // of the second derivative
       .value_depth = 7,
       .gradient_depth = 5,
       .flops = 21,
       .attributes = {real_attribute("alpha", "minus the limit at -infinity", 1, kLeastScale)},
       .cases = {"mb=2,c=3,iw=11,alpha=0.3", "mb=1,c=2,iw=19,alpha=2"},
       .invalid_cases = {{"mb=1,c=1,iw=4,alpha=0", "alpha"}}},
      {.name = "gelu",
       .summary =
           "dst = src P(X < src), X normal, 0 at -infinity; diff_src = diff_dst (P(X < src) + src p(src)) (Hendrycks "
           "and Gimpel 2016, arXiv:1606.08415)",
       .kinks = nullptr,
       .value_depth = 8,
       .gradient_depth = 14,
       .flops = 45},
      {.name = "gelu_tanh",
       .summary =
           "dst = src (1 + tanh(u)) / 2 = src sigmoid(2u), u = sqrt(2 / pi) (src + 0.044715 src^3), 0 at -infinity "
           "(Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2)",
       .kinks = nullptr,
       .value_depth = 12,
       .gradient_depth = 34,
       .flops = 25},
      {.name = "silu",
       .summary =
           "dst = src s, s = sigmoid(src), 0 at -infinity; diff_src = diff_dst (s + src s (1 - s)) (Elfwing, Uchibe, "
           "Doya 2018, Neural Networks 107)",
       .kinks = nullptr,
       .value_depth = 6,
       .gradient_depth = 14,
       .flops = 20},
      {.name = "mish",
       .summary = "dst = src tanh(log(1 + exp(src))), 0 at -infinity (Misra 2020, BMVC)",
       .kinks = nullptr,
       .value_depth = 15,
       .gradient_depth = 30,
       .flops = 25},
      {.name = "softplus",
       .summary =
           "dst = log(1 + exp(beta src)) / beta = max(src, 0) + log(1 + exp(-|beta src|)) / beta, which needs no "
           "threshold; diff_src = diff_dst sigmoid(beta src) (Dugas et al. 2001, NIPS)",
       .kinks = nullptr,
       .value_depth = 9,
       .gradient_depth = 7,
       .flops = 35,
       .attributes = {real_attribute("beta", "how sharp the bend is", 1, kLeastScale)},
       .cases = {"mb=2,c=3,iw=11,beta=0.3", "mb=1,c=2,iw=19,beta=20"},
       .invalid_cases = {{"mb=1,c=1,iw=4,beta=0", "beta"}}},
      {.name = "sigmoid",
       .summary = "dst = 1 / (1 + exp(-src)); diff_src = diff_dst sigmoid(src) sigmoid(-src)",
       .kinks = nullptr,
       .value_depth = 5,
       .gradient_depth = 13,
       .flops = 20},
      {.name = "tanh",
       .summary = "dst = tanh(src); diff_src = diff_dst 4 sigmoid(2 src) sigmoid(-2 src), which is 1 - dst^2",
       .kinks = nullptr,
       .value_depth = 4,
       .gradient_depth = 13,
       .flops = 25},
      {.name = "log_sigmoid",
       .summary = "dst = min(src, 0) - log(1 + exp(-|src|)); diff_src = diff_dst sigmoid(-src)",
       .kinks = nullptr,
       .value_depth = 6,
       .gradient_depth = 6,
       .flops = 35},
  };
}

Operation activation_of(const ActivationRow& row, std::vector<Implementation> implementations) {
  Operation op;
  op.spec.name = row.name;
  op.spec.family = "activation";
  op.spec.summary = row.summary;
  op.spec.attributes = map_attributes();
  op.spec.attributes.insert(op.spec.attributes.end(), row.attributes.begin(), row.attributes.end());
  op.spec.slots = {{.name = "src",
                    .role = Role::kInput,
                    .shape = map_shape,
                    .dependence = row.kinks ? Dependence::kKinked : Dependence::kSmooth,
                    .kinks = row.kinks},
                   {.name = "dst", .role = Role::kOutput, .shape = map_shape}};
  op.spec.validate = row.validate;
  op.spec.cost = [flops = row.flops](const Attributes& a, const Pass& pass) {
    return elementwise_cost(a, pass, flops);
  };
  op.spec.depth = [value = row.value_depth, gradient = row.gradient_depth](const Attributes&, const Pass& pass,
                                                                           std::string_view) {
    return pass.is_forward() ? value : gradient;
  };
  op.spec.exact_on_integers = row.value_depth == 0;
  op.spec.contains_nan = [](const Pass&, std::string_view) { return true; };
  op.spec.smoke_cases = elementwise_smoke_cases();
  op.spec.smoke_cases.insert(op.spec.smoke_cases.end(), row.cases.begin(), row.cases.end());
  op.spec.full_cases = elementwise_full_cases();
  op.spec.invalid_cases = elementwise_invalid_cases();
  op.spec.invalid_cases.insert(op.spec.invalid_cases.end(), row.invalid_cases.begin(), row.invalid_cases.end());
  op.implementations = std::move(implementations);
  return op;
}

}  // namespace

std::vector<Operation> activation_operations() {
  std::vector<Operation> operations;
  for (const ActivationRow& row : piecewise_rows())
    operations.push_back(activation_of(row, piecewise_simd_implementations()));
  for (const ActivationRow& row : smooth_rows())
    operations.push_back(activation_of(row, smooth_simd_implementations()));
  return operations;
}

Operation activation_operation(std::string_view name) {
  for (Operation& operation : activation_operations())
    if (operation.spec.name == name) return std::move(operation);
  refuse("there is no activation '{}'", name);
}

}  // namespace gradproof
