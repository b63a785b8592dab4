// Mass: a value together with how much rounding errors on the way to it may amount to. Every tolerance comes from here.
//
// The model (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, equation 2.8): float32 computes
//   fl(x op y) = (x op y)(1 + delta) + eta,   |delta| <= u = 2^-24,   |eta| <= 2^-150,
// where eta is underflow: 0 for sums and roots, which are exact below the normal range. Write gamma(n) = n u / (1 - n
// u).
//
// Claim. If v is the exact result of a formula on exact inputs, and a computation of v in float32 has depth d, then
//   |computed - v| <= gamma(d) * mass + underflow * 2^-149.                                                         (1)
//
// Depth counts roundings: an input 0, a sum or difference 1 + the larger depth of its operands, a product or quotient
// 1 + the depths of both, sqrt 1 + the depth of its argument, exp and log likewise, but with 2 an ulp of their error.
// A constant that float32 cannot hold (0.1) has depth 1. For a sum of n products of inputs this is n in sequence and
// less in blocks; masses are independent of the order of summation, so (1) covers all orders.
//
// Proof, rule by rule. E_x = gamma(d_x) m_x + 2^-149 w_x bounds the error of an operand with value x, mass m_x >= |x|
// and underflow w_x. K ("second_order") bounds gamma of every depth in the computation. So a computed operand lies
// between least(x) = |x| - K m_x - 2^-149 w_x and most(x) = |x| + K m_x + 2^-149 w_x in magnitude. We use
// gamma_i + gamma_j + gamma_i gamma_j <= gamma_{i+j} (Higham, lemma 3.3); (1 + u)^d <= 2, which the second half of
// 2^-149 against 2^-150 pays for; and max where one thinks of a sum, as gamma_d A + u B + u gamma_d A <= gamma_{d+1}
// max(A, B). Rounding of the masses themselves, in double, drowns in u / (1 + u) < gamma(1).
//
//   input, constant   m = |v|. w = 0.
//   a + b, a - b      E_a + E_b, and u |a + b| for the rounding: m = m_a + m_b, w = w_a + w_b.
//   square(x)         as x * x.
//   difference(a, b)  of operands without error only the rounding: m = |a - b|, w = 0. Otherwise a - b. (The mass of
//                     a - b would be right as well, and cover a sum that takes a and b apart. Here they must not be.)
//   a * b             E_a |b| + |a| E_b + E_a E_b. Split m_a = |a| + x and m_b = |b| + y. The part |a||b| gathers
//                     gamma_{d_a} + gamma_{d_b} + gamma_{d_a} gamma_{d_b} and one u: at most gamma of d_a + d_b + 1.
//                     The parts x |b| and |a| y do so too. Only x y is left, with gamma_{d_a} gamma_{d_b} (1 + u), at
//                     most K gamma of the whole. So m = |a||b| + x |b| + |a| y + K x y. (m_a m_b would count x y in
//                     full: where both factors come from cancellation that is thousands of times too much.) w = most(a)
//                     w_b + w_a most(b) + 1.
//   q = a / b         |a'/b' - a/b| = |(a' - a) - q (b' - b)| / |b'| <= (E_a + |q| E_b) / least(b). With m_b = |b| + y,
//                     |q||b| = |a|: m = (m_a + |q| y) / least(b), w = (w_a + |q| w_b) / least(b) + 1.
//                     With b without error E_b = 0 and b' = b: m = m_a / |b|, w = w_a / |b| + 1, and no K.
//                     With b infinite, which it is by its inputs alone, q = 0 without error: m = w = 0.
//   s = sqrt(x)       |sqrt(x') - s| = |x' - x| / (sqrt(x') + s): m = max(s, m_x / (s + sqrt(least(x)))), w alike.
//   f(x)              of an operand without error: m = |f(x)|. Otherwise, with a bound L of |f'| between x and what is
//                     computed for it: m = max(|f(x)|, L m_x), w = L w_x + 1. L is, r being most(x) - |x|, and t the
//                     least |x| that is possible, least(x) or 0:
//   exp, expm1        e^x e^r, as e^x (e^E - 1) <= e^x E e^E;
//   log1p(x)          1 / (1 + x - r);
//   tanh, sigmoid, normal_cdf(x)   the slope at t, where it is largest;
//   normal_density(x) (t + 2r) exp(-t^2 / 2) / sqrt(2 pi), t + 2r being the largest |x|.
//   log(x)            E / least(x): m = max(|log x|, m_x / least(x)), w = w_x / least(x).
//   maximum(a, b)     |max(a', b') - max(a, b)| <= max(E_a, E_b): m = max(m_a, m_b), w alike.
//   select            the mass of the branch taken, if the decision is certain: what is compared is further apart than
//                     its errors E_x + E_y (decision: K). Otherwise the other branch may be what is computed: m =
//                     max(m_a, m_b), w = max(w_a, w_b) + |a - b| / 2^-149.
//   floor_within(x)   a whole number without error, if no border of a cell lies within E_x of x. If one does, the cell
//                     is `undecided`, and so is all that is computed from it or given it: (1) does not hold for these.
// Where least <= 0 the computed operand may be zero or have the other sign: then the mass is infinite.
//
// Signs survive any error: a square is computed as x' * x' >= 0 however wrong x' is, and what is made of numbers that
// are not negative by sums, products and roots is none either. Every such operation is monotone, and rounding takes
// factors 1 - u off a path, depth of them, so with the same operations on what the operands are not below,
//   computed >= (1 - K) floor - 2^-149 w,                                                                           (2)
// floor being the value of a constant or an input, 0 of a square, and unknown of differences and of all else that is
// not named here. least(x) is the larger of this and the above. So 1 / sqrt(var + eps) has a finite mass however much
// smaller than its own error the variance is: var + eps is at least eps.
//
// Without error (`exact`) are inputs, constants that float32 holds, a sum of two of these that is 0, and sums,
// differences and products of whole numbers without error while their mass stays below 2^24: every partial sum, in any
// order, is then such a number too.
//
// A sum of products of inputs never uses K, so its mass is valid for any depth; other masses are for gamma(depth) <= K.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "reference/number.h"

