// Activations and their gradients, element by element: a table of textbook formulas. What ops/activation/activations.cc
// says about each (source, attributes, conventions) is not repeated here.

#include <algorithm>
#include <limits>

#include "reference/families.h"
#include "reference/formulas.h"

namespace gradproof {
namespace {

// A parameter of a function is a float32 number, so that both sides compare with the same limits.
template <class T>
T parameter(const Attributes& attributes, std::string_view key) {
  return T(static_cast<double>(static_cast<float>(attributes.real(key))));
}

// NaN is not below and not above anything.
template <class T>
auto below(const T& x, double limit) {
  return exceeds(T(limit), x);
}
template <class T>
auto above(const T& x, const T& limit) {
  return exceeds(-limit, -x);
}

// Of an operand without error the result has none.
template <class T>
T absolute(const T& x) {
  return select(below(x, 0), -x, x);
}

// x f where f goes to 0 faster than x to infinity, and so does their product; IEEE's would be NaN.
template <class T>
T times_fading(const T& x, const T& f) {
  const auto size = static_cast<double>(value_of(x));
  return std::isinf(size) && static_cast<double>(value_of(f)) == 0 ? T(0.0) : T(x * f);
}

// x if low <= x <= high, otherwise the limit that is nearer.
template <class T>
T clamp(const T& x, const T& low, const T& high) {
  return select(exceeds(low, x), low, select(above(x, high), high, x));
}

// y if low < x < high or x is NaN, otherwise 0.
template <class T>
T strictly_within(const T& x, const T& low, const T& high, const T& y) {
  const T zero(0.0);
  return select(exceeds(x, low), select(exceeds(-x, -high), y, zero), zero);
}

// `right` if x > 0 or x is NaN, otherwise `left`.
template <class T>
T by_sign(const T& x, const T& right, const T& left) {
  return select(exceeds(x, T(0.0)), right, left);
}

// log(1 + exp(x)), where exp does not overflow.
template <class T>
T softplus(const T& x) {
  return select(below(x, 0), T(0.0), x) + log1p(exp(-absolute(x)));
}

// sigmoid'
template <class T>
T sigmoid_slope(const T& x) {
  return sigmoid(x) * sigmoid(-x);
}

// What gelu's tanh is taken of, twice: gelu_tanh is x (1 + tanh(u / 2)) / 2 = x sigmoid(u). And its derivative.
template <class T>
T tanh_argument(const T& x) {
  return T(1.5957691216057308) * (x + T(0.044715) * (x * x * x));
}
template <class T>
T tanh_argument_slope(const T& x) {
  return T(1.5957691216057308) * (T(1.0) + T(3.0) * T(0.044715) * (x * x));
}

template <class T>
const T kSeluScale = T(1.0507009873554805);
template <class T>
const T kSeluAlpha = T(1.6732632423543772);

template <class T>
struct Row {
  const char* name;
  T (*value)(const T& x, const Attributes& a);
  T (*gradient)(const T& x, const T& diff, const Attributes& a);
};

template <class T>
const Row<T> kRows[] = {
    {"relu", [](const T& x, const Attributes&) { return select(below(x, 0), T(0.0), x); },
     [](const T& x, const T& diff, const Attributes&) { return by_sign(x, diff, T(0.0)); }},
    {"leaky_relu", [](const T& x, const Attributes& a) { return by_sign(x, x, T(parameter<T>(a, "slope") * x)); },
     [](const T& x, const T& diff, const Attributes& a) {
       return by_sign(x, diff, T(parameter<T>(a, "slope") * diff));
     }},
    {"relu6", [](const T& x, const Attributes&) { return clamp(x, T(0.0), T(6.0)); },
     [](const T& x, const T& diff, const Attributes&) { return strictly_within(x, T(0.0), T(6.0), diff); }},
    {"hard_tanh",
     [](const T& x, const Attributes& a) { return clamp(x, parameter<T>(a, "min"), parameter<T>(a, "max")); },
     [](const T& x, const T& diff, const Attributes& a) {
       return strictly_within(x, parameter<T>(a, "min"), parameter<T>(a, "max"), diff);
     }},
    {"hard_sigmoid",
     [](const T& x, const Attributes&) {
       const T inner = (x + T(3.0)) / T(6.0);
       return select(exceeds(x, T(-3.0)), select(exceeds(-x, T(-3.0)), inner, T(1.0)), T(0.0));
     },
     [](const T& x, const T& diff, const Attributes&) {
       return strictly_within(x, T(-3.0), T(3.0), T(diff / T(6.0)));
     }},
    {"hard_swish",
     [](const T& x, const Attributes&) {
       return select(below(x, -3), T(0.0), select(above(x, T(3.0)), x, T(x * ((x + T(3.0)) / T(6.0)))));
     },
     [](const T& x, const T& diff, const Attributes&) {
       const T inner = diff * (x / T(3.0) + T(0.5));
       return select(below(x, -3), T(0.0), select(above(x, T(3.0)), diff, inner));
     }},
    {"threshold",
     [](const T& x, const Attributes& a) {
       return select(exceeds(x, parameter<T>(a, "threshold")), x, parameter<T>(a, "value"));
     },
     [](const T& x, const T& diff, const Attributes& a) {
       return select(exceeds(x, parameter<T>(a, "threshold")), diff, T(0.0));
     }},
    {"softsign", [](const T& x, const Attributes&) { return x / (T(1.0) + absolute(x)); },
     [](const T& x, const T& diff, const Attributes&) {
       const T share = T(1.0) / (T(1.0) + absolute(x));
       return diff * share * share;
     }},
    {"elu", [](const T& x, const Attributes& a) { return by_sign(x, x, T(parameter<T>(a, "alpha") * expm1(x))); },
     [](const T& x, const T& diff, const Attributes& a) {
       return by_sign(x, diff, T(diff * (parameter<T>(a, "alpha") * exp(x))));
     }},
    {"selu",
     [](const T& x, const Attributes&) {
       return by_sign(x, T(kSeluScale<T> * x), T(kSeluScale<T> * kSeluAlpha<T> * expm1(x)));
     },
     [](const T& x, const T& diff, const Attributes&) {
       return by_sign(x, T(diff * kSeluScale<T>), T(diff * (kSeluScale<T> * kSeluAlpha<T> * exp(x))));
     }},
    {"celu",
     [](const T& x, const Attributes& a) {
       const T alpha = parameter<T>(a, "alpha");
       return by_sign(x, x, T(alpha * expm1(T(x / alpha))));
     },
     [](const T& x, const T& diff, const Attributes& a) {
       return by_sign(x, diff, T(diff * exp(T(x / parameter<T>(a, "alpha")))));
     }},
    {"gelu", [](const T& x, const Attributes&) { return times_fading(x, normal_cdf(x)); },
     [](const T& x, const T& diff, const Attributes&) {
       return diff * (normal_cdf(x) + times_fading(x, normal_density(x)));
     }},
    {"gelu_tanh", [](const T& x, const Attributes&) { return times_fading(x, sigmoid(tanh_argument(x))); },
     [](const T& x, const T& diff, const Attributes&) {
       const T u = tanh_argument(x), factor = times_fading(T(x * tanh_argument_slope(x)), sigmoid_slope(u));
       return diff * (sigmoid(u) + factor);
     }},
    {"silu", [](const T& x, const Attributes&) { return times_fading(x, sigmoid(x)); },
     [](const T& x, const T& diff, const Attributes&) {
       return diff * (sigmoid(x) + times_fading(x, sigmoid_slope(x)));
     }},
    {"mish", [](const T& x, const Attributes&) { return times_fading(x, T(tanh(softplus(x)))); },
     [](const T& x, const T& diff, const Attributes&) {
       const T y = softplus(x), slope = T(4.0) * sigmoid_slope(T(y + y)) * sigmoid(x);
       return diff * (tanh(y) + times_fading(x, slope));
     }},
    {"softplus",
     [](const T& x, const Attributes& a) {
       const T beta = parameter<T>(a, "beta");
       return select(below(x, 0), T(0.0), x) + log1p(exp(-absolute(T(beta * x)))) / beta;
     },
     [](const T& x, const T& diff, const Attributes& a) { return diff * sigmoid(T(parameter<T>(a, "beta") * x)); }},
    {"sigmoid", [](const T& x, const Attributes&) { return sigmoid(x); },
     [](const T& x, const T& diff, const Attributes&) { return diff * sigmoid_slope(x); }},
    {"tanh", [](const T& x, const Attributes&) { return T(tanh(x)); },
     [](const T& x, const T& diff, const Attributes&) { return diff * (T(4.0) * sigmoid_slope(T(x + x))); }},
    {"log_sigmoid",
     [](const T& x, const Attributes&) { return select(below(x, 0), x, T(0.0)) - log1p(exp(-absolute(x))); },
     [](const T& x, const T& diff, const Attributes&) { return diff * sigmoid(-x); }},
};

template <class T>
const Row<T>& row_of(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(kRows<T>), std::end(kRows<T>), [&](const Row<T>& row) { return row.name == name; });
  return found != std::end(kRows<T>) ? *found : throw std::out_of_range("no formulas of the activation " + name);
}

template <class T>
struct ActivationFormulas {
  T dst(const Point& p) const { return row.value(src(p), attributes); }
  T diff_src(const Point& p) const { return row.gradient(src(p), diff_dst(p), attributes); }

