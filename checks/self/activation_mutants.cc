// Wrong nonlinearities: a table of right ones in double, of which each mutant replaces the value or the slope.
#include <cmath>
#include <limits>
#include <map>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"

namespace gradproof {
namespace {

using Curve = double (*)(double x, const Attributes& a);

struct Function {
  Curve value, slope;
};

double sigmoid_in_double(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_in_double(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::abs(x))); }
double normal_in_double(double x) { return std::erfc(-x * std::sqrt(0.5)) / 2; }
double density_in_double(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); }
double gelu_argument(double x) { return 2 * std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x); }
double gelu_argument_slope(double x) { return 2 * std::sqrt(2 / std::acos(-1.0)) * (1 + 3 * 0.044715 * x * x); }

// x f, which is 0 where f is, at infinity too.
double fading(double x, double f) { return f == 0 ? 0 : x * f; }

// Attributes as kernels hold them.
double held(const Attributes& a, std::string_view key) { return static_cast<float>(a.real(key)); }

constexpr double kScale = 1.0507009873554805, kAlpha = 1.6732632423543772;

// NaN is on the right of every limit.
const std::map<std::string, Function>& right_functions() {
  using A = const Attributes&;
  static const std::map<std::string, Function> functions{
      {"leaky_relu",
       {[](double x, A a) { return x <= 0 ? held(a, "slope") * x : x; },
        [](double x, A a) { return x <= 0 ? held(a, "slope") : 1; }}},
      {"relu6",
       {[](double x, A) { return x < 0   ? 0
                                 : x > 6 ? 6
                                         : x; },
        [](double x, A) { return x <= 0 || x >= 6 ? 0.0 : 1.0; }}},
      {"hard_tanh",
       {[](double x, A a) { return x < held(a, "min")   ? held(a, "min")
                                   : x > held(a, "max") ? held(a, "max")
                                                        : x; },
        [](double x, A a) { return x <= held(a, "min") || x >= held(a, "max") ? 0.0 : 1.0; }}},
      {"hard_sigmoid",
       {[](double x, A) { return x < -3  ? 0
                                 : x > 3 ? 1
                                         : (x + 3) / 6; },
        [](double x, A) { return x <= -3 || x >= 3 ? 0 : 1.0 / 6; }}},
      {"hard_swish",
       {[](double x, A) { return x < -3  ? 0
                                 : x > 3 ? x
                                         : x * (x + 3) / 6; },
        [](double x, A) { return x < -3  ? 0
                                 : x > 3 ? 1
                                         : x / 3 + 0.5; }}},
      {"threshold",
       {[](double x, A a) { return x <= held(a, "threshold") ? held(a, "value") : x; },
        [](double x, A a) { return x <= held(a, "threshold") ? 0.0 : 1.0; }}},
      {"softsign",
       {[](double x, A) { return x / (1 + std::abs(x)); },
        [](double x, A) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }}},
      {"elu",
       {[](double x, A a) { return x <= 0 ? held(a, "alpha") * std::expm1(x) : x; },
        [](double x, A a) { return x <= 0 ? held(a, "alpha") * std::exp(x) : 1; }}},
      {"selu",
       {[](double x, A) { return kScale * (x <= 0 ? kAlpha * std::expm1(x) : x); },
        [](double x, A) { return kScale * (x <= 0 ? kAlpha * std::exp(x) : 1); }}},
      {"celu",
       {[](double x, A a) { return x <= 0 ? held(a, "alpha") * std::expm1(x / held(a, "alpha")) : x; },
        [](double x, A a) { return x <= 0 ? std::exp(x / held(a, "alpha")) : 1; }}},
      {"gelu",
       {[](double x, A) { return fading(x, normal_in_double(x)); },
        [](double x, A) { return normal_in_double(x) + fading(x, density_in_double(x)); }}},
      {"gelu_tanh",
       {[](double x, A) { return fading(x, sigmoid_in_double(gelu_argument(x))); },
        [](double x, A) {
          const double s = sigmoid_in_double(gelu_argument(x)), other = sigmoid_in_double(-gelu_argument(x));
          return s + fading(x * gelu_argument_slope(x), s * other);
        }}},
      {"silu",
       {[](double x, A) { return fading(x, sigmoid_in_double(x)); },
        [](double x, A) { return sigmoid_in_double(x) + fading(x, sigmoid_in_double(x) * sigmoid_in_double(-x)); }}},
      {"mish",
       {[](double x, A) { return fading(x, std::tanh(softplus_in_double(x))); },
        [](double x, A) {
          const double t = std::tanh(softplus_in_double(x));
          return t + fading(x, (1 - t) * (1 + t) * sigmoid_in_double(x));
        }}},
      {"softplus",
       {[](double x, A a) {
          return std::fmax(x, 0) + std::log1p(std::exp(-std::abs(held(a, "beta") * x))) / held(a, "beta");
        },
        [](double x, A a) { return sigmoid_in_double(held(a, "beta") * x); }}},
      {"sigmoid",
       {[](double x, A) { return sigmoid_in_double(x); },
        [](double x, A) { return sigmoid_in_double(x) * sigmoid_in_double(-x); }}},
      {"tanh",
       {[](double x, A) { return std::tanh(x); },
        [](double x, A) { return 4 * sigmoid_in_double(2 * x) * sigmoid_in_double(-2 * x); }}},
      {"log_sigmoid",
       {[](double x, A) { return -softplus_in_double(-x); }, [](double x, A) { return sigmoid_in_double(-x); }}},
  };
  return functions;
}

