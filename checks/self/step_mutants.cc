// Wrong steps: a table of right ones, of which each mutant replaces the value or the slope.
#include <cmath>
#include <map>

#include "checks/self/mutant.h"
#include "checks/self/naive.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

using A = const Attributes&;

double step_of_number(double x, A) { return x > 0 ? 1 : 0; }
double no_slope(double, A) { return 0; }
double slope_of_ramp(double x, A a) { return std::abs(x) > held(a, "width") / 2 ? 0 : 1 / held(a, "width"); }

const std::map<std::string, NaiveFunction>& right_steps() {
  static const std::map<std::string, NaiveFunction> functions{
      {"step", {step_of_number, no_slope}},
      {"sign", {[](double x, A) { return x > 0   ? 1
                                         : x < 0 ? -1
                                                 : x; }, no_slope}},
      {"step_ste", {step_of_number, [](double, A) { return 1.0; }}},
      {"step_ste_clipped", {step_of_number, [](double x, A a) { return std::abs(x) > held(a, "limit") ? 0.0 : 1.0; }}},
      {"step_linear", {step_of_number, slope_of_ramp}},
      {"step_sigmoid",
       {step_of_number,
        [](double x, A a) {
          const double power = std::exp(-std::abs(x / held(a, "width")));
          return power / ((1 + power) * (1 + power)) / held(a, "width");
        }}},
      {"step_numerical",
       {step_of_number, [](double x, A a) { return x == -held(a, "width") / 2 ? 0 : slope_of_ramp(x, a); }}},
  };
  return functions;
}

// Declared flat, but with a slope of 2^-40, forward and in the gradient.
template <class T>
struct SlopingStepFormulas {
  SlopingStepFormulas(const Case&, const Arrays<T>& inputs) : src(inputs, "src"), diff_dst(inputs, "diff_dst") {}
  T dst(const Point& p) const { return select(exceeds(src(p), T(0.0)), T(1.0), T(0.0)) + T(0x1p-40) * src(p); }
  T diff_src(const Point& p) const { return T(0x1p-40) * diff_dst(p); }
  static FormulaTable<SlopingStepFormulas, T> table() {
    return {{"dst", &SlopingStepFormulas::dst}, {"diff_src", &SlopingStepFormulas::diff_src}};
  }
  const Grid<T> src, diff_dst;
};

struct StepMutantRow {
  const char *name, *operation, *what;
  std::vector<std::string> oracles;
  Curve value = nullptr, slope = nullptr;  // what is wrong
};

std::vector<StepMutantRow> wrong_steps() {
  const std::vector<std::string> forward{"forward", "exact", "special"}, any{"vjp", "fd-direct"};
  return {
      {"one-at-zero", "step", "step(0) = 1", forward, [](double x, A) { return x >= 0 ? 1.0 : 0.0; }},
      {"straight-through", "step", "a gradient that the step has not", any, nullptr, [](double, A) { return 1.0; }},
      {"one-at-zero", "sign", "sign(0) = 1", forward, [](double x, A) { return x >= 0 ? 1.0 : -1.0; }},
      {"sign-for-step", "step_ste", "-1 for 0", {"forward", "exact"}, [](double x, A) { return x > 0 ? 1.0 : -1.0; }},
      {"clipped",
       "step_ste",
       "the gradient is cut off beyond 1",
       {"vjp", "fd-direct", "exact"},
       nullptr,
       [](double x, A) { return std::abs(x) > 1 ? 0.0 : 1.0; }},
      {"no-mask",
       "step_ste_clipped",
       "the mask |x| <= limit is missing",
       {"vjp", "fd-direct", "exact"},
       nullptr,
       [](double, A) { return 1.0; }},
      {"open-ends",
       "step_ste_clipped",
       "|x| < limit for |x| <= limit",
       {"vjp", "exact", "kink"},
       nullptr,
       [](double x, A a) { return std::abs(x) >= held(a, "limit") ? 0.0 : 1.0; }},
      {"half-slope", "step_linear", "1 / (2 width) for 1 / width", any, nullptr,
       [](double x, A a) { return slope_of_ramp(x, a) / 2; }},
      {"twice-as-wide", "step_linear", "|x| <= width for |x| <= width / 2", any, nullptr,
       [](double x, A a) { return std::abs(x) > held(a, "width") ? 0 : 1 / held(a, "width"); }},
      {"width-lost", "step_sigmoid", "the factor 1 / width is missing", any, nullptr,
       [](double x, A a) {
         const double power = std::exp(-std::abs(x / held(a, "width")));
         return power / ((1 + power) * (1 + power));
       }},
      {"one-sided", "step_numerical", "step(x + width) - step(x)", any, nullptr,
       [](double x, A a) { return x > -held(a, "width") && x <= 0 ? 1 / held(a, "width") : 0; }},
      {"closed-left", "step_numerical", "at -width / 2 the slope of the ramp", {"kink"}, nullptr, slope_of_ramp},
      {"half-slope", "step_numerical", "1 / (2 width) for 1 / width", any, nullptr,
       [](double x, A a) { return x == -held(a, "width") / 2 ? 0 : slope_of_ramp(x, a) / 2; }},
  };
}

}  // namespace

std::vector<Mutant> step_mutants() {
  std::vector<Mutant> mutants;
  for (const StepMutantRow& row : wrong_steps()) {
    NaiveFunction f = right_steps().at(row.operation);
    if (row.value != nullptr) f.value = row.value;
    if (row.slope != nullptr) f.slope = row.slope;
    mutants.push_back({row.name, row.operation, row.what, row.oracles, naive_function(row.name, f), {}});
  }
  mutants.push_back({"not-flat",
                     "step",
                     "declared flat, but the reference rises a little",
                     {"fd", "fd50"},
                     {},
                     make_reference<SlopingStepFormulas>()});
  return mutants;
}

std::vector<Mutant> healthy_steps() {
  std::vector<Mutant> controls;
  for (const auto& [name, f] : right_steps())
    controls.push_back({"healthy-" + name, name, "no bug", {}, naive_function("healthy", f), {}});
  return controls;
}

}  // namespace gradproof