namespace gradproof {

inline constexpr double kRoundoff = 0x1p-24;     // u of float32
inline constexpr double kUnderflow = 0x1p-149;   // twice the largest eta
inline constexpr double kSecondOrder = 0x1p-13;  // K unless an input says otherwise: depths up to 2047
inline constexpr double kWholeNumbers = 0x1p24;  // up to here float32 holds all of them

// n u / (1 - n u); throws std::domain_error unless n u < 1.
inline double rounding_gamma(double depth) {
  const double nu = depth * kRoundoff;
  if (!(nu < 1)) throw std::domain_error("rounding_gamma: a computation of depth 2^24 or more has no error bound");
  return nu / (1 - nu);
}

template <class S>
struct Mass {
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();

  // Whether a is chosen over b, whether rounding cannot make it the other way round, and what is known of a and b.
  struct Decision {
    bool holds = false;
    bool certain = true;
    double second_order = kInfinity, valid_to = kInfinity, decision = kInfinity;
    bool undecided = false;
  };

  S value{};
  double size = 0;                  // |value|: every operation asks for it, and to convert costs as much as half a sum
  double mass = 0;                  // at least |value|
  double underflow = 0;             // in units of 2^-149
  double second_order = kInfinity;  // K: the least that any operand was given; infinity: none, so kSecondOrder
  double valid_to = kInfinity;      // the largest gamma(depth) for which (1) holds: K once that was used
  double decision = kInfinity;      // gamma of the depth of what cells are taken of; infinity: K
  double floor = -kInfinity;        // (2), at least 0; negative: unknown
  bool exact = true;
  bool undecided = false;