// A slope of 0 cuts the cotangent off, whatever it is.
void naive_activation(const NaiveCall& call, const Function& f) {
  const float* src = call.floats("src");
  for (Index i = 0; i < call.count("src"); ++i) {
    if (call.pass.is_forward()) {
      const double value = std::isnan(src[i]) ? src[i] : f.value(src[i], call.attributes);
      call.floats("dst")[i] = static_cast<float>(value);
      continue;
    }
    const double slope = f.slope(src[i], call.attributes);
    call.floats("diff_src")[i] = slope == 0 ? 0.0F : static_cast<float>(slope * call.floats("diff_dst")[i]);
  }
}

Implementation naive_function(const std::string& name, const Function& f) {
  return naive_implementation(name, [f](const NaiveCall& call) { naive_activation(call, f); });
}

enum class PreluBug { kNone, kFirstSlope, kWrongAxis, kPositiveSide, kFirstSample, kGradientAtZero };

void naive_prelu(const NaiveCall& call, PreluBug bug) {
  const Index channels = call.attributes.integer("c"), samples = call.attributes.integer("mb");
  const Index plane = call.count("src") / (channels * samples);
  call.zero_outputs();
  std::vector<double> sums(static_cast<size_t>(channels));
  for (Index i = 0; i < call.count("src"); ++i) {
    const Index c = i / plane % channels;
    const float x = call.floats("src")[i], slope = call.floats("slope")[bug == PreluBug::kFirstSlope ? 0 : c];
    if (call.pass.is_forward()) {
      call.floats("dst")[i] = x <= 0 ? slope * x : x;
      continue;
    }
    const float diff = call.floats("diff_dst")[i];
    if (call.pass.slot == "src") {
      const bool left = bug == PreluBug::kGradientAtZero ? x < 0 : x <= 0;
      call.floats("diff_src")[i] = left ? slope * diff : diff;
      continue;
    }
    if (bug == PreluBug::kFirstSample && i >= channels * plane) break;
    const Index sum = bug == PreluBug::kWrongAxis ? i % channels : c;
    if (bug == PreluBug::kPositiveSide ? x > 0 : x <= 0)
      sums[static_cast<size_t>(sum)] += static_cast<double>(x) * diff;
  }
  if (call.pass.slot == "slope")
    for (Index c = 0; c < channels; ++c)
      call.floats("diff_slope")[c] = static_cast<float>(sums[static_cast<size_t>(c)]);
}

Implementation prelu(const std::string& name, PreluBug bug) {
  return naive_implementation(name, [bug](const NaiveCall& call) { naive_prelu(call, bug); });
}

struct MutantRow {
  const char *name, *operation, *what;
  std::vector<std::string> oracles;
  Curve value = nullptr, slope = nullptr;  // what is wrong
};

float as_float(double x) { return static_cast<float>(x); }

