// The step function, sign, and stand-ins for the step: the step forward, and the gradient of a surrogate.

#include <algorithm>

#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// 1 for positive numbers, NaN of NaN, otherwise 0.
template <class T>
T step(const T& x) {
  const T zero(0.0);
  return select(exceeds(zero, -x), T(1.0), select(exceeds(x, zero), x, zero));
}

template <class T>
T sign(const T& x) {
  const T zero(0.0);
  return select(exceeds(zero, x), T(-1.0), select(exceeds(zero, -x), T(1.0), x));
}

// A parameter as float32 holds it.
template <class T>
T held(const Attributes& a, std::string_view key) {
  return T(static_cast<double>(static_cast<float>(a.real(key))));
}

// Half of it, which float32 holds as well.
template <class T>
T half(const Attributes& a, std::string_view key) {
  return T(static_cast<double>(static_cast<float>(a.real(key))) / 2);
}

// x within [-limit, limit], or the end that is nearer.
template <class T>
T clipped(const T& x, const T& limit) {
  return select(exceeds(-limit, x), -limit, select(exceeds(-limit, -x), limit, x));
}

// y if -limit <= x <= limit or x is NaN, otherwise 0.
template <class T>
T where_clipped_passes(const T& x, const T& limit, const T& y) {
  const T zero(0.0);
  return select(exceeds(-limit, x), zero, select(exceeds(-limit, -x), zero, y));
}

// From 0 at -width / 2 to 1 at width / 2.
template <class T>
T ramp(const T& x, const Attributes& a) {
  return clipped(x, half<T>(a, "width")) / held<T>(a, "width") + T(0.5);
}

template <class T>
struct StepRow {
  const char* name;
  T (*value)(const T& x);
  T (*surrogate)(const T& x, const Attributes& a);
  T (*gradient)(const T& x, const T& diff, const Attributes& a);  // of the surrogate
};

template <class T>
const StepRow<T> kStepRows[] = {
    {"step", step<T>, nullptr, [](const T&, const T&, const Attributes&) { return T(0.0); }},
    {"sign", sign<T>, nullptr, [](const T&, const T&, const Attributes&) { return T(0.0); }},
    {"step_ste", step<T>, [](const T& x, const Attributes&) { return x; },
     [](const T&, const T& diff, const Attributes&) { return diff; }},
    {"step_ste_clipped", step<T>, [](const T& x, const Attributes& a) { return clipped(x, held<T>(a, "limit")); },
     [](const T& x, const T& diff, const Attributes& a) { return where_clipped_passes(x, held<T>(a, "limit"), diff); }},
    {"step_linear", step<T>, ramp<T>,
     [](const T& x, const T& diff, const Attributes& a) {
       return where_clipped_passes(x, half<T>(a, "width"), T(diff / held<T>(a, "width")));
     }},
    {"step_sigmoid", step<T>, [](const T& x, const Attributes& a) { return sigmoid(T(x / held<T>(a, "width"))); },
     [](const T& x, const T& diff, const Attributes& a) {
       const T width = held<T>(a, "width"), y = x / width;
       return diff * (sigmoid(y) * sigmoid(-y)) / width;
     }},
    {"step_numerical", step<T>, ramp<T>,
     [](const T& x, const T& diff, const Attributes& a) {
       // (step(x + width / 2) - step(x - width / 2)) / width, of decisions that float32 takes alike
       const T width = held<T>(a, "width"), limit = half<T>(a, "width"), zero(0.0);
       return select(exceeds(x, -limit), select(exceeds(-limit, -x), zero, T(diff / width)), zero);
     }},
};

template <class T>
struct StepFormulas {
  T dst(const Point& p) const { return row.value(src(p)); }
  T surrogate(const Point& p) const { return row.surrogate(src(p), attributes); }
  T diff_src(const Point& p) const { return row.gradient(src(p), diff_dst(p), attributes); }

  static FormulaTable<StepFormulas, T> table() {
    return {
        {"dst", &StepFormulas::dst}, {"surrogate", &StepFormulas::surrogate}, {"diff_src", &StepFormulas::diff_src}};
  }

  StepFormulas(const Case& c, const Arrays<T>& inputs)
      : row(row_of(c.spec->name)), attributes(c.attributes), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

 private:
  static const StepRow<T>& row_of(const std::string& name) {
    const auto named = [&](const StepRow<T>& candidate) { return candidate.name == name; };
    const auto* found = std::find_if(std::begin(kStepRows<T>), std::end(kStepRows<T>), named);
    return found != std::end(kStepRows<T>) ? *found : throw std::out_of_range("no formulas of the step " + name);
  }

  const StepRow<T>& row;
  const Attributes attributes;
  const Grid<T> src, diff_dst;
};

}  // namespace

Reference step_reference() { return make_reference<StepFormulas>(); }

}  // namespace gradproof