  Mass() = default;
  explicit Mass(double constant)
      : value(constant),
        size(std::abs(constant)),
        mass(size),
        floor(known_floor(constant)),
        exact(static_cast<double>(static_cast<float>(constant)) == constant) {}
  explicit Mass(S v)
      : value(std::move(v)),
        size(magnitude(value)),
        mass(size),
        floor(value < S(0.0) ? -kInfinity : known_floor(size)) {}
  // An input of a computation whose whole depth is at most `depth`: K = gamma(depth), tighter than kSecondOrder for
  // short computations and still valid for long ones. One such input is enough, since K regards the whole computation.
  // The values that cells are taken of have depths up to `decision_depth`, which may be much less.
  static Mass input(S v, double depth, double decision_depth) {
    Mass result(std::move(v));
    result.second_order = rounding_gamma(depth);
    result.decision = rounding_gamma(decision_depth);
    return result;
  }
  static Mass input(S v, double depth) { return input(std::move(v), depth, depth); }

  // Called, not inlined: a formula in masses would be the larger half of what its file compiles to.
  friend Mass operator-(Mass a) {
    a.value = -a.value;
    a.floor = -kInfinity;
    return a;
  }
  [[gnu::noinline]] friend Mass operator+(const Mass& a, const Mass& b) {
    return Mass(a.value + b.value, a.mass + b.mass, a.underflow + b.underflow)
        .after(a, b)
        .maybe_exact(a, b)
        .exact_if_cancelled(a, b)
        .not_below(a.floor + b.floor);
  }
  friend Mass operator-(const Mass& a, const Mass& b) { return a + -b; }
  friend Mass difference(const Mass& a, const Mass& b) {
    return a.exact && b.exact ? Mass(a.value - b.value, 0, 0).after(a, b).maybe_exact(a, b) : a - b;
  }
  [[gnu::noinline]] friend Mass operator*(const Mass& a, const Mass& b) {
    const double x = a.size, dx = a.mass - x;
    const double y = b.size, dy = b.mass - y;
    const double k = std::min(a.k(), b.k());
    const bool first_order = dx * dy == 0 && a.underflow == 0 && b.underflow == 0;
    const Mass product(a.value * b.value, x * y + dx * y + x * dy + k * dx * dy,
                       a.most() * b.underflow + a.underflow * b.most() + 1);
    return (first_order ? product.after(a, b) : product.after(a, b).using_k())
        .maybe_exact(a, b)
        .not_below(a.floor >= 0 && b.floor >= 0 ? a.floor * b.floor : -kInfinity);
  }
  friend Mass square(const Mass& x) { return (x * x).not_below(x.floor >= 0 ? x.floor * x.floor : 0); }
  [[gnu::noinline]] friend Mass operator/(const Mass& a, const Mass& b) {
    const S quotient = a.value / b.value;
    const double q = magnitude(quotient), y = b.size, dy = b.mass - y, least = b.least();
    if (std::isinf(y) && std::isfinite(a.mass)) return Mass(quotient, 0, 0).after(a, b);
    if (b.exact && y > 0)
      return Mass(quotient, a.mass / y, a.underflow / y + 1)
          .after(a, b)
          .not_below(b.value > 0 ? a.floor / y : -kInfinity);
    if (!(least > 0)) return unbounded(quotient).after(a, b).using_k();
    return Mass(quotient, (a.mass + q * dy) / least, (a.underflow + q * b.underflow) / least + 1).after(a, b).using_k();
  }
  Mass& operator+=(const Mass& b) { return *this = *this + b; }
  Mass& operator-=(const Mass& b) { return *this = *this - b; }
  Mass& operator*=(const Mass& b) { return *this = *this * b; }
  Mass& operator/=(const Mass& b) { return *this = *this / b; }