std::vector<MutantRow> wrong_values() {
  using A = const Attributes&;
  return {
      {"no-upper-limit",
       "relu6",
       "the upper limit is missing",
       {"forward", "special"},
       [](double x, A) { return x < 0 ? 0 : x; }},
      {"symmetric",
       "hard_tanh",
       "the lower limit is minus the upper one",
       {"forward"},
       [](double x, A a) { return std::fmax(-held(a, "max"), std::fmin(x, held(a, "max"))); }},
      {"other-slope",
       "hard_sigmoid",
       "0.2 x + 0.5, as Keras once had it",
       {"forward"},
       [](double x, A) { return std::fmax(0, std::fmin(1, 0.2 * x + 0.5)); }},
      {"limits-off",
       "hard_swish",
       "the limits are +-2",
       {"forward"},
       [](double x, A) { return x < -2  ? 0
                                : x > 2 ? x
                                        : x * (x + 3) / 6; }},
      {"not-strict",
       "threshold",
       "the threshold itself passes",
       {"forward", "exact"},
       [](double x, A a) { return x < held(a, "threshold") ? held(a, "value") : x; }},
      {"cancels",
       "elu",
       "exp(x) - 1 near 0",
       {"forward"},
       [](double x, A a) { return x <= 0 ? held(a, "alpha") * (as_float(std::exp(x)) - 1) : x; }},
      {"tail-lost",
       "gelu",
       "0.5 x (1 + erf), which cancels on the left",
       {"forward"},
       [](double x, A) { return fading(x, 0.5F * (1.0F + std::erf(as_float(x * std::sqrt(0.5))))); }},
      {"by-tanh",
       "gelu",
       "the approximation by tanh",
       {"forward"},
       [](double x, A) { return fading(x, sigmoid_in_double(gelu_argument(x))); }},
      {"overflows",
       "softplus",
       "log(1 + exp(x)) overflows",
       {"forward"},
       [](double x, A a) {
         return static_cast<double>(std::log1p(std::exp(as_float(held(a, "beta") * x)))) / held(a, "beta");
       }},
      {"overflows",
       "sigmoid",
       "exp(x) / (1 + exp(x)) overflows",
       {"forward", "special"},
       [](double x, A) { return static_cast<double>(std::exp(as_float(x)) / (1 + std::exp(as_float(x)))); }},
      {"log-of-sigmoid",
       "log_sigmoid",
       "the logarithm of what underflows",
       {"forward"},
       [](double x, A) { return static_cast<double>(std::log(as_float(sigmoid_in_double(x)))); }},
      {"overflows",
       "mish",
       "exp(x)^2 overflows",
       {"forward"},
       [](double x, A) {
         const float e = std::exp(as_float(x)), n = e * (e + 2);
         return fading(x, n / (n + 2));
       }},
  };
}