  static FormulaTable<ActivationFormulas, T> table() {
    return {{"dst", &ActivationFormulas::dst}, {"diff_src", &ActivationFormulas::diff_src}};
  }

  ActivationFormulas(const Case& c, const Arrays<T>& inputs)
      : row(row_of<T>(c.spec->name)), attributes(c.attributes), src(inputs, "src"), diff_dst(inputs, "diff_dst") {}

 private:
  const Row<T>& row;
  const Attributes attributes;
  const Grid<T> src, diff_dst;
};

// prelu (He, Zhang, Ren, Sun 2015, ICCV): leaky_relu with a slope for each channel.
template <class T>
struct PreluFormulas {
  T dst(const Point& p) const { return by_sign(src(p), src(p), T(slope(p[1]) * src(p))); }
  T diff_src(const Point& p) const { return by_sign(src(p), diff_dst(p), T(slope(p[1]) * diff_dst(p))); }

  // diff_slope[c] = sum over n, d, h, w with src <= 0 of src diff_dst
  T diff_slope(const Point& channel) const {
    T sum(0.0);
    for_each(channel[0], [&](const Point& p) { sum += by_sign(src(p), T(0.0), T(src(p) * diff_dst(p))); });
    return sum;
  }

  static FormulaTable<PreluFormulas, T> table() {
    return {{"dst", &PreluFormulas::dst},
            {"diff_src", &PreluFormulas::diff_src},
            {"diff_slope", &PreluFormulas::diff_slope}};
  }

  PreluFormulas(const Case& c, const Arrays<T>& inputs)
      : sizes(point_of(*c.spec->find_slot("src")->shape(c.attributes), 1)),
        src(inputs, "src"),
        slope(inputs, "slope"),
        diff_dst(inputs, "diff_dst") {}

 private:
  template <class Visit>
  void for_each(Index channel, const Visit& visit) const {
    for (Index n = 0; n < sizes[0]; ++n)
      for (Index d = 0; d < sizes[2]; ++d)
        for (Index h = 0; h < sizes[3]; ++h)
          for (Index w = 0; w < sizes[4]; ++w) visit({n, channel, d, h, w});
  }

  const Point sizes;
  const Grid<T> src, slope, diff_dst;
};

}  // namespace

Reference activation_reference() { return make_reference<ActivationFormulas>(); }
Reference prelu_reference() { return make_reference<PreluFormulas>(); }

}  // namespace gradproof