  friend Mass sqrt(const Mass& x) {
    const S root = sqrt(x.value);
    if (x.mass == 0 && x.underflow == 0) return Mass(root, 0, 0).after(x);
    if (!(x.least() > 0)) return unbounded(root).after(x).using_k();
    const double s = magnitude(root), slope = 1 / (s + std::sqrt(x.least()));
    return Mass(root, std::max(s, slope * x.mass), slope * x.underflow)
        .after(x)
        .using_k()
        .not_below(x.floor >= 0 ? std::sqrt(std::max(0.0, x.floor - 2 * kUnderflow * x.underflow)) : -kInfinity);
  }
  friend Mass exp(const Mass& x) {
    const S power = exp(x.value);
    return function(power, x, magnitude(power) * std::exp(x.spread()));
  }
  friend Mass expm1(const Mass& x) {
    return function(expm1(x.value), x, std::exp(static_cast<double>(x.value) + x.spread()));
  }
  friend Mass log1p(const Mass& x) {
    const double least = 1 + static_cast<double>(x.value) - x.spread();
    return function(log1p(x.value), x, least > 0 ? 1 / least : kInfinity);
  }
  friend Mass tanh(const Mass& x) {
    const double power = std::exp(-2 * x.nearest()), root = 1 + power;
    return function(tanh(x.value), x, 4 * power / (root * root));
  }
  friend Mass normal_cdf(const Mass& x) { return function(normal_cdf(x.value), x, normal_density(x.nearest())); }
  friend Mass normal_density(const Mass& x) {
    const double t = x.nearest();
    return function(normal_density(x.value), x, (t + 2 * x.spread()) * normal_density(t));
  }
  friend Mass log(const Mass& x) {
    const S logarithm = log(x.value);
    if (!(x.least() > 0)) return unbounded(logarithm).after(x).using_k();
    return Mass(logarithm, std::max(magnitude(logarithm), x.mass / x.least()), x.underflow / x.least())
        .after(x)
        .using_k();
  }
  friend Mass sigmoid(const Mass& x) {
    const double power = std::exp(-x.nearest()), root = 1 + power;
    return function(sigmoid(x.value), x, power / (root * root));
  }

  friend Decision exceeds(const Mass& a, const Mass& b) {
    const double error = a.error() + b.error();
    const double apart = magnitude(S(a.value - b.value));
    const bool certain = error == 0 || std::isinf(apart) || !(apart <= error);  // infinite by its inputs alone, or NaN
    const Mass both = Mass().after(a, b);
    return {exceeds(a.value, b.value),
            certain,
            both.second_order,
            error == 0 ? both.valid_to : both.using_k().valid_to,
            both.decision,
            both.undecided};
  }
  friend Mass select(const Decision& decision, const Mass& a, const Mass& b) {
    Mass result = decision.holds ? a : b;
    if (!decision.certain) {
      const double apart = a.value == b.value ? 0 : magnitude(S(a.value - b.value));
      result = Mass(result.value, std::max(a.mass, b.mass), std::max(a.underflow, b.underflow) + apart / kUnderflow)
                   .after(a, b)
                   .not_below(std::min(a.floor, b.floor));
    }
    result.second_order = std::min(result.second_order, decision.second_order);
    result.valid_to = std::min(result.valid_to, decision.valid_to);
    result.decision = std::min(result.decision, decision.decision);
    result.undecided = result.undecided || decision.undecided;
    return result;
  }
  friend Mass maximum(const Mass& a, const Mass& b) {
    return Mass(exceeds(b.value, a.value) ? b.value : a.value, std::max(a.mass, b.mass),
                std::max(a.underflow, b.underflow))
        .after(a, b)
        .not_below(std::max(a.floor, b.floor));
  }

  friend Mass floor_within(const Mass& x, Index first, Index last) {
    Mass cell = Mass(floor_within(x.value, first, last)).after(x);
    if (x.exact || !std::isfinite(static_cast<double>(x.value))) return cell;
    const double error = x.error();
    const bool decided = floor_within(S(x.value - S(error)), first, last) == cell.value &&
                         floor_within(S(x.value + S(error)), first, last) == cell.value;
    return decided ? cell.using_k() : cell.using_k().as_undecided();
  }
  friend Mass given(const Mass& cell, Mass x) {
    x.undecided = x.undecided || cell.undecided;
    x.valid_to = std::min(x.valid_to, cell.valid_to);
    return x;
  }