std::vector<MutantRow> wrong_slopes() {
  using A = const Attributes&;
  const std::vector<std::string> any{"vjp", "fd-direct"};
  return {
      {"gradient-of-relu", "leaky_relu", "the gradient lacks the slope", any, nullptr,
       [](double x, A) { return x <= 0 ? 0.0 : 1.0; }},
      {"gradient-at-zero",
       "leaky_relu",
       "the gradient at 0 is that of the right",
       {"vjp", "kink"},
       nullptr,
       [](double x, A a) { return x < 0 ? held(a, "slope") : 1; }},
      {"gradient-above-six",
       "relu6",
       "the gradient passes above 6",
       {"vjp", "kink"},
       nullptr,
       [](double x, A) { return x <= 0 ? 0.0 : 1.0; }},
      {"no-product-rule", "hard_swish", "the gradient lacks the product rule", any, nullptr,
       [](double x, A) { return x < -3  ? 0
                                : x > 3 ? 1
                                        : (x + 3) / 6; }},
      {"outer-slopes",
       "hard_swish",
       "at -3 and 3 the outer slopes",
       {"kink"},
       nullptr,
       [](double x, A) { return x <= -3  ? 0
                                : x >= 3 ? 1
                                         : x / 3 + 0.5; }},
      {"not-squared", "softsign", "the square is missing", any, nullptr,
       [](double x, A) { return 1 / (1 + std::abs(x)); }},
      {"alpha-missing", "elu", "the gradient lacks alpha", any, nullptr,
       [](double x, A) { return x <= 0 ? std::exp(x) : 1; }},
      {"scale-missing", "selu", "the gradient lacks the scale", any, nullptr,
       [](double x, A) { return x <= 0 ? kAlpha * std::exp(x) : 1; }},
      {"gradient-of-elu", "celu", "the gradient has alpha as elu's has", any, nullptr,
       [](double x, A a) { return x <= 0 ? held(a, "alpha") * std::exp(x / held(a, "alpha")) : 1; }},
      {"density-missing", "gelu", "the gradient lacks x p(x)", any, nullptr,
       [](double x, A) { return normal_in_double(x); }},
      {"cube-missing", "gelu_tanh", "the slope of the argument lacks the square", any, nullptr,
       [](double x, A) {
         const double s = sigmoid_in_double(gelu_argument(x));
         return s + fading(x, 2 * std::sqrt(2 / std::acos(-1.0)) * s * (1 - s));
       }},
      {"no-product-rule", "silu", "the gradient lacks x s (1 - s)", any, nullptr,
       [](double x, A) { return sigmoid_in_double(x); }},
      {"chain-broken", "mish", "the gradient lacks softplus'", any, nullptr,
       [](double x, A) {
         const double t = std::tanh(softplus_in_double(x));
         return t + fading(x, (1 - t) * (1 + t));
       }},
      {"beta-twice", "softplus", "the gradient has a factor beta", any, nullptr,
       [](double x, A a) { return held(a, "beta") * sigmoid_in_double(held(a, "beta") * x); }},
      {"tail-lost",
       "sigmoid",
       "y (1 - y), which cancels on the right",
       {"vjp"},
       nullptr,
       [](double x, A) {
         const float y = as_float(sigmoid_in_double(x));
         return static_cast<double>(y * (1 - y));
       }},
      {"not-squared", "tanh", "1 - y for 1 - y^2", any, nullptr, [](double x, A) { return 1 - std::tanh(x); }},
      {"tail-lost",
       "tanh",
       "1 - y^2, which cancels at both ends",
       {"vjp"},
       nullptr,
       [](double x, A) {
         const float y = as_float(std::tanh(x));
         return static_cast<double>(1 - y * y);
       }},
      {"sign-lost", "log_sigmoid", "sigmoid(x) for sigmoid(-x)", any, nullptr,
       [](double x, A) { return sigmoid_in_double(x); }},
  };
}

Mutant mutant_of(const MutantRow& row) {
  Function f = right_functions().at(row.operation);
  if (row.value != nullptr) f.value = row.value;
  if (row.slope != nullptr) f.slope = row.slope;
  return {row.name, row.operation, row.what, row.oracles, naive_function(row.name, f), {}};
}

}  // namespace

std::vector<Mutant> activation_mutants() {
  std::vector<Mutant> mutants;
  for (const MutantRow& row : wrong_values()) mutants.push_back(mutant_of(row));
  for (const MutantRow& row : wrong_slopes()) mutants.push_back(mutant_of(row));
  const auto planted = [&](const char* name, PreluBug bug, const char* what, std::vector<std::string> oracles) {
    mutants.push_back({name, "prelu", what, std::move(oracles), prelu(name, bug), {}});
  };
  planted("first-slope", PreluBug::kFirstSlope, "all channels take the first slope", {"forward", "vjp", "exact"});
  planted("wrong-axis", PreluBug::kWrongAxis, "the slope's gradient sums over the wrong axis",
          {"vjp", "fd-direct", "exact"});
  planted("positive-side", PreluBug::kPositiveSide, "the slope's gradient sums the other side",
          {"vjp", "fd-direct", "exact"});
  planted("first-sample", PreluBug::kFirstSample, "the slope's gradient is of the first sample",
          {"vjp", "fd-direct", "exact"});
  planted("gradient-at-zero", PreluBug::kGradientAtZero, "the gradient at 0 is that of the right",
          {"vjp", "exact", "kink"});
  return mutants;
}

std::vector<Mutant> healthy_activations() {
  std::vector<Mutant> controls{{"healthy-prelu", "prelu", "no bug", {}, prelu("healthy", PreluBug::kNone), {}}};
  for (const auto& [name, f] : right_functions())
    controls.push_back({"healthy-" + name, name, "no bug", {}, naive_function("healthy", f), {}});
  return controls;
}

}  // namespace gradproof