  friend const S& value_of(const Mass& x) { return x.value; }
  friend bool isnan(const Mass& x) { return isnan(x.value); }

 private:
  // Rounding in double may bring m an ulp below |v|.
  Mass(S v, double m, double w)
      : value(std::move(v)), size(magnitude(value)), mass(std::max(m, size)), underflow(w), exact(false) {}
  static Mass unbounded(S v) { return Mass(std::move(v), kInfinity, kInfinity); }

  // f(x), where |f'| is at most `slope` between x and what is computed for it. Of an infinite x, which is so by the
  // inputs alone, it is without error.
  [[gnu::noinline]] static Mass function(S value, const Mass& x, double slope) {
    if (x.exact || std::isinf(static_cast<double>(x.value))) return Mass(std::move(value), 0, 1).after(x);
    return Mass(value, slope * x.mass, slope * x.underflow + 1).after(x).using_k();
  }

  // This, as the result of an operation on x (and y).
  Mass after(const Mass& x) const {
    Mass result = *this;
    result.second_order = std::min(second_order, x.second_order);
    result.decision = std::min(decision, x.decision);
    result.valid_to = std::min(valid_to, x.valid_to);
    result.undecided = undecided || x.undecided;
    return result;
  }
  Mass after(const Mass& x, const Mass& y) const { return after(x).after(y); }
  Mass using_k() const {
    Mass result = *this;
    result.valid_to = std::min(valid_to, k());
    return result;
  }
  Mass not_below(double least) const {
    Mass result = *this;
    result.floor = least;
    return result;
  }
  Mass as_undecided() const {
    Mass result = *this;
    result.undecided = true;
    return result;
  }
  // Exact where a sum or product of x and y is.
  Mass maybe_exact(const Mass& x, const Mass& y) const {
    Mass result = *this;
    result.exact = x.exact && y.exact && x.is_whole() && y.is_whole() && mass <= kWholeNumbers;
    return result;
  }
  // A sum of two numbers without error that is 0 has none: nothing is rounded.
  Mass exact_if_cancelled(const Mass& x, const Mass& y) const {
    Mass result = *this;
    result.exact = exact || (x.exact && y.exact && value == S(0.0));
    return result;
  }
  bool is_whole() const { return std::floor(size) == size; }

  // Of what is computed for a value that something is decided by.
  double error() const { return exact ? 0 : std::min(k(), decision) * mass + kUnderflow * underflow; }

  static double magnitude(const S& x) { return std::abs(static_cast<double>(x)); }
  static double known_floor(double x) { return x >= 0 ? x : -kInfinity; }
  double k() const { return std::isinf(second_order) ? kSecondOrder : second_order; }
  // The least and the most that the magnitude of a computed value may be.
  double least() const { return std::max(size - k() * mass, (1 - k()) * floor) - kUnderflow * underflow; }
  double spread() const { return k() * mass + kUnderflow * underflow; }
  double nearest() const { return std::max(0.0, least()); }
  double most() const { return size + k() * mass + kUnderflow * underflow; }
};

// The right-hand side of (1) for a computation of the given depth. Throws std::domain_error for a depth that the mass
// was not made for, gamma(depth) > valid_to: a bound without proof would be no bound.
template <class S>
double error_bound(const Mass<S>& x, double depth) {
  const double gamma = rounding_gamma(depth);
  if (!(gamma <= x.valid_to))
    throw std::domain_error("error_bound: the depth exceeds what Mass allows for; give it to Mass::input()");
  return gamma * x.mass + kUnderflow * x.underflow;
}

}  // namespace gradproof
